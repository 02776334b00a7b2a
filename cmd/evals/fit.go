package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay/classifier"
	"assay/evals/replay"
	"assay/models"
	"assay/router"
	"assay/scoring"
	"assay/scoring/success"
)

// relative are outcome sources whose scores compare with a baseline's answer
// or with a reference text: their zero is not a failure.
var relative = []string{"alpaca_eval1", "alpaca_eval2", "wmt22_gptmt"}

type fitFlags struct {
	outcomes, out, dir string
	seed               uint64
}

func fitCommand(w world) *cobra.Command {
	var f fitFlags
	c := &cobra.Command{
		Use:   "fit --outcomes DIR --out FILE",
		Short: "Fit what outcomes on real prompts say about each family: predictions by text, abilities by capability",
		Long: `Fit what outcomes on real prompts say about each family of the catalogue.

Every *.jsonl and *.jsonl.gz of the folder is read, as for "evals replay". Rows
without a permissive or attribution licence and sources of relative scores are
left out. The file is what the gateway embeds (scoring/success/default.json.gz).`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.execute(c.Context(), w) },
	}
	c.Flags().StringVar(&f.outcomes, "outcomes", "", "folder of outcomes")
	c.Flags().StringVar(&f.out, "out", "", "file to write")
	c.Flags().StringVar(&f.dir, "catalog", "", "folder of a catalogue that overrides the built-in one")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the fit")
	return c
}

func (f fitFlags) execute(ctx context.Context, w world) error {
	if f.outcomes == "" || f.out == "" {
		return usagef("--outcomes and --out are needed: a folder to read, a file to write")
	}
	catalog, err := loadCatalog(f.dir)
	if err != nil {
		return err
	}
	rows, err := replay.ReadDir(f.outcomes, nil)
	if err != nil {
		return usageError{err}
	}
	clf, closeModel, err := replayClassifier(w, replay.Features{Embedding: true})
	if err != nil {
		return err
	}
	defer closeModel()
	e := gather(rows, catalog)
	if len(e.rows) == 0 {
		return usagef("%s: no row has an open licence and an outcome of a family of the catalogue", f.outcomes)
	}
	fmt.Fprintf(w.stderr, "%d of %d rows, %d families; reading the prompts ...\n", len(e.rows), len(rows), len(e.families))
	if err := e.read(ctx, clf, w.stderr); err != nil {
		return err
	}
	m, err := success.Fit(success.Data{Prompts: e.prompts, Models: e.families, Scores: e.scores}, success.Config{Seed: f.seed})
	if err != nil {
		return err
	}
	from := e.origin()
	from.Abilities = e.abilities(catalog)
	from.Encoder = clf.(encoder).Encoder()
	var file bytes.Buffer
	if err := m.Encode(&file, from); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, file.Bytes(), 0o644); err != nil {
		return err
	}
	e.print(w.stdout, m, from)
	fmt.Fprintf(w.stdout, "wrote %s, %d bytes\n", f.out, file.Len())
	return nil
}

// evidence is the outcomes that may shape what ships, joined to families.
type evidence struct {
	rows     []replay.Row
	families []string
	scores   [][]float64
	prompts  []success.Prompt
	classes  []classifier.Classification
}

// leastOutcomes is the number of outcomes from which a family is fitted.
const leastOutcomes = 200

// gather keeps rows with an open licence and families with enough outcomes.
// Where a source has two names for one family its scores are averaged.
func gather(rows []replay.Row, c *models.Catalog) *evidence {
	family := map[string]string{}
	for _, a := range c.Anchors() {
		if a.Family != "" {
			family[a.Outcome] = a.Family
		}
	}
	count := map[string]int{}
	var kept []replay.Row
	for _, r := range rows {
		if !replay.OpenLicence(r.License) || slices.Contains(relative, r.Source) {
			continue
		}
		kept = append(kept, r)
		for f := range familyScores(r, family) {
			count[f]++
		}
	}
	e := &evidence{}
	for _, f := range slices.Sorted(maps.Keys(count)) {
		if count[f] >= leastOutcomes {
			e.families = append(e.families, f)
		}
	}
	for _, r := range kept {
		by := familyScores(r, family)
		scores, any := make([]float64, len(e.families)), false
		for j, f := range e.families {
			scores[j] = math.NaN()
			if s, ok := by[f]; ok {
				scores[j], any = s, true
			}
		}
		if any {
			e.rows, e.scores = append(e.rows, r), append(e.scores, scores)
		}
	}
	return e
}

