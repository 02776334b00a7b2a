package classifier

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
)

type conversation struct {
	Lang  string   `json:"lang"`
	Turns []string `json:"turns"`
	Task  int      `json:"task"` // the turn whose task the last message is about
}

func conversations(t *testing.T) []conversation {
	t.Helper()
	f, err := os.Open("testdata/turns.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []conversation
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c conversation
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// The rule was adjusted on the even conversations of testdata/turns.jsonl; of the
// odd ones nothing but the totals was seen, and the floors are for them. The set
// was composed without knowledge of the rule. A task taken for a continuation is
// the worse mistake, for it is classified as something else entirely.
func TestTaskOnConversations(t *testing.T) {
	type tally struct{ n, right, falseYes, falseNo int }
	count := map[string]*tally{}
	for i, c := range conversations(t) {
		half := "adjusted on, "
		if i%2 == 1 {
			half = "held back, "
		}
		s := count[half+c.Lang]
		if s == nil {
			s = &tally{}
			count[half+c.Lang] = s
		}
		got, last := turns(c.Turns...).Task(), len(c.Turns)-1
		s.n++
		switch {
		case got == c.Turns[c.Task]:
			s.right++
		case c.Task == last:
			s.falseYes++
		default:
			s.falseNo++
		}
		if os.Getenv("ASSAY_SHOW_ERRORS") != "" && i%2 == 0 && got != c.Turns[c.Task] {
			t.Logf("%v: task %d, got %q", c.Turns, c.Task, got)
		}
	}
	floors := map[string]struct{ right, falseYes int }{
		"held back, en": {66, 2}, // of 77; 69 and 0 when measured
		"held back, zh": {71, 2}, // of 83; 74 and 1
	}
	for _, name := range []string{"adjusted on, en", "adjusted on, zh", "held back, en", "held back, zh"} {
		s := count[name]
		if s == nil {
			t.Fatalf("no conversations: %s", name)
		}
		t.Logf("%s: %d of %d right; %d of their own task taken for continuations, %d continuations taken for tasks", name, s.right, s.n, s.falseYes, s.falseNo)
		if floor, ok := floors[name]; ok && (s.right < floor.right || s.falseYes > floor.falseYes) {
			t.Errorf("%s: want at least %d right and at most %d tasks taken for continuations", name, floor.right, floor.falseYes)
		}
	}
}
