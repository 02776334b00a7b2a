package policy

import (
	"fmt"
	"slices"
	"strings"

	"assay/models"
)

// Rules restrict which models may serve. What is left out does not restrict.
// An allow list holds for the names in it alone: a provider, region or model
// that is added to the catalogue later is not in it, unless the list says "*".
type Rules struct {
	Regions   []string  `yaml:"regions"`   // of the models' serving; a model whose region is unknown is in none
	Providers AllowDeny `yaml:"providers"` // by name
	Models    AllowDeny `yaml:"models"`    // by exact "provider/name"

	// MaxInputPrice and MaxOutputPrice are ceilings of list prices, in dollars per
	// million tokens; MaxCost of what the whole answer is expected to cost, in
	// dollars. A model whose price is unknown passes none.
	MaxInputPrice  USD `yaml:"max_input_price"`
	MaxOutputPrice USD `yaml:"max_output_price"`
	MaxCost        USD `yaml:"max_cost"`

	// MinSuccess is the least predicted success, 0..1, with which a router's pick
	// may serve; MinCapability the least public capability score, 0..100.
	MinSuccess    float64 `yaml:"min_success"`
	MinCapability float64 `yaml:"min_capability"`

	// Training says which data terms are accepted; see Training.
	Training Training `yaml:"training"`
	// MaxRetentionDays is how long a provider may keep prompts and answers;
	// unknown retention passes no limit. nil: no limit.
	MaxRetentionDays *int `yaml:"max_retention_days"`
}

// Training says which terms for training on prompts and answers are accepted.
type Training string

// The accepted terms, widest first. A layer that says nothing leaves it to the
// others; where neither the org nor (for keys without one) the file says
// anything, "unknown" holds: who says nothing has not accepted training.
const (
	AcceptTraining Training = "accept"  // also providers that train
	AcceptUnknown  Training = "unknown" // also providers whose terms nobody has stated
	RefuseTraining Training = "no"      // only providers that state that they don't
)

// AllowDeny restricts by name: Deny wins, an absent Allow allows all, and "*"
// in Allow allows all that is there now and later.
type AllowDeny struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// permits says whether name passes, and why not.
func (a AllowDeny) permits(what, name string) string {
	switch {
	case slices.Contains(a.Deny, name):
		return what + " denied"
	case len(a.Allow) > 0 && !slices.Contains(a.Allow, name) && !slices.Contains(a.Allow, "*"):
		return what + " not on the allow list"
	}
	return ""
}

// Terms are the data terms of a provider's key.
type Terms struct {
	Key string // its label
	// Free: the key has an allowance that costs nothing, and serves inside it alone.
	Free   bool
	Trains models.Flag
	// RetentionDays is how long prompts and answers are kept; -1 unknown.
	RetentionDays int
}

// Row is what rules ask of a model.
type Row struct {
	ID, Provider, Region, Family string
	// In and Out are list prices in nano-dollars per million tokens, the dearest
	// that a prompt of any length pays; Priced is false if one is unknown.
	In, Out    int64
	Priced     bool
	Capability float64 // public score, 0..100; 0 if there is none
	// Keys are the terms of the provider's keys; one that passes is enough.
	Keys []Terms
	// Stage and StageShare are the model's rollout; see RolloutOf.
	Stage      Stage
	StageShare float64
}

// Rolled gives the row its rollout.
func (r *Row) Rolled(o Rollout) *Row {
	r.Stage, r.StageShare = o.Stage, o.share()
	return r
}

// Layer is a set of rules with the name of who made it.
type Layer struct {
	Name string // "policy", "org acme", "preset eu", "workload eval", "request"
	Rules
}

// Permits says why a model may not serve under the layer, with the layer's
// name and the key of the rule; "" if it may. Cost and success of the single
// request are not looked at here: see MaxCost and MinSuccess of Effective.
func (l *Layer) Permits(r *Row) string {
	if why, key := l.refuses(r); why != "" {
		return fmt.Sprintf("%s by %s (%s)", why, l.Name, key)
	}
	return ""
}

