# Tomeishi is built with Go and make alone. Tools are pinned in .tools/*.mod,
# built on first use by the go command and kept in its cache.

GO   ?= go
TOOL  = $(GO) tool -modfile=.tools/$(1).mod $(1)
DIRS  = $(wildcard agent collector rules plugins cmd)

.DEFAULT_GOAL := help
.PHONY: help build check format vet lint static dead tidy portable fix tools test bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

build: ## the stripped binaries, in ./bin
	@mkdir -p bin
	$(GO) build -trimpath -ldflags='-s -w' -o bin/ ./cmd/tomeishi ./cmd/tomeishi-agent
	@ls -l bin

check: format vet lint static dead tidy portable ## formatting, vet, golangci-lint, staticcheck, deadcode, go.mod, other systems

format:
	@echo 'gofumpt: files that need formatting'
	@files=$$($(call TOOL,gofumpt) -l $(DIRS)) || exit 1; \
	if [ -n "$$files" ]; then echo "$$files"; echo 'format them with: make fix'; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(call TOOL,golangci-lint) run ./...

static:
	$(call TOOL,staticcheck) ./...

# deadcode exits 0 whatever it finds, so what it prints is the verdict.
dead:
	@echo 'deadcode: functions that nothing reaches'
	@found=$$($(call TOOL,deadcode) -test ./...) || exit 1; \
	if [ -n "$$found" ]; then echo "$$found"; exit 1; fi

# -e, since tidy looks for what tests of dependencies' dependencies import: one
# of Prometheus's wants a package of go-metrics that the version which raft
# wants has no more. -diff fails when go.mod or go.sum would change.
tidy:
	@echo 'go mod tidy: what go.mod and go.sum lack or have too much'
	@said=$$($(GO) mod tidy -e -diff 2>&1) || { echo "$$said"; exit 1; }

# On macOS the commands have to build; on other Linux machines everything, tests
# included. One check of vet is enough to see that a package compiles. The first
# time compiles every engine for each; after that only what has changed.
portable: ## that it compiles for macOS, arm64 and 386
	@for arch in arm64 amd64; do \
		echo "darwin/$$arch: build the commands"; \
		CGO_ENABLED=0 GOOS=darwin GOARCH=$$arch $(GO) build ./cmd/tomeishi ./cmd/tomeishi-agent || exit 1; \
	done
	@for arch in arm64 386; do \
		echo "linux/$$arch: compile everything, tests too"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) vet -buildtag ./... || exit 1; \
	done

fix: ## format the code and group its imports
	$(call TOOL,golangci-lint) fmt

tools: ## build the tools of check ahead of time
	@for tool in gofumpt deadcode staticcheck golangci-lint; do \
		echo "tool $$tool"; \
		$(GO) tool -modfile=.tools/$$tool.mod -n $$tool >/dev/null || exit 1; \
	done

# The race detector needs a C compiler.
RACE := $(if $(shell command -v "$$($(GO) env CC)"),-race)

test: ## every test, with the race detector, in random order
	@.tools/chromium.sh
	@$(if $(RACE),,echo "no C compiler ($$($(GO) env CC)), so the tests run without the race detector")
	CGO_ENABLED=$(if $(RACE),1,0) $(GO) test $(RACE) -shuffle=on -timeout=30m -p=3 ./... # some packages mostly wait

bench: ## the figures of BENCHMARKS.md, then the benchmarks of the hot path
	$(GO) run ./cmd/internal/bench
	$(GO) test -run='^$$' -bench=. -benchmem ./agent/... ./collector/... ./rules/...

clean: ## remove what build made
	rm -rf bin
