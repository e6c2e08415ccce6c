# docker build --build-arg VERSION=v1.2.3 --tag docket .
#
# The image has the static binary and the CA certificates, and no libc or shell.

FROM golang:1.26 AS build
WORKDIR /src
# Modules first, so that a change of the code does not download them again.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
# .dockerignore excludes .git, so the build has no VCS revision: VERSION names it.
# grpcnotrace leaves out text/template, for which the linker would keep all methods of all types.
RUN CGO_ENABLED=0 go build -tags=grpcnotrace -trimpath -buildvcs=false \
    -ldflags="-s -w -X docket/internal/cli.Version=${VERSION}" -o /out/docket ./cmd/docket
# The directory of the volume: a new volume takes its owner from it.
RUN mkdir /out/data

FROM scratch
# CA certificates, for PostgreSQL and identity providers. Time zone data is not needed: every time is UTC.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/docket /docket
COPY --from=build --chown=65532:65532 /out/data /data
# Numeric, so that an orchestrator can verify that it is not root.
USER 65532:65532

# The default DATABASE_URL, sqlite:docket.db, is relative to the working directory: /data/docket.db. It is not set
# by ENV, because DATABASE_URL together with DATABASE_URL_FILE is an error. Nothing else is written, so the root
# file system may be read-only.
WORKDIR /data
VOLUME /data

# All addresses of the container. Docket refuses to start until authentication is configured or AUTH=none is set.
ENV HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s CMD ["/docket", "healthcheck"]
ENTRYPOINT ["/docket"]
