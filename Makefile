# Targets for people: `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Developer tools are built once per version and kept outside the checkout.
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fashen
key = $(shell cat tools/$(1)/go.mod tools/$(1)/go.sum | git hash-object --stdin | cut -c1-12)
buf_bin := $(cache)/buf-$(call key,buf)
golangci_bin := $(cache)/golangci-$(call key,golangci)
deploy_bin := $(cache)/deploy-$(call key,deploy)
fonts := $(cache)/fonts
export PATH := $(buf_bin):$(golangci_bin):$(PATH)

# Where data races could hide: what goroutines share.
race_packages ?= ./internal/docstore/... ./internal/journal/... ./internal/feed/... ./internal/checkpoint/... ./internal/rpc/... ./internal/auth/... ./internal/identity/... ./internal/app/... ./services/...
FUZZTIME ?= 10s
fuzz_in ?= .
KILLS ?= 200

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: ## Build and start everything on the embedded store, with sample data in ./data
	go build -o bin/fashen ./cmd/fashen
	@tools/fonts $(fonts) || echo "Without these fonts, letters as PDF need --fonts; all else works."
	bin/fashen serve --data data --sample --fonts $(fonts)

.PHONY: fonts
fonts: ## Fetch the free fonts that letters are written with as PDF (needs npm)
	tools/fonts $(fonts)

.PHONY: test
test: ## Run every test that needs nothing but Go
	@# Tests of whole processes wait more than they compute.
	go test -timeout 30m -parallel 4 ./...

.PHONY: check
check: check-format check-modules check-proto check-generated check-weights lint check-arrows ## Format, vet, linters, generated code, import arrows, go.mod

.PHONY: check-format
check-format:
	@unformatted=$$(gofmt -l .); \
	[[ -z "$$unformatted" ]] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

.PHONY: check-modules
check-modules:
	go mod tidy -diff
	for module in tools/buf tools/golangci tools/protodeps tools/deploy tools/learn examples/go; do (cd $$module && go mod tidy -diff); done

.PHONY: check-proto
check-proto: $(buf_bin)/.done .protodeps/.done
	buf lint
	buf format --diff --exit-code proto
	@cd proto && echo api-linter && \
	report=$$(api-linter --config ../tools/api-linter.yaml --ignore-comment-disables --set-exit-status \
		-I . -I ../.protodeps $$(find fashen -name '*.proto') 2>&1) || { echo "$$report"; exit 1; }

.PHONY: check-generated
check-generated: $(buf_bin)/.done .protodeps/.done
	tools/generate --check

.PHONY: check-weights
check-weights:
	cd tools/learn && go run . -check ../..

.PHONY: weights
weights: ## Learn internal/wording/model.tsv from its labelled clauses
	cd tools/learn && go run . ../..

.PHONY: check-arrows
check-arrows:
	go test -count=1 ./test/arch

.PHONY: generate
generate: $(buf_bin)/.done .protodeps/.done ## Generate gen/ from proto/
	@tools/generate

.PHONY: fmt
fmt: $(buf_bin)/.done .protodeps/.done $(golangci_bin)/.done ## Format Go and protos
	golangci-lint fmt
	buf format --write proto

.PHONY: lint
lint: $(golangci_bin)/.done ## go vet and golangci-lint
	for module in . examples/go; do (cd $$module && go vet ./... && golangci-lint run ./...); done

.PHONY: race
race: ## Run the tests of shared state under the race detector (needs a C compiler)
	go test -race -timeout 30m $(race_packages)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME, 10s unless told
	@grep -rlE '^func Fuzz' --include='*_test.go' $(fuzz_in) | xargs -n1 dirname | sort -u | while read -r package; do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$package; \
		done; \
	done

.PHONY: fuzz-readers
fuzz-readers: ## Run every fuzz target of what reads files, a minute each: .docx, OFD, PDF, text, numerals, numbers, outline, citations
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s fuzz_in='./internal/policytext ./internal/pdftext'

.PHONY: bench
bench: ## Run every benchmark
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: load
load: ## Measure start, memory, read, create and list in interleaved rounds, beside their parts
	go run ./test/load $(LOAD)

.PHONY: durability
durability: ## Show by a trace of system calls that a write is synced before it is acknowledged (needs strace)
	FASHEN_DURABILITY=1 go test ./internal/docstore/sqlite -run TestDurabilityTrace -count=1 -v

.PHONY: office
office: ## Have LibreOffice open and save letters, comments and tracked changes, and race it at reading (needs soffice)
	go test -tags office ./internal/officialdoc -run '^TestOffice' -count=1 -v
	go test -tags office ./internal/policytext -run '^$$' -bench BesideOffice

.PHONY: kill
kill: ## Kill the process KILLS times, 200 unless told, amid half as many commands again
	KILLS=$(KILLS) go test ./test/e2e -run '^TestKill$$' -count=1 -v -parallel 8 -timeout 20m

.PHONY: deploy-check
deploy-check: $(deploy_bin)/.done ## Check deploy/ with Helm and a loader of Compose files, and run the image's binary (needs root)
	FASHEN_DEPLOY_TOOLS=$(deploy_bin) go test ./test/deploy -count=1 -v

.PHONY: processes
processes: ## Run the end-to-end tests with each service in a process of its own
	FASHEN_TEST_REPLICAS=1 go test -count=1 -timeout 30m ./test/e2e

.PHONY: mongo-test
mongo-test: ## Run storage and end-to-end tests on FASHEN_TEST_MONGODB_URI, or on a stand-in
	test/mongo/test.sh

$(cache)/%/.done:
	@echo "Building $(firstword $(subst -, ,$*)) tools once into $(@D): minutes when Go's cache is cold"
	cd tools/$(firstword $(subst -, ,$*)) && GOBIN=$(@D) nice go install tool
	@touch $@

.protodeps/.done: tools/protodeps/main.go tools/protodeps/go.mod tools/protodeps/go.sum
	@cd tools/protodeps && go run . ../../.protodeps
	@touch $@
