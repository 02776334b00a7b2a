package assess

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// guesses is the recording whose verdicts say nothing of answers that could
// not be parsed: they were replaced by random guesses, and loops are among them.
const guesses = "mmlu_pro.meta-llama-3_1-8b-instruct"

// TestRecordedAnswersAreFlaggedOnlyWhereTheyLoop prints how often each rule
// flags answers of real models and experts, and names each. An answer that its
// official scorer calls right must not be flagged.
func TestRecordedAnswersAreFlaggedOnlyWhereTheyLoop(t *testing.T) {
	r := newRates()
	as := New(Checks{})
	for _, a := range recordedAnswers(t) {
		found := as.Assess(a.in, Answer{Text: a.text, FinishReason: "stop"})
		r.count(found, a.set, "all "+a.lang, "all")
		for _, f := range found {
			t.Logf("%s %s %s: %s", f.Defect, a.set, a.id, f.Detail)
			if f.Defect != Repetitive {
				t.Errorf("%s %s: %s (%s); no recorded answer has this defect", a.set, a.id, f.Defect, f.Detail)
			} else if a.right && a.set != guesses {
				t.Errorf("%s %s: %s, but its scorer calls it right", a.set, a.id, f.Detail)
			}
		}
	}
	t.Logf("answers and what is flagged of them:\n%s", r)
}

// TestPeoplesTextsAreNoLoops holds the prompts, which people wrote or compiled
// (tables, code, poems, lists, exams), against the rule of repetition.
func TestPeoplesTextsAreNoLoops(t *testing.T) {
	r := newRates()
	for _, set := range promptSets(t) {
		rows(t, set, func(row map[string]any) {
			text := field(row, "prompt")
			s := getScratch()
			defer putScratch(s)
			var found []Finding
			if why := repetitive(Input{}, text, s.read(text), false); why != "" {
				found = []Finding{{Repetitive, why}}
				t.Logf("%s: %s", field(row, "id"), why)
			}
			r.count(found, "all "+field(row, "lang"), "all")
		})
	}
	t.Logf("texts and what is flagged of them:\n%s", r)
	if got := r.of("all", Repetitive); got > 0.0003 {
		t.Errorf("%.5f of people's texts count as loops; at most 0.0003 may", got)
	}
}

// TestTranslationsAreInTheLanguageAskedFor pairs every prompt of WMT22 with
// ten sentences in the language it asks for, which must pass, and in the one
// it is to be translated from.
func TestTranslationsAreInTheLanguageAskedFor(t *testing.T) {
	var en, zh []string
	type ask struct{ prompt, to string }
	var asks []ask
	rows(t, "prompts/outcomes/wmt22_gptmt", func(row map[string]any) {
		prompt, to := field(row, "prompt"), "en"
		_, text, _ := strings.Cut(prompt, "\n")
		if field(row, "task") == "translation_enzh" {
			to = "zh"
			en = append(en, text)
		} else {
			zh = append(zh, text)
		}
		asks = append(asks, ask{prompt, to})
	})
	r := newRates()
	as := New(Checks{})
	for i, a := range asks {
		good, bad := ten(en, i), ten(zh, i)
		if a.to == "zh" {
			good, bad = bad, good
		}
		r.count(as.Assess(Input{Prompt: a.prompt}, Answer{Text: good, FinishReason: "stop"}), "to "+a.to+", in the right language")
		r.count(as.Assess(Input{Prompt: a.prompt}, Answer{Text: bad, FinishReason: "stop"}), "to "+a.to+", not translated")
	}
	t.Logf("translations and what is flagged of them:\n%s", r)
	for _, to := range []string{"en", "zh"} {
		if got := r.of("to "+to+", in the right language", WrongLanguage); got > 0 {
			t.Errorf("%.4f of good translations to %s are called in the wrong language", got, to)
		}
	}
}

// ten joins ten of the texts.
func ten(texts []string, from int) string {
	var b strings.Builder
	for i := range 10 {
		b.WriteString(texts[(from+i)%len(texts)])
		b.WriteByte(' ')
	}
	return b.String()
}

// TestAnswersToOtherPeopleAreCaught gives every prompt that came with an
// answer one in the other language, and every answer a loop at its end.
func TestAnswersToOtherPeopleAreCaught(t *testing.T) {
	var en, zh []recordedAnswer
	for _, a := range recordedAnswers(t) {
		switch {
		case a.set == "mmlu_pro.gpt-4o" && a.right && len(a.text) > 500:
			en = append(en, a)
		case a.lang == "zh" && len(a.text) > 500:
			zh = append(zh, a)
		}
	}
	r := newRates()
	as := New(Checks{})
	for i := range en {
		z := zh[i%len(zh)]
		r.count(as.Assess(en[i].in, Answer{Text: z.text}), "English prompt, Chinese answer")
		r.count(as.Assess(z.in, Answer{Text: en[i].text}), "Chinese prompt, English answer")
		for _, a := range []recordedAnswer{en[i], z} {
			piece := string([]rune(a.text)[len([]rune(a.text))-60:])
			r.count(as.Assess(a.in, Answer{Text: a.text + strings.Repeat(piece, 8), FinishReason: "length"}), a.lang+", its last 60 characters eight times over")
		}
	}
	t.Logf("defects made by hand, and what is caught of them:\n%s", r)
}

// promptSets lists the files of prompts.
func promptSets(t *testing.T) []string {
	t.Helper()
	var sets []string
	for _, dir := range []string{"labels", "outcomes"} {
		files, err := filepath.Glob(filepath.Join(dataDir(), "prompts", dir, "*.jsonl.gz"))
		if err != nil || len(files) == 0 {
			t.Skipf("no prompts in %s (set ASSAY_DATA to their folder)", dataDir())
		}
		for _, f := range files {
			sets = append(sets, "prompts/"+dir+"/"+strings.TrimSuffix(filepath.Base(f), ".jsonl.gz"))
		}
	}
	return sets
}

// rates counts findings by group.
type rates struct {
	n       map[string]int
	flagged map[string]map[Defect]int
}

func newRates() *rates { return &rates{map[string]int{}, map[string]map[Defect]int{}} }

func (r *rates) count(found []Finding, groups ...string) {
	for _, g := range groups {
		r.n[g]++
		if r.flagged[g] == nil {
			r.flagged[g] = map[Defect]int{}
		}
		for _, f := range found {
			r.flagged[g][f.Defect]++
		}
	}
}

func (r *rates) of(group string, d Defect) float64 {
	return float64(r.flagged[group][d]) / float64(r.n[group])
}

// String gives a line for each group.
func (r *rates) String() string {
	var out strings.Builder
	for _, g := range slices.Sorted(maps.Keys(r.n)) {
		fmt.Fprintf(&out, "%-40s %6d", g, r.n[g])
		for _, d := range Defects {
			if k := r.flagged[g][d]; k > 0 {
				fmt.Fprintf(&out, "  %s %d (%.3f %%)", d, k, 100*r.of(g, d))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
