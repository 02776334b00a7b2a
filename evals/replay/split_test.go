package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// keys.json holds [prompt, key, bucket] as split_key and bucket of
// classifier/training/corpus.py give them.
func TestKeyAndBucketAreThoseOfTraining(t *testing.T) {
	raw, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][3]json.RawMessage
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 10 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		var prompt, key, bucket string
		for i, to := range []*string{&prompt, &key, &bucket} {
			if err := json.Unmarshal(c[i], to); err != nil {
				t.Fatal(err)
			}
		}
		if got := Key(prompt); got != key {
			t.Errorf("Key(%q) = %q; want %q", prompt, got, key)
		}
		if got := jsonNumber(Bucket(key)); got != bucket {
			t.Errorf("Bucket(%q) = %s; want %s", key, got, bucket)
		}
	}
}

func jsonNumber(n uint64) string { b, _ := json.Marshal(n); return string(b) }

// sharedData finds the project's outcome data or skips the test.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ASSAY_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	dir = filepath.Join(dir, "prompts", "outcomes")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no outcome data here (set ASSAY_DATA): %v", err)
	}
	return dir
}

// The digest is over the keys of all prompts, computed with corpus.py.
func TestKeysOfTheDataAreThoseOfTraining(t *testing.T) {
	rows, err := ReadDir(sharedData(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, r := range rows {
		h.Write([]byte(Key(r.Prompt)))
	}
	const want = "9510282307cb60e10f5b02af312fd81e8f6410d973db9ec4c74407d06d90a880"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("keys of %d prompts have digest %s; want %s", len(rows), got, want)
	}
}