func (l *Layer) refuses(r *Row) (why, key string) {
	if why := l.Providers.permits("provider "+r.Provider, r.Provider); why != "" {
		return why, "providers"
	}
	if why := l.Models.permits("model", r.ID); why != "" {
		return why, "models"
	}
	if len(l.Regions) > 0 && !slices.Contains(l.Regions, r.Region) && !slices.Contains(l.Regions, "*") {
		return fmt.Sprintf("region %q not allowed", r.Region), "regions"
	}
	for _, c := range []struct {
		key   string
		max   USD
		price int64
	}{{"max_input_price", l.MaxInputPrice, r.In}, {"max_output_price", l.MaxOutputPrice, r.Out}} {
		switch {
		case !c.max.Set:
		case !r.Priced:
			return "unknown price not allowed under a ceiling", c.key
		case c.price > c.max.Nano:
			return fmt.Sprintf("price $%s above $%s not allowed", models.FormatUSD(c.price), models.FormatUSD(c.max.Nano)), c.key
		}
	}
	if r.Capability < l.MinCapability {
		return fmt.Sprintf("capability %.1f below %g not allowed", r.Capability, l.MinCapability), "min_capability"
	}
	return l.refusesTerms(r.Keys)
}

// refusesTerms says why none of the keys' data terms will do.
func (l *Layer) refusesTerms(keys []Terms) (why, key string) {
	for _, k := range keys {
		if why, key = l.refusesKey(k); why == "" {
			return "", ""
		}
	}
	return why, key
}

// PermitsKey reports whether the layer accepts a key's data terms.
func (l *Layer) PermitsKey(t Terms) bool {
	why, _ := l.refusesKey(t)
	return why == ""
}

func (l *Layer) refusesKey(t Terms) (why, key string) {
	switch {
	case t.Trains == models.Yes && (l.Training == AcceptUnknown || l.Training == RefuseTraining):
		return "training on prompts not accepted", "training"
	case t.Trains == models.Unknown && l.Training == RefuseTraining:
		return "unknown data terms not accepted", "training"
	case l.MaxRetentionDays != nil && t.RetentionDays < 0:
		return "unknown retention not accepted", "max_retention_days"
	case l.MaxRetentionDays != nil && t.RetentionDays > *l.MaxRetentionDays:
		return fmt.Sprintf("retention of %d days not accepted", t.RetentionDays), "max_retention_days"
	}
	return "", ""
}

// restricts reports whether the rules hold anything that Permits looks at.
func (r *Rules) restricts() bool {
	return len(r.Regions)+len(r.Providers.Allow)+len(r.Providers.Deny)+len(r.Models.Allow)+len(r.Models.Deny) > 0 ||
		r.MaxInputPrice.Set || r.MaxOutputPrice.Set || r.MinCapability > 0 || r.Training != "" || r.MaxRetentionDays != nil
}

// restricting lists the keys that the rules restrict by.
func (r *Rules) restricting() []string {
	var out []string
	for _, k := range []struct {
		key string
		on  bool
	}{
		{"regions", len(r.Regions) > 0}, {"providers", len(r.Providers.Allow)+len(r.Providers.Deny) > 0}, {"models", len(r.Models.Allow)+len(r.Models.Deny) > 0},
		{"max_input_price", r.MaxInputPrice.Set}, {"max_output_price", r.MaxOutputPrice.Set}, {"max_cost", r.MaxCost.Set}, {"min_success", r.MinSuccess > 0},
		{"min_capability", r.MinCapability > 0}, {"training", r.Training == RefuseTraining}, {"max_retention_days", r.MaxRetentionDays != nil},
	} {
		if k.on {
			out = append(out, k.key)
		}
	}
	return out
}

// USD is an exact amount of dollars that may be absent.
type USD struct {
	Nano int64
	Set  bool
}

// UnmarshalYAML reads a plain decimal, quoted or not.
func (u *USD) UnmarshalYAML(b []byte) error {
	nano, err := models.ParseUSD(strings.Trim(strings.TrimSpace(string(b)), `"'`))
	*u = USD{nano, true}
	return err
}

// String gives the dollars, "" if absent.
func (u USD) String() string {
	if !u.Set {
		return ""
	}
	return models.FormatUSD(u.Nano)
}
