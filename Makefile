# What each target does stands behind its ##; `make` alone lists them.
# Tools are pinned in scripts/tools.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X github.com/pyvider/rpcplugin/cmd.version=$(VERSION)

FUZZTIME ?= 20s
BENCH ?= .
COUNT ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/rpcplugin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rpcplugin .

.PHONY: python-env
python-env: build ## make the Python environment of the examples
	scripts/python-env bin/rpcplugin

.PHONY: node-env
node-env: ## install what the example in Node needs
	scripts/node-env

.PHONY: demo
demo: python-env ## show a Python provider at work, under Terraform if there is one
	@scripts/demo

.PHONY: check
check: lint check-generated test crosscompile ## all that must pass before a commit

.PHONY: test
test: ## run the tests with the race detector
	go test -race ./...
	go test -count=1 -run 'TestMemory|TestMixedCalls' ./internal/h2switch # with the detector: less, or nothing

.PHONY: e2e
e2e: python-env node-env ## run the tests against real hosts and plugins
	scripts/tools terraform terraform-provider-time kv-host kv-plugin counter-host counter-plugin pyvider-python h2spec
	scripts/tools tflint vault vault-plugin-secrets-kv nomad nomad-device
	go test -tags e2e -count=1 -timeout 30m -p 1 ./e2e/... ./docs/...

.PHONY: lint
lint: ## check style, layering and formatting
	scripts/tools golangci-lint
	.cache/bin/golangci-lint run --allow-parallel-runners

.PHONY: format
format: ## format the Go code
	scripts/tools golangci-lint
	.cache/bin/golangci-lint fmt

.PHONY: generate
generate: ## generate Go code from proto/
	scripts/generate

.PHONY: check-generated
check-generated: ## fail if generated code is stale
	scripts/generate --check

.PHONY: crosscompile
crosscompile: ## build for linux, darwin and windows, on amd64 and arm64
	scripts/crosscompile

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (20s)
	scripts/fuzz $(FUZZTIME)

.PHONY: bench
bench: python-env ## run the benchmarks BENCH (.) COUNT (1) times, for benchstat
	@scripts/tools terraform terraform-provider-time
	@scripts/bench '$(BENCH)' $(COUNT)

.PHONY: release
release: ## make the archives of a release, for all platforms, in dist/
	scripts/release

.PHONY: release-check
release-check: ## try the archives in dist/
	scripts/release --check

CONTAINER ?= podman

.PHONY: image
image: ## build the container image rpcplugin from dist/, with CONTAINER (podman)
	$(CONTAINER) build -f Containerfile -t rpcplugin --build-arg TARGETARCH=$$(go env GOARCH) \
		--build-arg VERSION=$(VERSION:v%=%) --build-arg REVISION=$$(git rev-parse HEAD) \
		--build-arg CREATED=$$(git log -1 --format=%cI) .

.PHONY: tools
tools: ## install all pinned tools into .cache/bin
	scripts/tools

.PHONY: clean
clean: ## remove what was built, and the links to the tools
	rm -rf bin dist .cache
