# docker build --build-arg VERSION=v1.2.3 --tag docket .
#
# The image is the one binary, which needs no libc, no shell and no other file
# but the certificates below.

FROM golang:1.26 AS build
WORKDIR /src
# The modules first, so that a change of the code does not fetch them again.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
# .dockerignore leaves out .git, so there is no revision to stamp: VERSION names the build.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X docket/internal/cli.Version=${VERSION}" -o /out/docket ./cmd/docket
# A folder that the image's user may write: a new volume takes its owner from here.
RUN mkdir /out/data

FROM scratch
# To verify PostgreSQL and the servers of key sets. There is no time zone data, for every time is UTC.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/docket /docket
COPY --from=build --chown=65532:65532 /out/data /data
# A number, so that an orchestrator can see that it is not root.
USER 65532:65532

# The default DATABASE_URL is sqlite:docket.db in the working directory, so this makes it /data/docket.db.
# It is not an ENV, because DATABASE_URL and DATABASE_URL_FILE together are an error: with an ENV, whoever
# sets the second would have to clear the first. Nothing else is written: the root may be read-only.
WORKDIR /data
VOLUME /data

# All of the container's addresses. Docket then refuses to start until authentication is configured or AUTH=none
# is spelled out.
ENV HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s CMD ["/docket", "healthcheck"]
ENTRYPOINT ["/docket"]
