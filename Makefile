# Assay. `make run` builds and serves; `make test` runs all tests.
SHELL := /bin/bash
GO ?= go
ADDR ?= 127.0.0.1:8080
SDK := .cache/sdk

.PHONY: build run test race check sdk smoke faults soak fuzz bench train bench-classifier bench-gateway runtime clean

# bin/ is complete in itself: the binaries look for the library in lib/ beside them.
build:
	@mkdir -p bin/lib
	@set -e; lib=$$(bash classifier/onnx/runtime.sh); \
	  cmp -s "$$lib" bin/lib/libonnxruntime.so || install -m 644 "$$lib" bin/lib/libonnxruntime.so
	$(GO) build -trimpath -o bin/ ./cmd/assay ./cmd/evals

# The shared library of ONNX Runtime: pinned, checked, kept in .cache.
# ONNXRUNTIME_LIB=/path/to/libonnxruntime.so uses one that is there already.
runtime:
	@bash classifier/onnx/runtime.sh

run: build
	./bin/assay serve --addr $(ADDR)

# All tests, with the race detector and the real parts: ONNX Runtime, DuckDB,
# the official SDKs. A part that cannot be had here is skipped with its reason;
# ASSAY_REQUIRE=1 (as in CI) makes that a failure.
#
# cmd/assay starts dozens of gateways, which takes the race detector a quarter of
# an hour: there it watches the tests in which much goes on at once, and all run
# without it. make race has it watch everything.
test: runtime sdk check
	ASSAY_REQUIRE_ONNX=1 $(GO) test -race -timeout 25m $$($(GO) list ./... | grep -v '/cmd/assay$$')
	ASSAY_REQUIRE_ONNX=1 $(GO) test -race -timeout 25m -run $(BUSY) ./cmd/assay
	ASSAY_REQUIRE_ONNX=1 $(GO) test -timeout 25m ./cmd/assay
	CGO_ENABLED=0 $(GO) test ./classifier ./models ./models/openai ./datasets ./scoring ./scoring/success ./billing/savings

BUSY := 'UnderLoad|Storm|Bursts|FreeKey|InSteps|Surprises|StopDrains|Reload'
race: runtime sdk
	ASSAY_REQUIRE_ONNX=1 $(GO) test -race -timeout 60m ./...

check:
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "gofmt would change:"; echo "$$files"; exit 1; }
	$(GO) vet ./...

# The official OpenAI SDKs for Python and Node, pinned, for the tests in cmd/assay.
sdk: $(SDK)/python.done $(SDK)/node.done

$(SDK)/python.done: cmd/assay/testdata/sdk/requirements.txt
	@mkdir -p $(SDK)
	@if command -v python3 >/dev/null && rm -rf $(SDK)/python && python3 -m venv $(SDK)/python && \
	  $(SDK)/python/bin/pip install -q --disable-pip-version-check --require-hashes -r $<; \
	then touch $@; elif [ -n "$(ASSAY_REQUIRE)" ]; then exit 1; else echo "make: the Python SDK is not tested: python3 with venv and pip is needed"; fi

$(SDK)/node.done: cmd/assay/testdata/sdk/package-lock.json cmd/assay/testdata/sdk/package.json cmd/assay/testdata/sdk/node_client.mjs cmd/assay/testdata/sdk/faults_client.mjs
	@mkdir -p $(SDK)/node
	@if command -v npm >/dev/null && cp $^ $(SDK)/node/ && cd $(SDK)/node && npm ci --silent --no-audit --no-fund --ignore-scripts; \
	then touch $(CURDIR)/$@; elif [ -n "$(ASSAY_REQUIRE)" ]; then exit 1; else echo "make: the Node SDK is not tested: npm is needed"; fi

# The README's first screen, end to end, with the real binaries.
smoke:
	bash docs/smoke.sh

# What clients see when providers fail (docs/faults.md), with each wait.
faults: runtime sdk
	@set -o pipefail; $(GO) test ./cmd/assay -count=1 -v -run 'Faults|PaidTwice|Breakers|Bursts|HangUp|Storm|IdleConnections|StopSignal' | grep -v '^=== '

# Half of the peak rate for SOAK: is memory flat?
SOAK ?= 30m
soak: runtime
	SOAK=$(SOAK) $(GO) test ./cmd/assay -count=1 -v -timeout 0 -run '^TestSoak$$'

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 10s
fuzz:
	@set -e -o pipefail; for file in $$(git ls-files '*_test.go'); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
	    echo "$$target in ./$$(dirname $$file)"; \
	    $(GO) test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) | { grep -v "^fuzz: elapsed" || true; }; \
	  done; done

# Time and allocations of what lies on the path of a request.
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./router ./models ./classifier/onnx ./cmd/assay

# The classifier's weights, from the data in ASSAY_DATA (../shared/data): hours
# on two cores; finished stages are kept in .cache/training.
train:
	$(MAKE) -C classifier/training train

# What the classifier that ships is worth, beside baselines: quality by language,
# intent and source, latency, behaviour under load.
bench-classifier: build
	@$(MAKE) --no-print-directory -C classifier/training bench

# The gateway beside nginx and beside nothing, measured from outside; with
# PEERS=1 other gateways too. BENCH="--rounds 5 --save FILE" passes flags on.
bench-gateway: build
	PEERS=$(PEERS) $(GO) run ./deploy/bench/cmd/bench $(BENCH)

clean:
	rm -rf bin .cache
