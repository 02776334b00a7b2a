package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/models"
	"assay/models/openai"
	"assay/router"
)

// instant never waits.
func instant(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func simulator(o Options) *Simulator {
	o.Sleep, o.Now = instant, func() time.Time { return time.Unix(1_800_000_000, 0) }
	return New(o)
}

func call(id, body string) router.Call {
	_, name, _ := strings.Cut(id, "/")
	return router.Call{Model: models.Model{ID: id, Name: name}, Body: []byte(body), Stream: gjson.Get(body, "stream").Bool(), ID: "req_1"}
}

func do(t *testing.T, s *Simulator, id, body string) (int, string) {
	t.Helper()
	res, err := s.Do(context.Background(), call(id, body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if !res.Simulated || res.Header.Get("X-Assay-Simulated") != "true" {
		t.Error("the answer is not marked as simulated")
	}
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return res.Status, string(b)
}

func prompt(content string, extra ...string) string {
	c, _ := json.Marshal(content)
	return fmt.Sprintf(`{"model":"m",%s"messages":[{"role":"user","content":%s}]}`, strings.Join(extra, ""), c)
}

func TestSameRequestSameAnswer(t *testing.T) {
	_, a := do(t, simulator(Options{}), "openai/gpt-4o", prompt("hi"))
	_, b := do(t, simulator(Options{}), "openai/gpt-4o", prompt("hi"))
	_, c := do(t, simulator(Options{}), "openai/gpt-5", prompt("hi"))
	if a != b {
		t.Errorf("two answers differ:\n%s\n%s", a, b)
	}
	if a == c {
		t.Error("two models give the same answer")
	}
	if !strings.Contains(gjson.Get(a, "choices.0.message.content").Str, "simulated") || gjson.Get(a, "usage.completion_tokens").Int() == 0 {
		t.Errorf("answer %s", a)
	}
}

func TestLanguageAndLengthFollow(t *testing.T) {
	s := simulator(Options{Profiles: map[string]Profile{"*": {OutputTokens: 200}}})
	_, zh := do(t, s, "a/b", prompt("你好，请介绍一下北京。"))
	if text := gjson.Get(zh, "choices.0.message.content").Str; !strings.Contains(text, "模拟") {
		t.Errorf("answer to Chinese: %s", text)
	}
	if n := gjson.Get(zh, "usage.completion_tokens").Int(); n < 200 || n > 260 {
		t.Errorf("%d tokens, profile says 200", n)
	}
}

// The stream carries the same text as the whole answer, ends in [DONE], and
// has a usage chunk only when asked.
func TestStreamEqualsWhole(t *testing.T) {
	s := simulator(Options{})
	_, whole := do(t, s, "a/b", prompt("hi there"))
	_, stream := do(t, s, "a/b", prompt("hi there", `"stream":true,"stream_options":{"include_usage":true},`))
	events := openai.NewEventReader(strings.NewReader(stream))
	var text string
	var usage models.Usage
	for {
		data, err := events.Next()
		if err != nil {
			t.Fatalf("stream ended without [DONE]: %v", err)
		}
		if string(data) == "[DONE]" {
			break
		}
		c := openai.DecodeChunk(data)
		text += c.Text
		if c.HasUsage {
			usage = c.Usage
		}
	}
	if want := gjson.Get(whole, "choices.0.message.content").Str; text != want {
		t.Errorf("streamed %q, whole %q", text, want)
	}
	if usage.Output != gjson.Get(whole, "usage.completion_tokens").Int() {
		t.Errorf("usage %+v", usage)
	}
	if _, bare := do(t, s, "a/b", prompt("hi there", `"stream":true,`)); strings.Contains(bare, "usage") {
		t.Error("usage without being asked")
	}
}

func TestErrorAndBreakRates(t *testing.T) {
	s := simulator(Options{Profiles: map[string]Profile{"a/bad": {ErrorRate: 1}, "a/half": {ErrorRate: 0.5}, "a/broken": {BreakRate: 1}}})
	if status, body := do(t, s, "a/bad", prompt("x")); status != 500 || gjson.Get(body, "error.code").Str != "simulated_error" {
		t.Errorf("%d %s", status, body)
	}
	failed := 0
	for i := range 400 {
		if status, _ := do(t, s, "a/half", prompt(fmt.Sprint(i))); status == 500 {
			failed++
		}
	}
	if failed < 150 || failed > 250 {
		t.Errorf("%d of 400 failed at a rate of one half", failed)
	}
	if _, body := do(t, s, "a/broken", prompt("x", `"stream":true,`)); strings.Contains(body, "[DONE]") || !strings.Contains(body, "data:") {
		t.Errorf("a breaking stream: %q", body)
	}
}

// With an answer key, quality is the share of right answers.
func TestQualityIsTheShareOfRightAnswers(t *testing.T) {
	var key []Answer
	for i := range 600 {
		key = append(key, Answer{ID: fmt.Sprint("n", i), Question: fmt.Sprintf("Item %d: how many apples are %d apples and %d apples?", i, i, 2*i), Answer: fmt.Sprint(3 * i)})
	}
	for _, quality := range []float64{0, 0.25, 0.5, 0.9, 1} {
		s := simulator(Options{Key: NewKey(key), Profiles: map[string]Profile{"a/b": {Quality: &quality}}})
		expecting := simulator(Options{Key: NewKey(key), Expected: func(string, string) (float64, bool) { return quality, true }})
		_, byProfile := do(t, s, "a/b", prompt(key[0].Question))
		if _, byExpectation := do(t, expecting, "a/b", prompt(key[0].Question)); byProfile != byExpectation {
			t.Errorf("quality %.2f by profile and by expectation answer differently", quality)
		}
		right := 0
		for i, k := range key {
			_, body := do(t, s, "a/b", prompt("Solve step by step.\n\nQuestion: "+k.Question+"\nAnswer:"))
			text := gjson.Get(body, "choices.0.message.content").Str
			if strings.Contains(text, fmt.Sprintf("answer is %d.", 3*i)) {
				right++
			}
		}
		if got := float64(right) / float64(len(key)); math.Abs(got-quality) > 0.05 {
			t.Errorf("quality %.2f: %.3f right", quality, got)
		}
	}
}

func TestKeyFindsTheLastQuestion(t *testing.T) {
	k := NewKey([]Answer{
		{ID: "1", Question: "What is 1 + 1?", Answer: "2"},
		{ID: "2", Question: "由于环境条件中的不适因素所造成的暂停发芽、生长的现象叫", Choices: 4, Answer: "D"},
		{ID: "3", Question: "A farmer has:\n- two cows\n- three hens\nHow many legs are there?", Answer: "14"},
	})
	for text, want := range map[string]string{
		"What is 1 + 1?": "1",
		"Question: What is 1 + 1?\nAnswer: 2\n\n题目：由于环境条件中的不适因素所造成的暂停发芽、生长的现象叫\nA. x\nB. y\n答案是：": "2",
		"Answer this.\n\nA farmer has:\n- two cows\n- three hens\nHow many legs are there?\n":     "3",
		"What is 1 + 2?": "",
	} {
		it, ok := k.find(text)
		if ok != (want != "") || it.id != want {
			t.Errorf("%q: found %q; want %q", text, it.id, want)
		}
	}
	if _, ok := (*Key)(nil).find("What is 1 + 1?"); ok {
		t.Error("no key knows an answer")
	}
}

func TestWrongAnswersAreWrong(t *testing.T) {
	for i := range 200 {
		pick := float64(i) / 200
		if (item{choices: 4, answer: "C"}).wrong(pick) == "C" || (item{answer: "42"}).wrong(pick) == "42" {
			t.Fatalf("pick %v gives the right answer", pick)
		}
	}
}

func TestToolsAndSchemas(t *testing.T) {
	s := simulator(Options{})
	tools := `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"unit":{"enum":["C","F"]}}}}}],`
	_, body := do(t, s, "a/b", prompt("weather in Paris?", tools))
	call := gjson.Get(body, "choices.0.message.tool_calls.0.function")
	if call.Get("name").Str != "weather" || gjson.Get(call.Get("arguments").Str, "unit").Str != "C" || gjson.Get(body, "choices.0.finish_reason").Str != "tool_calls" {
		t.Errorf("tool call %s", body)
	}
	_, body = do(t, s, "a/b", prompt("x", `"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"n":{"type":"integer","minimum":3},"tags":{"type":"array","items":{"type":"string"},"minItems":2}}}}},`))
	content := gjson.Get(body, "choices.0.message.content").Str
	if gjson.Get(content, "n").Int() != 3 || len(gjson.Get(content, "tags").Array()) != 2 {
		t.Errorf("structured answer %s", content)
	}
	_, body = do(t, s, "a/b", prompt("x", `"n":3,"logprobs":true,`))
	if len(gjson.Get(body, "choices").Array()) != 3 || !gjson.Get(body, "choices.2.logprobs.content.0.token").Exists() {
		t.Errorf("n and logprobs: %s", body)
	}
}

func TestCancelEndsAnAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := New(Options{Profiles: map[string]Profile{"*": {FirstByte: time.Hour}}})
	cancel()
	if _, err := s.Do(ctx, call("a/b", prompt("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestProfileValidate(t *testing.T) {
	q := 1.5
	for name, p := range map[string]Profile{"error rate": {ErrorRate: 2}, "NaN": {BreakRate: math.NaN()}, "quality": {Quality: &q}, "negative": {OutputTokens: -1}} {
		if p.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := (Profile{}).Validate(); err != nil {
		t.Error(err)
	}
}
