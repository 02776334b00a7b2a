package openai

import (
	"strings"
	"testing"
)

func TestKindOfTellsErrorsFromAnswers(t *testing.T) {
	for body, want := range map[string]Kind{
		`{"choices":[{"index":0}]}`:                                  Completion,
		`{"choices":[{"index":0}],"error":null}`:                     Completion,
		`{"choices":[{"index":0}],"error":""}`:                       Completion,
		`{"error":{"message":"no"}}`:                                 Failure,
		`{"error":"no"}`:                                             Failure,
		`{"choices":[{"index":0}],"error":{"message":"overloaded"}}`: Failure,
		`{"choices":[]}`:                                             Other,
		`{"choices":{"index":0}}`:                                    Other,
		`{"choices":[null]}`:                                         Other,
		`null`:                                                       Other,
		`[{"choices":[{"index":0}]}]`:                                Other,
		`"choices"`:                                                  Other,
		`{"object":"list","data":[]}`:                                Other,
		`{"code":1004,"message":"login fail","choices":null}`:        Other,
		`{"base_resp":{"status_code":1004,"status_msg":"login fail"}}`: Other,
	} {
		if got := KindOf([]byte(body)); got != want {
			t.Errorf("KindOf(%s) = %d; want %d", body, got, want)
		}
	}
}

func TestValidEventAdmitsObjectsAndTheEnd(t *testing.T) {
	for data, want := range map[string]bool{
		`{"choices":[]}`: true, `[DONE]`: true, `{}`: true, ` {"a":1} `: true,
		``: false, `null`: false, `1`: false, `[]`: false, `{"choices":[{"in`: false, "{}\n{}": false, `[DONE] `: false,
	} {
		if got := ValidEvent([]byte(data)); got != want {
			t.Errorf("ValidEvent(%q) = %v", data, got)
		}
	}
}

func TestKindOfEventWantsAListOfChoices(t *testing.T) {
	for data, want := range map[string]Kind{
		`{"choices":[{"delta":{}}]}`: Completion, `{"choices":[],"usage":{}}`: Completion, `{"error":{"message":"no"}}`: Failure, `{"error":"no"}`: Failure,
		`{"hello":"world"}`: Other, `{"choices":null}`: Other, `{"choices":[{"in`: Other, `null`: Other, `[DONE]`: Other, ``: Other, "{}\n{}": Other,
	} {
		if got := KindOfEvent([]byte(data)); got != want {
			t.Errorf("KindOfEvent(%q) = %d; want %d", data, got, want)
		}
	}
}

// TestDeepEventsDoNotEndTheProcess: a parser that recurses once a bracket runs
// out of stack on these, which no program survives.
func TestDeepEventsDoNotEndTheProcess(t *testing.T) {
	deep := []byte(strings.Repeat("[", 8<<20))
	KindOfEvent(deep)
	if ValidEvent(deep) {
		t.Error("open brackets are an event")
	}
	DecodeChunk([]byte(`{"choices":` + string(deep)))
	Usage(deep)
	AnswerText(deep)
	UpstreamError("p", 500, deep)
}
