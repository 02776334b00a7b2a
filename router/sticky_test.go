package router

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/classifier"
	"assay/models"
)

// moody says of every prompt what it is told to.
type moody struct{ class classifier.Classification }

func (m *moody) Classify(context.Context, classifier.Input) classifier.Classification { return m.class }

const (
	firstTurn  = `{"model":"assay/cost","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"prove it"}]}`
	secondTurn = `{"model":"assay/cost","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"prove it"},{"role":"assistant","content":"done"},{"role":"user","content":"thanks, hi"}]}`
)

// longAnswer is an answer to a prompt of many tokens, so that much is cached.
var longAnswer = fmt.Sprintf(`{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":100}}`, 20000)

// conversation has a hard first turn answered and gives the router for a second.
func conversation(t *testing.T, p Policy, now *time.Time, mood *moody) (*Router, string) {
	t.Helper()
	mood.class = class(classifier.Math, 2.5)
	r := New(realTable(t, p), Options{Classifier: mood, Tokens: tokens(), Now: func() time.Time { return *now },
		Upstream: func(string, string) Upstream { return &scripted{steps: []step{{body: longAnswer}}} }})
	rec, err := r.Complete(context.Background(), ask(t, firstTurn), &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	mood.class = class(classifier.Chitchat, -3)
	return r, rec.Decision.Model
}

func TestConversationsStayAndMoveForAReason(t *testing.T) {
	now, mood := testNow, &moody{}
	r, hard := conversation(t, Policy{}, &now, mood)
	fresh, err := r.Route(context.Background(), ask(t, strings.Replace(secondTurn, "prove it", "another", 1)))
	if err != nil || fresh.Model == hard || fresh.Stayed {
		t.Fatalf("a new conversation gets %s, as the hard one did: the test shows nothing", fresh.Model)
	}
	// The saving of moving a short chat away from a dear model is real: it moves.
	d, err := r.Route(context.Background(), ask(t, secondTurn))
	if err != nil || d.Stayed || d.Model != fresh.Model {
		t.Errorf("the easy turn stays on %s: %s, %v", d.Model, d.Reason, err)
	}
	for name, c := range map[string]struct {
		body string
		stay bool
	}{
		"between a tool call and its result": {strings.Replace(secondTurn, `{"role":"assistant","content":"done"},{"role":"user","content":"thanks, hi"}`,
			`{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"42"}`, 1), true},
		"another first message is another conversation": {strings.Replace(secondTurn, "prove it", "else", 1), false},
		"another system prompt too":                     {strings.Replace(secondTurn, "be brief", "be long", 1), false},
	} {
		if d, err := r.Route(context.Background(), ask(t, c.body)); err != nil || (d.Model == hard && d.Stayed) != c.stay {
			t.Errorf("%s: %s, stayed %t: %s, %v", name, d.Model, d.Stayed, d.Reason, err)
		}
	}
	other := ask(t, secondTurn)
	other.Org = "else"
	if d, _ := r.Route(context.Background(), other); d.Stayed {
		t.Error("another org's conversation is taken for this one's")
	}
}

func TestStayingWeighsTheCache(t *testing.T) {
	table := realTable(t, Policy{})
	e := table.estimator(Query{Class: class(classifier.KnowledgeQA, 0), Needs: Needs{PromptTokens: 20000}})
	cached, plain := -1, -1
	for i := range table.rows {
		full, with := e.cost(i), e.cachedCost(i, 19000)
		if table.rows[i].Caps.PromptCaching == models.Yes && with > 0 && with < full*3/4 {
			cached = i
			for j := range table.rows { // one that a new conversation would get: between the two
				if c := e.cost(j); c > with && c < full {
					plain = j
				}
			}
		}
	}
	if cached < 0 || plain < 0 {
		t.Fatal("no pair of models to compare")
	}
	kept, best := scored{row: int32(cached), cost: e.cost(cached), clears: true}, scored{row: int32(plain), cost: e.cost(plain), clears: true}
	if why := e.stays(&Stay{Row: cached, Cached: 19000}, &kept, &best, byCost); why == "" {
		t.Error("it moves although the lost cache is worth more than the saving")
	}
	if why := e.stays(&Stay{Row: cached}, &kept, &best, byCost); why != "" {
		t.Errorf("it stays without a cache: %s", why)
	}
	kept.clears = false
	if why := e.stays(&Stay{Row: cached, Cached: 19000}, &kept, &best, byCost); why != "" {
		t.Errorf("it stays although it is no longer good enough: %s", why)
	}
}

func TestASessionIsNamedByTheClient(t *testing.T) {
	a, b := ask(t, firstTurn), ask(t, secondTurn)
	a.Session, b.Session = "s1", "s1"
	b.Request.Messages = b.Request.Messages[2:]
	ca, okA := conversationOf(a)
	cb, okB := conversationOf(b)
	if ca != cb || !okA || !okB {
		t.Error("the same session is two conversations")
	}
	b.Session = "s2"
	if cb, _ = conversationOf(b); ca == cb {
		t.Error("two sessions are one conversation")
	}
	k := ask(t, strings.Replace(firstTurn, `"model"`, `"prompt_cache_key":"s1","model"`, 1))
	if ck, ok := conversationOf(k); !ok || ck != ca {
		t.Error("prompt_cache_key names no session")
	}
	if _, ok := conversationOf(ask(t, firstTurn)); ok {
		t.Error("a first turn without a name counts as continued")
	}
	n, sum := 20000, 0.0
	for i := range n {
		x := a
		x.Session = fmt.Sprint(i)
		c, _ := conversationOf(x)
		sum += c.Share("trial")
	}
	if mean := sum / float64(n); mean < 0.49 || mean > 0.51 {
		t.Errorf("shares are not even: mean %v", mean)
	}
}

func TestThinkersNeedRoomToThink(t *testing.T) {
	table := realTable(t, Policy{})
	hard := class(classifier.Math, 3)
	for _, c := range []struct {
		limit    int
		thinkers bool
	}{{0, true}, {200, false}, {20000, true}} {
		d, err := decide(t, table, "assay/quality", hard, Needs{MaxTokens: c.limit})
		if err != nil {
			t.Fatal(err)
		}
		m, _, _, _ := table.Model(d.Model)
		if m.Reasoning.Ok() != c.thinkers {
			t.Errorf("max_tokens %d: %s answers, which thinks: %t", c.limit, d.Model, m.Reasoning.Ok())
		}
	}
	d, err := table.explainCramped(hard)
	if err == nil || !strings.Contains(err.Error(), "below its usual thinking") || len(d.Candidates) > 0 {
		t.Errorf("a tier of thinkers without room: %v", err)
	}
}

// explainCramped asks the reasoning tier for a hard answer in ten tokens.
func (t *Table) explainCramped(c classifier.Classification) (Decision, error) {
	target, err := t.Resolve("reasoning:cost")
	if err != nil {
		return Decision{}, err
	}
	return Decide(t, Query{Target: target, Class: c, Needs: Needs{MaxTokens: 10}, Explain: true})
}
