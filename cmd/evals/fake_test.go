package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/datasets"
)

// fakeEndpoint is an OpenAI-compatible endpoint that knows the starter items,
// answers as its rule says and counts what it was asked.
type fakeEndpoint struct {
	*httptest.Server
	questions map[string]datasets.Sample // by question text
	delay     time.Duration
	simulated bool
	right     func(model, itemID string) bool
	fail      func(model, itemID string) int // HTTP status to fail with; 0 none

	mu        sync.Mutex
	asked     map[string]int // model and item: requests received
	delivered map[string]int // model and item: answers written whole while the client was still there
}

func newFake(t testing.TB, items ...datasets.Sample) *fakeEndpoint {
	f := &fakeEndpoint{questions: map[string]datasets.Sample{}, asked: map[string]int{}, delivered: map[string]int{},
		right: func(string, string) bool { return true }, fail: func(string, string) int { return 0 }}
	for _, s := range items {
		f.questions[strings.TrimSpace(s.Question)] = s
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func starterItems(t testing.TB) (out []datasets.Sample) {
	for name, kind := range map[string]datasets.Kind{"gsm8k": datasets.Math, "mmlu": datasets.MC, "cmmlu": datasets.MC} {
		set, err := datasets.Starter(name, kind)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, set.Items...)
	}
	return out
}

func (f *fakeEndpoint) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		http.NotFound(w, r)
		return
	}
	var req struct {
		Model    string
		Messages []struct{ Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	item, ok := f.find(req.Messages[len(req.Messages)-1].Content)
	if !ok {
		http.Error(w, `{"error":{"message":"unknown question"}}`, http.StatusBadRequest)
		return
	}
	key := req.Model + " " + item.ID
	f.mu.Lock()
	f.asked[key]++
	f.mu.Unlock()
	time.Sleep(f.delay)
	if code := f.fail(req.Model, item.ID); code != 0 {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"message":"fake failure %d"}}`, code)
		return
	}
	if r.Context().Err() != nil { // the client is gone: nothing is delivered
		return
	}
	f.answer(w, req.Model, item)
	f.mu.Lock()
	f.delivered[key]++
	f.mu.Unlock()
}

func (f *fakeEndpoint) answer(w http.ResponseWriter, model string, item datasets.Sample) {
	if f.simulated {
		w.Header().Set("X-Assay-Simulated", "true")
	}
	w.Header().Set("X-Model-Router-Model", model)
	said := item.Answer
	if !f.right(model, item.ID) {
		if said = item.Answer + "1"; item.AnswerIndex() >= 0 {
			said = datasets.Letters[(item.AnswerIndex()+1)%len(item.Choices):][:1]
		}
	}
	json.NewEncoder(w).Encode(map[string]any{
		"choices": []any{map[string]any{"message": map[string]any{"content": "Some thought.\nAnswer: " + said}, "finish_reason": "stop"}},
		"usage":   map[string]any{"prompt_tokens": 100, "completion_tokens": 10},
	})
	if fl, ok := w.(http.Flusher); ok {
		fl.Flush()
	}
}

// find recognises the question that stands last in a prompt.
func (f *fakeEndpoint) find(prompt string) (datasets.Sample, bool) {
	best, at := datasets.Sample{}, -1
	for q, s := range f.questions {
		if i := strings.LastIndex(prompt, q); i > at {
			best, at = s, i
		}
	}
	return best, at >= 0
}

func (f *fakeEndpoint) totals() (asked, delivered int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.asked {
		asked += n
	}
	for _, n := range f.delivered {
		delivered += n
	}
	return asked, delivered
}
