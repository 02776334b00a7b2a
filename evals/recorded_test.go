package evals

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"assay/datasets"
)

const recorded = "../../shared/data/recorded/"

// readRecorded calls f with every line of a recorded file, or skips the test.
func readRecorded(t *testing.T, name string, f func(line []byte)) {
	t.Helper()
	file, err := os.Open(recorded + name)
	if err != nil {
		t.Skip("no recorded outputs beside the project")
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(z)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		f(scanner.Bytes())
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
}

// The verdicts are those of the benchmark's authors on outputs of their own
// models; every disagreement would be printed.
func TestGSM8KAgreesWithOfficialVerdicts(t *testing.T) {
	task := GSM8K()
	agree, n := map[string]int{}, 0
	readRecorded(t, "gsm8k.openai-models.jsonl.gz", func(line []byte) {
		var row map[string]json.RawMessage
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		var id, answer string
		json.Unmarshal(row["id"], &id)
		json.Unmarshal(row["answer"], &answer)
		item := datasets.Sample{ID: id, Answer: answer}
		for model, raw := range row {
			var rec struct {
				Correct  *bool `json:"is_correct"`
				Solution string
			}
			if json.Unmarshal(raw, &rec) != nil || rec.Correct == nil {
				continue
			}
			n++
			for _, s := range task.Scorers {
				v, _ := s.Score(item, rec.Solution)
				if (v.Score == 1) == *rec.Correct {
					agree[s.Version()]++
					continue
				}
				t.Logf("%s %s %s: official %v, extracted %q, reference %q, end of output %q",
					s.Version(), id, model, *rec.Correct, v.Extracted, answer, tail(rec.Solution, 40))
			}
		}
	})
	for version, k := range agree {
		t.Logf("%s agrees with %d of %d verdicts (%.2f %%)", version, k, n, 100*float64(k)/float64(n))
		if float64(k) < 0.995*float64(n) {
			t.Errorf("%s agrees with only %d of %d official verdicts", version, k, n)
		}
	}
	if n == 0 {
		t.Error("the recording holds no verdicts")
	}
}

// MMLU-Pro's authors extract with three tiers of regular expressions. Where
// they found a letter ours should be the same, but for three known differences:
// they take the pronoun of "I cannot answer" for option I, the first of several
// stated answers instead of the last, and letters beyond the item's choices.
// Disagreements are printed.
func TestChoicesAgreeWithOfficialExtraction(t *testing.T) {
	for _, file := range []string{"mmlu_pro.gpt-4o", "mmlu_pro.gemini-1.5-flash-002"} {
		agree, n, rows := 0, 0, 0
		readRecorded(t, file+".jsonl.gz", func(line []byte) {
			var row struct {
				ID       string
				Choices  int     `json:"n_choices"`
				Official *string `json:"official_pred"`
				Output   string
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatal(err)
			}
			if rows++; row.Official == nil || rows%4 != 0 { // a quarter is enough, the race detector is slow
				return
			}
			n++
			got, tier, _ := ExtractChoice(row.Output, make([]string, row.Choices))
			if got == *row.Official {
				agree++
				return
			}
			t.Logf("%s %s: official %q, ours %q (tier %d), end of output %q", file, row.ID, *row.Official, got, tier, tail(row.Output, 120))
		})
		t.Logf("%s: %d of %d letters agree (%.2f %%)", file, agree, n, 100*float64(agree)/float64(max(n, 1)))
		if float64(agree) < 0.95*float64(n) {
			t.Errorf("%s: only %d of %d letters agree", file, agree, n)
		}
	}
}

func tail(s string, n int) string {
	r := []rune(s)
	return string(r[max(0, len(r)-n):])
}
