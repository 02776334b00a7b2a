package replay

import (
	"bufio"
	"encoding/json"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Decision is one line of decisions.jsonl.
type Decision struct {
	ID        string  `json:"id"`
	Source    string  `json:"source"`
	Policy    string  `json:"policy"`
	Threshold float64 `json:"threshold"` // margin; for random the share of calls to the best single model
	Model     string  `json:"model"`
}

// Write puts decisions.jsonl, summary.json, summary.md, report.html and plots
// into a folder, each in one step.
func (r *Replay) Write(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "plots"), 0o755); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, "decisions.jsonl"), r.writeDecisions); err != nil {
		return err
	}
	err := replaceFile(filepath.Join(dir, "summary.json"), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(r.Summary)
	})
	if err != nil {
		return err
	}
	return r.writeReports(dir)
}

// replaceFile writes a file beside its place and renames it.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	b := bufio.NewWriterSize(f, 1<<20)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (r *Replay) writeDecisions(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, v := range r.verdicts {
		for _, i := range v.cells {
			for _, d := range v.decisions(i, r.Summary.Seed) {
				if err := enc.Encode(d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// coarse is the step through the margins at which baselines' decisions are
// written: the file is large as it is.
const coarse = 4

// decisions lists what every policy picks for an item.
func (v *verdict) decisions(i int, seed uint64) []Decision {
	it := v.items[i]
	var out []Decision
	add := func(policy string, threshold float64, m int) {
		out = append(out, Decision{it.ID, it.Source, policy, threshold, v.models[m]})
	}
	for _, e := range v.entrants {
		for k, margin := range v.margins {
			if e.name == Assay || k%coarse == 0 {
				add(e.name, margin, int(e.picked[k][i]))
			}
		}
	}
	best, _ := v.arena.first(v.standing[it.group].byScore, i)
	low, _ := v.arena.first(v.standing[it.group].byCost, i)
	add(BestSingle, 0, best)
	add(AlwaysLow, 0, low)
	add(Oracle, 0, v.oracleOf(i))
	for _, share := range shares() {
		if chance(it, seed) < share {
			add(Random, share, best)
		} else {
			add(Random, share, low)
		}
	}
	return out
}

// chance gives an item's number in [0, 1), the same in every run.
func chance(it *item, seed uint64) float64 {
	h := fnv.New64a()
	io.WriteString(h, strconv.FormatUint(seed, 10)+"\x00"+it.Source+"\x00"+it.ID)
	x := h.Sum64()
	x ^= x >> 33 // the avalanche of MurmurHash3: FNV's upper bits vary little
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
