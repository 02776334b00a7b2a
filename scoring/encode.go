package scoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// toTree turns a table into the generic JSON value that is written: known
// fields over the unknown ones that were read.
func toTree(t Tiers) (map[string]any, error) {
	if t.RunIDs == nil {
		t.RunIDs = []string{}
	}
	tree, err := fields(t, t.extra)
	if err != nil {
		return nil, err
	}
	families, _ := tree["families"].(map[string]any)
	for name, f := range t.Families {
		node, err := fields(f, f.extra)
		if err != nil {
			return nil, fmt.Errorf("family %q: %w", name, err)
		}
		hosts, _ := node["hosts"].(map[string]any)
		for id, h := range f.Hosts {
			if hosts[id], err = fields(h, h.extra); err != nil {
				return nil, fmt.Errorf("family %q: host %q: %w", name, id, err)
			}
		}
		families[name] = node
	}
	return tree, nil
}

// fields gives a struct's JSON object with extra fields that it lacks.
func fields(v any, extra map[string]any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	tree, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(extra)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, tree)
	return out, nil
}

// parseObject reads one JSON object with its numbers as written.
func parseObject(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, errors.New("want a JSON object, got null")
	}
	if d.More() {
		return nil, errors.New("text after the JSON object")
	}
	return tree, nil
}

// Encode writes a table as the text of tiers.json, indented, keys sorted, with
// sha256 set: the hex digest of the same object as compact JSON with sorted
// keys and sha256 set to the empty string. In Python:
//
//	o = json.load(f); want = o["sha256"]; o["sha256"] = ""
//	s = json.dumps(o, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
//	assert hashlib.sha256(s.encode()).hexdigest() == want
//
// A table that Decode would refuse is an error.
func Encode(t Tiers) ([]byte, error) {
	t.SHA256 = ""
	tree, err := toTree(t)
	if err != nil {
		return nil, fmt.Errorf("encode tiers: %w", err)
	}
	sum, err := digest(tree)
	if err != nil {
		return nil, fmt.Errorf("encode tiers: %w", err)
	}
	tree["sha256"] = sum
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(tree); err != nil {
		return nil, fmt.Errorf("encode tiers: %w", err)
	}
	if _, err := Decode(b.Bytes()); err != nil {
		return nil, fmt.Errorf("encode tiers: the table is not valid: %w", err)
	}
	return b.Bytes(), nil
}

// WriteFile replaces path by the encoded table: a reader sees the old file or
// the new one, never a part, also after a crash. Mode is 0644.
func WriteFile(path string, t Tiers) error {
	raw, err := Encode(t)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write tiers: %w", err)
	}
	defer os.Remove(f.Name()) // fails once renamed, as it should
	_, err = f.Write(raw)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write tiers %s: %w", path, err)
	}
	return nil
}

// syncDir makes a rename durable where directories can be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

// ReadFile reads and validates a tier table.
func ReadFile(path string) (Tiers, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Tiers{}, fmt.Errorf("read tiers: %w", err)
	}
	t, err := Decode(raw)
	if err != nil {
		return Tiers{}, fmt.Errorf("read tiers %s: %w", path, err)
	}
	return t, nil
}
