package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/classifier"
	"assay/router/policy"
)

// says is a completion with the given text.
func says(text string) string {
	return fmt.Sprintf(`{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`, text)
}

// streams says the same in pieces.
func streams(text string) string {
	return sse(fmt.Sprintf(`{"choices":[{"index":0,"delta":{"content":%q}}]}`, text), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}`, "[DONE]")
}

func TestFailingAnswersAreEscalatedOnce(t *testing.T) {
	off := false
	swapping := Policy{Orgs: map[string]policy.Org{"acme": {Swaps: policy.On}}}
	for _, c := range []struct {
		name   string
		policy Policy
		ask    func(a *Ask)
		model  string
		steps  []step
		calls  int
		got    string
		served int // index of the attempt that the client gets
	}{
		{"a good answer stays", Policy{}, nil, "assay/cost", []step{{body: says("Paris.")}}, 1, "Paris.", 0},
		{"an empty one does not", Policy{}, nil, "assay/cost", []step{{body: says("")}, {body: says("Paris.")}}, 2, "Paris.", 1},
		{"only once", Policy{}, nil, "assay/cost", []step{{body: says("")}, {body: says("")}, {body: says("Paris.")}}, 2, "", 1},
		{"the first stays if the second fails", Policy{}, nil, "assay/cost", []step{{body: says("")}, {status: 500, body: "{}"}}, 2, "", 1},
		{"not if policy says so", Policy{Assess: policy.Assess{Escalate: &off}}, nil, "assay/cost", []step{{body: says("")}}, 1, "", 0},
		{"not if the defect is not looked for", Policy{Assess: policy.Assess{Off: []string{"empty"}}}, nil, "assay/cost", []step{{body: says("")}}, 1, "", 0},
		{"not in an evaluation", Policy{}, func(a *Ask) { a.Policy.Workload = policy.Eval }, "assay/cost", []step{{body: says("")}}, 1, "", 0},
		{"not for a model by name", Policy{}, nil, "gpt-4o", []step{{body: says("")}}, 1, "", 0},
		{"a swap goes back to the named model", swapping, func(a *Ask) { a.Org = "acme" }, "gpt-4o", []step{{body: says("")}, {body: says("Paris.")}}, 2, "Paris.", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, up := newRouter(t, c.policy, nil, c.steps...)
			a := ask(t, strings.Replace(balanced, "assay/balanced", c.model, 1))
			if c.ask != nil {
				c.ask(&a)
			}
			sink := &recorder{}
			rec, err := r.Complete(context.Background(), a, sink)
			if err != nil || len(up.calls) != c.calls || sink.started != 1 || !strings.Contains(sink.body, fmt.Sprintf(`"content":%q`, c.got)) {
				t.Fatalf("%d calls, body %s, %v", len(up.calls), sink.body, err)
			}
			if at := slices.IndexFunc(rec.Attempts, func(a Attempt) bool { return a.Served }); at != c.served || rec.Escalated != (c.calls > 1) {
				t.Errorf("attempt %d is served, escalated %t: %+v", at, rec.Escalated, rec.Attempts)
			}
			if c.calls == 2 && c.model == "assay/cost" && up.calls[1].Model.ID != rec.Decision.Likeliest.Model {
				t.Errorf("%s answered instead; want the likeliest, %s", up.calls[1].Model.ID, rec.Decision.Likeliest.Model)
			}
			if c.name == "a swap goes back to the named model" && up.calls[1].Model.ID != "openai/gpt-4o" {
				t.Errorf("%s answered instead", up.calls[1].Model.ID)
			}
		})
	}
}

func TestStreamsAreAssessedAfterwardsOrHeldBack(t *testing.T) {
	body := `{"model":"assay/cost","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	r, up := newRouter(t, Policy{}, nil, step{body: streams("")}, step{body: streams("Paris.")})
	sink := &recorder{}
	rec, err := r.Complete(context.Background(), ask(t, body), sink)
	if a, _ := rec.Final(); err != nil || len(up.calls) != 1 || len(a.Findings) != 1 || !strings.HasPrefix(a.Findings[0], "empty") || rec.Escalated {
		t.Errorf("after the first byte nothing is escalated: %+v, %v", rec.Attempts, err)
	}

	hold := ask(t, body)
	hold.Policy.Hold = true
	r, up = newRouter(t, Policy{}, nil, step{body: streams("")}, step{body: streams("Paris.")})
	sink = &recorder{}
	rec, err = r.Complete(context.Background(), hold, sink)
	all := strings.Join(sink.events, "")
	if err != nil || len(up.calls) != 2 || !rec.Escalated || !strings.Contains(all, "Paris.") || sink.events[len(sink.events)-1] != "[DONE]" || sink.started != 1 {
		t.Errorf("held back: %d calls, %q, %v", len(up.calls), all, err)
	}

	r, up = newRouter(t, Policy{}, nil, step{body: sse(chunk1), then: errors.New("reset")}, step{body: streams("Paris.")})
	sink = &recorder{}
	rec, err = r.Complete(context.Background(), hold, sink)
	if err != nil || len(up.calls) != 2 || rec.Attempts[0].Outcome != Broken || !strings.Contains(strings.Join(sink.events, ""), "Paris.") {
		t.Errorf("a held stream that breaks moves on: %d calls, %+v, %v", len(up.calls), rec.Attempts, err)
	}
}

// judged answers the question and, when it is asked to grade, grades.
func judged(grade string) upstreamFunc {
	return func(ctx context.Context, c Call) (*Response, error) {
		text := "Paris."
		if strings.Contains(string(c.Body), "You grade answers") {
			text = grade
		}
		return (&scripted{steps: []step{{body: says(text)}}}).Do(ctx, c)
	}
}

func TestSampledAnswersAreJudged(t *testing.T) {
	p := Policy{Assess: policy.Assess{JudgeShare: 0.5, JudgeModel: "openai/gpt-4o"}, Orgs: map[string]policy.Org{"agrees": {Judge: true}, "silent": {}}}
	verdicts := map[string][]Verdict{}
	up := judged("Sure: {\"score\": 10, \"why\": \"right\"}")
	r := New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Upstream: func(string, string) Upstream { return up },
		OnVerdict: func(rec *Record, v Verdict) { verdicts[rec.Org] = append(verdicts[rec.Org], v) }})
	for i := range 100 {
		for _, org := range []string{"agrees", "silent", ""} {
			a := session(t, balanced, i)
			a.Org = org
			if _, err := r.Complete(context.Background(), a, &recorder{}); err != nil {
				t.Fatal(err)
			}
			r.Wait()
		}
	}
	if n := len(verdicts["agrees"]); n < 30 || n > 70 || len(verdicts) != 1 {
		t.Errorf("%d of 100 judged, of orgs %v", n, verdicts)
	}
	for _, v := range verdicts["agrees"] {
		if v.Score != 1 || v.Why != "right" || v.Model != "openai/gpt-4o" || v.Dollars <= 0 {
			t.Fatalf("%+v", v)
		}
	}
	for reply, ok := range map[string]bool{`{"score": 1}`: true, `{"score": 11}`: false, `{"score": "9"}`: false, "nine": false, "}{": false, "": false} {
		if _, err := readVerdict(reply); (err == nil) != ok {
			t.Errorf("%q: %v", reply, err)
		}
	}
}
