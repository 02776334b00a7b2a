package scoring

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrDigest is returned for a file whose content does not match its sha256.
var ErrDigest = errors.New("sha256 does not match the content: the file is damaged or was edited by hand")

// Decode reads tiers.json, version 1, and validates it as a whole: schema,
// digest, enumerations, ranges. Every problem found is in the error, each with
// the family and field it is in. Unknown fields of the table, its families and
// hosts are kept for Encode.
func Decode(raw []byte) (Tiers, error) {
	if !utf8.Valid(raw) {
		return Tiers{}, errors.New("tiers.json: not valid UTF-8")
	}
	tree, err := parseObject(raw)
	if err != nil {
		return Tiers{}, fmt.Errorf("tiers.json: not a JSON object: %w", err)
	}
	if v, ok := tree["schema"].(json.Number); !ok || string(v) != "1" {
		return Tiers{}, fmt.Errorf("tiers.json: schema %v: this program reads schema 1", tree["schema"])
	}
	// From the tree, not the text: there a repeated key has one meaning.
	clean, err := json.Marshal(tree)
	if err != nil {
		return Tiers{}, fmt.Errorf("tiers.json: %w", err)
	}
	var t Tiers
	if err := json.Unmarshal(clean, &t); err != nil {
		return Tiers{}, fmt.Errorf("tiers.json: %w", err)
	}
	if err := checkDigest(tree, t.SHA256); err != nil {
		return Tiers{}, fmt.Errorf("tiers.json: %w", err)
	}
	keepUnknown(&t, tree)
	if problems := t.problems(); len(problems) > 0 {
		return Tiers{}, fmt.Errorf("tiers.json: %s", strings.Join(problems, "; "))
	}
	return t, nil
}

func checkDigest(tree map[string]any, want string) error {
	tree["sha256"] = ""
	sum, err := digest(tree)
	if err != nil {
		return err
	}
	if sum != want {
		return fmt.Errorf("%w (file says %q, content gives %q)", ErrDigest, want, sum)
	}
	return nil
}

// keepUnknown stores the fields that the types do not name.
func keepUnknown(t *Tiers, tree map[string]any) {
	t.extra = unknown(tree, reflect.TypeFor[Tiers]())
	families, _ := tree["families"].(map[string]any)
	for name, f := range t.Families {
		node, _ := families[name].(map[string]any)
		f.extra = unknown(node, reflect.TypeFor[Family]())
		hosts, _ := node["hosts"].(map[string]any)
		for id, h := range f.Hosts {
			object, _ := hosts[id].(map[string]any)
			h.extra = unknown(object, reflect.TypeFor[Host]())
			f.Hosts[id] = h
		}
		t.Families[name] = f
	}
}

// unknown gives the entries of an object that no field of the struct reads.
// Field names match as encoding/json matches them, in any case.
func unknown(object map[string]any, of reflect.Type) map[string]any {
	out := maps.Clone(object)
	for i := range of.NumField() {
		tag, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if tag == "" {
			continue
		}
		for k := range out {
			if strings.EqualFold(k, tag) {
				delete(out, k)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// checker collects problems with the place they are in.
type checker struct {
	where    string
	problems []string
}

func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, c.where+fmt.Sprintf(format, args...))
}

func (c *checker) within(field string, x, lo, hi float64) {
	if !(x >= lo && x <= hi) { // NaN fails too
		c.fail("%s is %v, want %v to %v", field, x, lo, hi)
	}
}

func (c *checker) tier(field string, t Tier, emptyAllowed bool) {
	if t == "" && emptyAllowed || slices.Contains(AllTiers, t) {
		return
	}
	c.fail("%s is %q, want flagship, cheap-fast or reasoning", field, t)
}

func (c *checker) ability(field string, theta, sd float64) {
	if math.IsNaN(theta) || math.Abs(theta) > 50 {
		c.fail("%s theta is %v, want a number of logits between -50 and 50", field, theta)
	}
	c.within(field+" sd", sd, 0, 50)
}

func (c *checker) hold(field string, h *Hold) {
	if h == nil {
		return
	}
	c.tier(field+".tier", h.Tier, true)
	if h.Until.IsZero() {
		c.fail("%s.until is missing", field)
	}
}

// problems lists everything that is wrong with a table, in a fixed order.
func (t Tiers) problems() []string {
	var c checker
	if t.Schema != Schema {
		c.fail("schema is %d, want %d", t.Schema, Schema)
	}
	if t.ID == "" {
		c.fail("id is missing")
	}
	if t.CreatedAt.IsZero() || t.CreatedAt.Year() > 9999 {
		c.fail("created_at is %s, want the time of writing", t.CreatedAt.Format(time.RFC3339))
	}
	if !slices.Contains([]Evidence{Published, Measured, Sim}, t.Evidence) {
		c.fail("evidence is %q, want published, sim or measured", t.Evidence)
	}
	if t.ScaleID == "" {
		c.fail("scale_id is missing")
	}
	t.checkBands(&c)
	if len(t.Families) == 0 {
		c.fail("families is empty: a gateway could route nowhere")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Families)) {
		c.where = fmt.Sprintf("family %q: ", name)
		if name == "" {
			c.fail("a family must have a name")
		}
		t.Families[name].check(&c)
	}
	return c.problems
}

func (t Tiers) checkBands(c *checker) {
	for _, name := range slices.Sorted(maps.Keys(t.Bands)) {
		b := t.Bands[name]
		c.where = fmt.Sprintf("band %q: ", name)
		c.tier("its name", name, false)
		c.within("min_capability", b.MinCapability, 0, 100)
		c.within("max_capability", b.MaxCapability, b.MinCapability, 100)
		for _, k := range slices.Sorted(maps.Keys(b.Anchors)) {
			c.within("anchor "+k, b.Anchors[k], 0, 100)
		}
	}
	c.where = ""
}

func (f Family) check(c *checker) {
	c.tier("tier", f.Tier, true)
	c.tier("hand_tier", f.HandTier, true)
	c.tier("computed_tier", f.ComputedTier, true)
	if f.Placement != ByHand && f.Placement != Computed {
		c.fail("placement is %q, want hand or computed", f.Placement)
	}
	c.within("capability", f.Capability, 0, 100)
	c.within("lo", f.Lo, 0, f.Capability)
	c.within("hi", f.Hi, f.Capability, 100)
	c.within("overseas", f.Overseas, 0, 100)
	c.within("chinese", f.Chinese, 0, 100)
	c.within("observed_share", f.ObservedShare, 0, 1)
	if _, ok := f.Abilities[General]; !ok {
		c.fail("abilities has no %q", General)
	}
	for _, k := range slices.Sorted(maps.Keys(f.Abilities)) {
		c.ability("ability "+k, f.Abilities[k].Theta, f.Abilities[k].SD)
	}
	for _, t := range slices.Sorted(maps.Keys(f.PTier)) {
		c.tier("p_tier key", t, false)
		c.within("p_tier "+string(t), f.PTier[t], 0, 1)
	}
	c.hold("hold", f.Hold)
	family := c.where
	for _, id := range slices.Sorted(maps.Keys(f.Hosts)) {
		h := f.Hosts[id]
		c.where = fmt.Sprintf("%shost %q: ", family, id)
		if provider, model, ok := strings.Cut(id, "/"); !ok || provider == "" || model == "" {
			c.fail("want provider/model")
		}
		c.ability("offset as", h.Offset, h.SD)
		c.tier("tier", h.Tier, true)
		c.tier("hand_tier", h.HandTier, true)
		c.hold("hold", h.Hold)
	}
	c.where = family
}
