package replay

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodRow = `{"id":"a","source":"s","lang":"en","task":"t","prompt":"p","outcomes":{"m":{"score":1,"cost_usd":0.5,"judge":"x"}},"more":[1]}`

func TestReadDirSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"not JSON", `{"id":`, "not a row"},
		{"no id", `{"source":"s","prompt":"p","outcomes":{"m":{"score":1}}}`, `"id"`},
		{"no source", `{"id":"a","prompt":"p","outcomes":{"m":{"score":1}}}`, `"source"`},
		{"no prompt", `{"id":"b","source":"s","outcomes":{"m":{"score":1}}}`, `"prompt"`},
		{"no outcomes", `{"id":"b","source":"s","prompt":"p"}`, `"outcomes"`},
		{"no score", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"cost_usd":1}}}`, "no score"},
		{"null outcome", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":null}}`, "no score"},
		{"score above 1", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":1.5}}}`, "score 1.5"},
		{"score below 0", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":-0.1}}}`, "score -0.1"},
		{"NaN", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":NaN}}}`, "not a row"},
		{"overflow", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":1e999}}}`, "not a row"},
		{"score as text", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":"1"}}}`, "not a row"},
		{"negative cost", `{"id":"b","source":"s","prompt":"p","outcomes":{"m":{"score":1,"cost_usd":-1}}}`, "cost_usd -1"},
		{"same id twice", goodRow, "seen before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte(goodRow+"\n\n"+c.line+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadDir(dir, nil)
			if !errors.Is(err, ErrData) || !strings.Contains(err.Error(), "x.jsonl:3") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want ErrData with x.jsonl:3 and %s", err, c.want)
			}
		})
	}
}

func TestReadDirReadsWhatItIsGiven(t *testing.T) {
	dir := t.TempDir()
	second := strings.Replace(goodRow, `"source":"s"`, `"source":"other"`, 1)
	if err := os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte("\ufeff"+goodRow+"\r\n"+second), 0o644); err != nil {
		t.Fatal(err)
	}
	rows, err := ReadDir(dir, nil)
	if err != nil || len(rows) != 2 || rows[0].Outcomes["m"].Score != 1 || *rows[0].Outcomes["m"].CostUSD != 0.5 {
		t.Errorf("rows %+v, error %v", rows, err)
	}
	if rows, err = ReadDir(dir, []string{"other"}); err != nil || len(rows) != 1 {
		t.Errorf("with a source: %d rows, error %v", len(rows), err)
	}
	if _, err = ReadDir(dir, []string{"none"}); !errors.Is(err, ErrData) {
		t.Errorf("an absent source: %v", err)
	}
	if _, err = ReadDir(t.TempDir(), nil); !errors.Is(err, ErrData) {
		t.Errorf("an empty folder: %v", err)
	}
}
