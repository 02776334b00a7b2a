package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Versions that deploy/bench/peers pins.
const (
	liteLLMVersion = "1.106.12"
	portkeyVersion = "1.15.2"
)

// install has a peer installed under .cache/bench, once. What fails is a
// reason to skip the peer, and no error of the benchmark.
func install(ctx context.Context, root, peer string) (dir string, err error) {
	dir = filepath.Join(root, ".cache", "bench", peer)
	out, err := exec.CommandContext(ctx, "bash", filepath.Join(root, "deploy", "bench", "peers", "install.sh"), peer, dir).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return "", fmt.Errorf("%w: not installed: %w: %s", errSkip, err, lines[len(lines)-1])
	}
	return dir, nil
}

// liteLLM is LiteLLM's proxy with a master key and one worker.
func liteLLM(ctx context.Context, s site) (launch, error) {
	dir, err := install(ctx, s.Root, "litellm")
	if err != nil {
		return launch{}, err
	}
	file, err := fill(s, "litellm.yaml", map[string]any{"Upstream": s.Upstream, "Key": clientKey})
	if err != nil {
		return launch{}, err
	}
	host, port, _ := strings.Cut(s.Addr, ":")
	return launch{
		argv:   []string{filepath.Join(dir, "bin", "litellm"), "--config", file, "--host", host, "--port", port, "--num_workers", "1"},
		env:    append(os.Environ(), "LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_LOG=ERROR", "LITELLM_MODE=PRODUCTION"),
		header: []string{"Authorization: Bearer " + clientKey}, model: "bench", version: liteLLMVersion,
		ready: answers200("http://" + s.Addr + "/health/liveliness"), within: 3 * time.Minute,
	}, nil
}

// portkey is Portkey's gateway, which is told in each request where to go.
func portkey(ctx context.Context, s site) (launch, error) {
	dir, err := install(ctx, s.Root, "portkey")
	if err != nil {
		return launch{}, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return launch{}, fmt.Errorf("%w: %w", errSkip, err)
	}
	_, port, _ := strings.Cut(s.Addr, ":")
	return launch{
		argv:   []string{node, filepath.Join(dir, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js"), "--port=" + port, "--headless"},
		env:    append(os.Environ(), "NODE_ENV=production"),
		header: []string{"Authorization: Bearer " + clientKey, "x-portkey-provider: openai", "x-portkey-custom-host: http://" + s.Upstream + "/v1"},
		model:  "bench", version: portkeyVersion, ready: listens(s.Addr), within: time.Minute,
	}, nil
}
