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
export PATH := $(buf_bin):$(golangci_bin):$(PATH)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: generate
generate: $(buf_bin)/.done .protodeps/.done ## Generate gen/ from proto/
	@tools/generate

$(cache)/%/.done:
	@echo "Building $(firstword $(subst -, ,$*)) tools once into $(@D): minutes when Go's cache is cold"
	cd tools/$(firstword $(subst -, ,$*)) && GOBIN=$(@D) nice go install tool
	@touch $@

.protodeps/.done: tools/protodeps/main.go tools/protodeps/go.mod tools/protodeps/go.sum
	@cd tools/protodeps && go run . ../../.protodeps
	@touch $@
