package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// TestGoSDK drives a gateway with the official SDK for Go.
func TestGoSDK(t *testing.T) {
	client := openai.NewClient(option.WithBaseURL(realGateway(t).url+"/v1"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0))
	params := func(model, content string) openai.ChatCompletionNewParams {
		return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)}}
	}
	done, err := client.Chat.Completions.New(t.Context(), params("assay/balanced", "hi"))
	if err != nil || done.Choices[0].Message.Content == "" || done.Usage.CompletionTokens == 0 {
		t.Fatalf("complete: %v %+v", err, done)
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params("gpt-4o", "hi"))
	text := ""
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text += c.Delta.Content
		}
	}
	if stream.Err() != nil || text == "" {
		t.Errorf("stream: %v %q", stream.Err(), text)
	}
	stream = client.Chat.Completions.NewStreaming(t.Context(), params("gpt-4o", "please die mid-stream"))
	text = ""
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text += c.Delta.Content
		}
	}
	if stream.Err() == nil || text == "" {
		t.Errorf("a stream that died: error %v after %q", stream.Err(), text)
	}
	var apiErr *openai.Error
	if _, err := client.Chat.Completions.New(t.Context(), params("gpt-9", "hi")); !errors.As(err, &apiErr) || apiErr.StatusCode != 404 || apiErr.Code != "model_not_found" {
		t.Errorf("unknown model: %v", err)
	}
	if m, err := client.Models.Get(t.Context(), "gpt-4o"); err != nil || m.ID != "openai/gpt-4o" {
		t.Errorf("model: %v %+v", err, m)
	}
}

// TestOtherSDKs runs the scripts of testdata/sdk, which use the official SDKs
// for Python and Node. `make sdk` installs them.
func TestOtherSDKs(t *testing.T) {
	cache, err := filepath.Abs("../../.cache/sdk")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	for name, c := range map[string]struct {
		done    string
		command []string
		say     []string
	}{
		"python": {"python.done", []string{filepath.Join(cache, "python/bin/python"), "testdata/sdk/python_client.py"}, []string{"completes:", "streams:", "raises when the upstream dies mid-stream"}},
		"node":   {"node.done", []string{node, filepath.Join(cache, "node/node_client.mjs")}, []string{"completes:", "streams:", "raises when the upstream dies mid-stream"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(cache, c.done)); err != nil {
				t.Skipf("the SDK is not installed: run make sdk (%v)", err)
			}
			cmd := exec.CommandContext(t.Context(), c.command[0], append(c.command[1:], realGateway(t).url+"/v1")...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range c.say {
				if !strings.Contains(string(out), want) {
					t.Errorf("it did not say %q:\n%s", want, out)
				}
			}
			t.Logf("%s", out)
		})
	}
	_ = err // without node, its cache is not there either
}
