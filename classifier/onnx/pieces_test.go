package onnx

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Every prompt of the data, a seventh of them with damaged UTF-8, has the very
// pieces that training saw: a digest a file holds more than a hundred thousand
// prompts to it.
func TestPiecesOfTheDataAreThoseOfTraining(t *testing.T) {
	const data = "../../../shared/data"
	raw, err := os.ReadFile("testdata/pieces.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		Prompts int
		SHA256  string
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "prompts")); err != nil {
		t.Skip("the prompts are not beside the project")
	}
	tok := embeddedTokenizer(t)
	total := 0
	for name, w := range want {
		n, sum := digestOfPieces(t, tok, filepath.Join(data, name))
		if n != w.Prompts || sum != w.SHA256 {
			t.Errorf("%s: %d prompts with digest %.12s, want %d with %.12s", name, n, sum, w.Prompts, w.SHA256)
		}
		total += n
	}
	t.Logf("%d prompts of %d files", total, len(want))
}

func digestOfPieces(t *testing.T, tok *tokenizer, path string) (int, string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 8<<20)
	digest, n := sha256.New(), 0
	var ids []int32
	for ; lines.Scan(); n++ {
		var row struct{ Prompt string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		prompt := row.Prompt
		if n%7 == 0 && len(prompt) > 0 {
			prompt = prompt[1:max(1, len(prompt)/2)] + "\xff" + prompt[len(prompt)/2:]
		}
		ids = append(tok.encode(ids[:0], prompt), -1)
		binary.Write(digest, binary.LittleEndian, ids)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return n, hex.EncodeToString(digest.Sum(nil))
}
