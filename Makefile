# The same few verbs locally and in CI; `make help` lists them.

GOLANGCI_LINT = v2.15.0
OASDIFF = v1.36.0
FUZZTIME ?= 3s

.DEFAULT_GOAL := help
.PHONY: help run deps test lint generate bench torture

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: ## serve on ./docket.db
	go run ./cmd/docket

deps: ## install what the tests need (Debian, as root), or say what to install
	@.ci/deps

test: deps ## every test, with the race detector, and a few seconds of each fuzz target
	go test -race -count=1 -timeout=20m ./...
	@$(MAKE) --no-print-directory fuzz

.PHONY: fuzz
fuzz:
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
	  grep -oE '^func Fuzz[A-Za-z0-9]+' "$$file" | cut -c6- | while read -r target; do \
	    echo "fuzz $$target $(FUZZTIME)"; \
	    go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "./$$(dirname "$$file")" >fuzz.log 2>&1 || { cat fuzz.log; exit 1; }; \
	  done; \
	done; rm -f fuzz.log

lint: deps bin/golangci-lint bin/oasdiff ## golangci-lint, and the linters of the contract
	bin/golangci-lint run
	@.ci/lint-contract

bin/golangci-lint:
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)

bin/oasdiff:
	GOBIN=$(CURDIR)/bin go install github.com/oasdiff/oasdiff@$(OASDIFF)

generate: ## write openapi.yaml from the code
	go run ./cmd/docket openapi >openapi.yaml

torture: deps bin/oasdiff ## the long shows: faults and what they do, model checks, a minute of each fuzz target
	@.ci/lint-contract
	go test -count=1 -timeout=30m ./internal/sqlite ./internal/postgres -run='^TestStore' -rapid.checks=10000
	go test -race -count=1 -timeout=30m ./internal/sqlite ./internal/postgres -run='^TestSyncMissesNothing' -histories=10000 -v
	go test -race -count=1 -timeout=60m ./e2e -torture -v
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s

bench: ## measure, for half an hour; bench/README.md has the method
	@.ci/deps wrk
	go test -run='^$$' -bench=. -timeout=90m ./bench ./internal/auth