func familyScores(r replay.Row, family map[string]string) map[string]float64 {
	sum, n := map[string]float64{}, map[string]float64{}
	for name, o := range r.Outcomes {
		if f := family[name]; f != "" {
			sum[f], n[f] = sum[f]+o.Score, n[f]+1
		}
	}
	for f := range sum {
		sum[f] /= n[f]
	}
	return sum
}

// read classifies and embeds every prompt.
func (e *evidence) read(ctx context.Context, clf replay.Classifier, progress io.Writer) error {
	for i, r := range e.rows {
		in := classifier.Prompt(r.Prompt)
		class, err := clf.Classify(ctx, in)
		if err != nil {
			return fmt.Errorf("classify %s: %w", r.ID, err)
		}
		v, err := clf.Embed(ctx, in)
		if err != nil {
			return fmt.Errorf("embed %s: %w", r.ID, err)
		}
		e.prompts, e.classes = append(e.prompts, success.Prompt{Embedding: v}), append(e.classes, class)
		if (i+1)%5000 == 0 {
			fmt.Fprintf(progress, "%d prompts read\n", i+1)
		}
	}
	return nil
}

func (e *evidence) origin() success.Origin {
	from := success.Origin{Sources: map[string]int{}}
	licences, h := map[string]bool{}, sha256.New()
	for _, r := range e.rows {
		from.Sources[r.Source]++
		licences[r.License] = true
		fmt.Fprintln(h, r.ID)
	}
	from.Licences, from.DataHash = slices.Sorted(maps.Keys(licences)), hex.EncodeToString(h.Sum(nil))
	return from
}

// capabilityError is how far, in logits, the benchmarks at hand may lie from
// the capability they stand for; it is added to every standard error.
const capabilityError = 0.3

// abilities fits each capability by itself to the prompts that draw on it and
// shifts it so that, over the families with an anchor, its mean is that of
// their general abilities: what is left is what a family can do better or
// worse than its general ability says.
func (e *evidence) abilities(c *models.Catalog) []success.Ability {
	general := map[string]float64{}
	for _, a := range c.Anchors() {
		if a.Family != "" {
			general[a.Family] = a.Theta
		}
	}
	var out []success.Ability
	for _, capability := range scoring.Capabilities {
		var scores [][]float64
		n := make([]int, len(e.families))
		for i, class := range e.classes {
			if router.CapabilityOf(class.Intent) != capability && !(capability == scoring.ChineseLanguage && e.rows[i].Lang == "zh") {
				continue
			}
			scores = append(scores, e.scores[i])
			for j, s := range e.scores[i] {
				if !math.IsNaN(s) {
					n[j]++
				}
			}
		}
		theta, se := success.Abilities(scores, len(e.families))
		shift, weight := 0.0, 0.0
		for j, f := range e.families {
			if g, ok := general[f]; ok && n[j] >= leastOutcomes {
				shift, weight = shift+g-theta[j], weight+1
			}
		}
		if weight < 5 {
			continue // too few to tell the scale
		}
		for j, f := range e.families {
			if n[j] >= leastOutcomes {
				out = append(out, success.Ability{Model: f, Capability: capability, N: n[j],
					Theta: round3(theta[j] + shift/weight), SE: round3(math.Hypot(se[j], capabilityError))})
			}
		}
	}
	return out
}

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

func (e *evidence) print(w io.Writer, m *success.Model, from success.Origin) {
	fmt.Fprintf(w, "%d prompts, %d families, %d kinds\n", len(e.rows), len(e.families), m.Kinds())
	for _, s := range slices.Sorted(maps.Keys(from.Sources)) {
		fmt.Fprintf(w, "  %-20s %6d prompts\n", s, from.Sources[s])
	}
	fmt.Fprintln(w, "licences:", strings.Join(from.Licences, "; "))
	t := newTable("family", "capability", "theta", "standard error", "outcomes")
	for _, a := range from.Abilities {
		t.add(a.Model, a.Capability, fmt.Sprintf("%.2f", a.Theta), fmt.Sprintf("%.2f", a.SE), fmt.Sprint(a.N))
	}
	t.print(w)
}
