# The same few targets locally and in CI; `make help` lists them.

GOLANGCI_LINT = v2.15.0
OASDIFF = v1.36.0

# How long torture is. .ci/run sets smaller values.
TORTURE ?= 1# of e2e's tests: 1 is full length, 0.1 is a tenth
CHECKS ?= 10000# random checks of each property of a store
HISTORIES ?= 10000# random histories of the sync API
ERASURES ?= 200# erasures beside keyed writers
REPLICAS ?= 1000# random histories of the offline copy of clients/typescript
FUZZTIME ?= 60s# for each fuzz target

.DEFAULT_GOAL := help
.PHONY: help run deps test lint generate generators agents client formats bench torture fuzz

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: ## serve with the database ./docket.db
	go run ./cmd/docket

deps: ## install the programs that the tests need (as root on Debian), or list them
	@.ci/deps

# Eight packages at a time: most tests wait for another process.
test: deps ## run every test in its short form, in about three minutes
	go test -count=1 -p=8 -timeout=15m ./...

# At the end of its time Go may report its own deadline, without an input (golang/go#75804).
fuzz:
	@set -e; grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
	  grep -oE '^func Fuzz[A-Za-z0-9]+' "$$file" | cut -c6- | while read -r target; do \
	    echo "fuzz $$target $(FUZZTIME)"; \
	    go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "./$$(dirname "$$file")" >fuzz.log 2>&1 || \
	      { grep -q '^    context deadline exceeded$$' fuzz.log && ! grep -q 'Failing input' fuzz.log; } || { cat fuzz.log; exit 1; }; \
	  done; \
	done; rm -f fuzz.log

lint: deps bin/golangci-lint bin/oasdiff ## run golangci-lint and the linters of the contract
	bin/golangci-lint run
	@.ci/lint-contract

bin/golangci-lint:
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)

bin/oasdiff:
	GOBIN=$(CURDIR)/bin go install github.com/oasdiff/oasdiff@$(OASDIFF)

generate: ## write openapi.yaml from the code
	go run ./cmd/docket openapi >openapi.yaml

generators: deps ## compile what generators of clients make of the contract, and try it on a server
	@.ci/generators/run

agents: deps ## let programs of others speak MCP with docket, and count what agents pay
	@.ci/agents/run

client: deps ## build and try the npm package, and check the page at / that is built from it
	@.ci/client/run

PYTHON = /usr/lib/python3/dist-packages
formats: ## export tasks in each format, and read the files with other programs
	@.ci/deps topydo vdirsyncer todoman todotxt-cli=todo-txt python3-icalendar=$(PYTHON)/icalendar python3-vobject=$(PYTHON)/vobject
	@.ci/formats/run

torture: deps ## run the long tests: everything with the race detector, faults and load, model checks, fuzzing
	go test -race -count=1 -p=2 -timeout=30m $$(go list ./... | grep -v /e2e)
	go test -count=1 -timeout=60m ./internal/sqlite ./internal/postgres -run='^TestStore' -rapid.checks=$(CHECKS)
	go test -count=1 -timeout=60m ./internal/postgres -run='^TestStoreBehind|^TestClients|^TestPooler' -poolers
	go test -race -count=1 -timeout=60m ./internal/sqlite ./internal/postgres -run='^TestSyncMissesNothing' -histories=$(HISTORIES) -v
	go test -count=1 -timeout=60m ./internal/sqlite ./internal/postgres -run='^TestStore/EraseBesideKeyedWrites|^TestEraseBesideKeyedWriters' -erasures=$(ERASURES)
	go test -count=1 -timeout=60m ./internal/pgtest ./internal/postgres ./internal/httpapi -run=Citus -citus
	go test -race -count=1 -timeout=120m ./e2e -torture=$(TORTURE) -citus -v
	@HISTORIES=$(REPLICAS) .ci/client/run long
	@$(MAKE) --no-print-directory fuzz

bench: ## measure for half an hour; bench/README.md describes the method
	@.ci/deps wrk
	go test -run='^$$' -bench=. -timeout=90m ./bench ./internal/auth
