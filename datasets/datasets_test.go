package datasets

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mcLine = `{"id":"x/1","subject":"s","lang":"en","question":"q?","choices":["p","q"],"answer":"B","note":{"kept":1}}`

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	data := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		w.Write(data)
		w.Close()
		data = buf.Bytes()
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadReadsPlainAndGzipAlike(t *testing.T) {
	plain, packed := t.TempDir(), t.TempDir()
	write(t, plain, "x.jsonl", "\ufeff"+mcLine+"\n\n")
	write(t, packed, "x.jsonl.gz", strings.ReplaceAll(mcLine, `":`, `" : `)+"\n")
	a, err := Load(plain, "x", MC)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load(packed, "x", MC)
	if err != nil {
		t.Fatal(err)
	}
	if a.Hash != b.Hash {
		t.Errorf("spacing and compression changed the hash: %s, %s", a.Hash, b.Hash)
	}
	var note struct{ Kept int }
	if ok, err := a.Items[0].Field("note", &note); !ok || err != nil || note.Kept != 1 {
		t.Errorf("unknown field: got %v %v %v, want it kept", note, ok, err)
	}
	if a.Items[0].AnswerIndex() != 1 {
		t.Errorf("answer index %d, want 1", a.Items[0].AnswerIndex())
	}
}

func TestHashFollowsContentNotOrder(t *testing.T) {
	read := func(lines ...string) []Sample {
		items, err := Read(strings.NewReader(strings.Join(lines, "\n")), "f", MC)
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
	other := strings.Replace(mcLine, "x/1", "x/2", 1)
	base := Hash(read(mcLine, other), nil)
	if got := Hash(read(other, mcLine), nil); got != base {
		t.Error("order of lines changed the hash")
	}
	if got := Hash(read(mcLine, strings.Replace(other, `"B"`, `"A"`, 1)), nil); got == base {
		t.Error("a changed answer kept the hash")
	}
	if got := Hash(read(mcLine), read(other)); got == base {
		t.Error("an item moved to the exemplars kept the hash")
	}
}

func TestErrorsNameFileAndLine(t *testing.T) {
	for rule, c := range map[string]struct{ text, want string }{
		"broken json":         {mcLine + "\n{\"id\":", "x.jsonl:2: not an item"},
		"null line":           {"null", "x.jsonl:1: not an item"},
		"answer not a choice": {strings.Replace(mcLine, `"B"`, `"C"`, 1), `x.jsonl:1: item "x/1" (mc): field "answer"`},
		"empty choice":        {strings.Replace(mcLine, `"p"`, `" "`, 1), "choice A is empty"},
		"missing question":    {strings.Replace(mcLine, `"q?"`, `""`, 1), `field "question" is missing`},
		"wrong type":          {strings.Replace(mcLine, `"q?"`, `7`, 1), `field "question": want a string`},
		"no id":               {strings.Replace(mcLine, `"x/1"`, `""`, 1), `field "id" is missing`},
		"same id twice":       {mcLine + "\n" + mcLine, `x.jsonl:2: id "x/1" is already on line 1`},
		"empty file":          {"\n", "x.jsonl: no items"},
	} {
		t.Run(rule, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "x.jsonl", c.text)
			_, err := Load(dir, "x", MC)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestMissingSetSaysWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "other.jsonl.gz", mcLine)
	_, err := Load(dir, "x", MC)
	if !errors.Is(err, ErrNoSet) || !strings.Contains(err.Error(), "found: other") {
		t.Errorf("got %v, want ErrNoSet that lists other", err)
	}
	if _, err := Load(filepath.Join(dir, "nowhere"), "x", MC); err == nil {
		t.Error("a missing folder loaded")
	}
	write(t, dir, "bad.jsonl.gz", mcLine)
	os.WriteFile(filepath.Join(dir, "bad.jsonl.gz"), []byte("plain text"), 0o644)
	if _, err := Load(dir, "bad", MC); err == nil || !strings.Contains(err.Error(), "not a gzip file") {
		t.Errorf("got %v, want a gzip error", err)
	}
}

func TestSelectIsStableAndNested(t *testing.T) {
	var items []Sample
	for i := range 100 {
		items = append(items, Sample{ID: fmt.Sprint("i/", i)})
	}
	ids := func(s []Sample) (out []string) {
		for _, x := range s {
			out = append(out, x.ID)
		}
		return
	}
	ten, twenty := ids(Select(items, 10, 1)), ids(Select(items, 20, 1))
	if diff := cmp.Diff(ten, twenty[:10]); diff != "" {
		t.Errorf("ten items are not the first of twenty:\n%s", diff)
	}
	reversed := make([]Sample, len(items))
	for i, s := range items {
		reversed[len(items)-1-i] = s
	}
	if diff := cmp.Diff(ten, ids(Select(reversed, 10, 1))); diff != "" {
		t.Errorf("file order changed the selection:\n%s", diff)
	}
	if cmp.Equal(ten, ids(Select(items, 10, 2))) {
		t.Error("another seed gave the same items")
	}
	for _, limit := range []int{0, -1, 100, 1000} {
		if got := len(Select(items, limit, 1)); got != 100 {
			t.Errorf("limit %d gave %d items, want all 100", limit, got)
		}
	}
}

func TestStarterSetsAreSound(t *testing.T) {
	for name, kind := range map[string]Kind{"gsm8k": Math, "mmlu": MC, "cmmlu": MC} {
		set, err := Starter(name, kind)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Items) < 12 || len(set.Dev) == 0 || set.Origin != "starter" {
			t.Errorf("%s: %d items, %d exemplars, origin %q", name, len(set.Items), len(set.Dev), set.Origin)
		}
		letters := map[string]int{}
		for _, s := range set.Items {
			letters[s.Answer]++
			if kind == Math && !strings.Contains(s.Solution, s.Answer) {
				t.Errorf("%s: the solution does not reach %s", s.ID, s.Answer)
			}
		}
		if kind == MC && (letters["A"] != 4 || letters["B"] != 4 || letters["C"] != 4 || letters["D"] != 4) {
			t.Errorf("%s: answers are not balanced: %v", name, letters)
		}
	}
	if _, err := Starter("humaneval", Code); !errors.Is(err, ErrNoSet) {
		t.Errorf("got %v, want ErrNoSet", err)
	}
}

// The public subsets, when they lie beside the project, load whole.
func TestPublicSetsLoad(t *testing.T) {
	const dir = "../../shared/data/evalsets"
	names, err := Names(dir)
	if err != nil {
		t.Skip("no eval sets beside the project")
	}
	for _, name := range names {
		set, err := Load(dir, name, "")
		if err != nil {
			t.Error(err)
			continue
		}
		t.Logf("%-16s %5d items, %3d exemplars, kind %s", name, len(set.Items), len(set.Dev), KindOf(set.Items[0]))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(mcLine))
	f.Add([]byte(`{"id":"a","question":"q","answer":"1","level":null}`))
	f.Add([]byte("\xef\xbb\xbf{}\n[1]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := Read(bytes.NewReader(data), "f", "")
		if err != nil {
			return
		}
		if Hash(items, nil) != Hash(items, nil) {
			t.Error("hash is not stable")
		}
		for _, s := range items {
			if s.ID == "" {
				t.Error("an item without id passed")
			}
		}
	})
}
