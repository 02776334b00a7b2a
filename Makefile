# Assay. `make run` builds and serves; `make test` runs all tests.
SHELL := /bin/bash
GO ?= go
ADDR ?= 127.0.0.1:8080
ORT := .cache/onnxruntime/libonnxruntime.so

.PHONY: build run test test-go test-sdk lint fuzz bench clean runtime

# The shared library of ONNX Runtime: pinned, checked, kept in .cache.
# ONNXRUNTIME_LIB=/path/to/libonnxruntime.so uses one that is there already.
runtime:
	@bash classifier/onnx/runtime.sh

build: runtime
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/assay ./cmd/evals

run: build
	./bin/assay serve --addr $(ADDR)
