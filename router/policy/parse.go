package policy

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Known is the vocabulary a policy may use and the orgs that it must have.
type Known struct {
	Vocabulary
	// Orgs are those that client keys belong to: a policy that lacks one would
	// leave its keys without the restrictions meant for them.
	Orgs []string
	// Tables are the ids of the tier tables that can be pinned; nil: not checked.
	Tables []string
}

// withOldKeys is a file with the keys that older ones had.
type withOldKeys struct {
	File       `yaml:",inline"`
	Thresholds any `yaml:"thresholds"`
}

// Parse reads a policy file and checks it as a whole: unknown keys, names that
// the catalogue lacks, references to presets that are not there and values out
// of range are all reported together, each with its path.
func Parse(data []byte, known Known) (File, error) {
	var file withOldKeys
	if err := DecodeYAML(data, &file); err != nil {
		return File{}, fmt.Errorf("policy: %w", err)
	}
	c := check{file: &file.File, known: known}
	if file.Thresholds != nil {
		c.bad("thresholds", "is no longer read: say in margins how much predicted success each halving of the cost may take away, for example margins: {balanced: %g}", DefaultMargins[Balanced])
	}
	c.all()
	if len(c.errs) > 0 {
		sort.Slice(c.errs, func(i, j int) bool { return c.errs[i].Error() < c.errs[j].Error() })
		return File{}, errors.Join(c.errs...)
	}
	return file.File.WithDefaults(), nil
}

// check gathers what is wrong with a file.
type check struct {
	file  *File
	known Known
	errs  []error
}

func (c *check) bad(path, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("policy: %s %s", path, fmt.Sprintf(format, args...)))
}

func (c *check) all() {
	f := c.file
	if f.Version != 1 {
		c.bad("version", "is %d; want 1", f.Version)
	}
	c.rules("", f.Rules)
	c.tables()
	c.numbers()
	c.oneOf("swaps", f.Swaps, "", Allowed, Never)
	c.models("never_swap", f.NeverSwap)
	for name, u := range f.Upstreams {
		path := "upstreams." + name
		c.lower(path, name)
		c.models(path, []string{name})
		for key, p := range map[string]string{"all": u.All, "interactive": u.Interactive, "background": u.Background, "eval": u.Eval} {
			if p != "" {
				c.names(path+"."+key, []string{p}, c.known.Providers)
			}
		}
		if u == (Upstream{}) {
			c.bad(path, "names no provider")
		}
	}
	for name, r := range f.Retries {
		path := "retries." + name
		c.lower(path, name)
		if name != "*" {
			c.models(path, []string{name})
		}
		if r.Attempts < 0 || r.Attempts > 5 {
			c.bad(path+".attempts", "is %d; want 1 to 5", r.Attempts)
		}
	}
	for name, r := range f.Rollouts {
		path := "rollouts." + name
		c.lower(path, name)
		c.models(path, []string{name})
		c.oneOf(path+".stage", string(r.Stage), "", string(StageOff), string(StageEval), string(StageShadow), string(StageTrial), string(StageFull))
		if r.Stage == "" {
			c.bad(path+".stage", "is missing")
		}
		c.share(path+".share", r.Share)
	}
	c.assess(f.Assess)
	c.aliases("aliases", f.Aliases)
	for name, p := range f.Presets {
		c.rules("presets."+name+".", p.Rules)
	}
	for name, w := range f.Workloads {
		if !slices.Contains(workloads, name) {
			c.bad("workloads."+string(name), "is no class of work; want interactive, background or eval")
		}
		c.rules("workloads."+string(name)+".", w.Rules)
		c.duration("workloads."+string(name)+".timeout", w.Timeout)
		if w.Hedge != nil && *w.Hedge && name != Interactive {
			c.bad("workloads."+string(name)+".hedge", "can't be true: only interactive work is hedged")
		}
	}
	for name, o := range f.Orgs {
		c.org("orgs."+name+".", o)
	}
	for _, name := range c.known.Orgs {
		if _, ok := f.Orgs[name]; !ok {
			c.bad("orgs."+name, "is missing, and client keys of the configuration belong to it: write at least \"%s: {}\"", name)
		}
	}
}

func (c *check) numbers() {
	f := c.file
	for o, v := range f.Margins {
		if _, ok := DefaultMargins[o]; !ok {
			c.bad("margins."+string(o), "is unknown; want cost, balanced, quality, fast or free")
		} else if !(v >= 0 && v <= MostForgiven) {
			c.bad("margins."+string(o), "is %v; want a share of success from 0 to %v", v, MostForgiven)
		}
	}
	if f.MaxAttempts < 0 || f.MaxAttempts > 10 {
		c.bad("max_attempts", "is %d; want 1 to 10", f.MaxAttempts)
	}
	c.duration("first_byte_timeout", f.FirstByteTimeout)
	c.duration("idle_timeout", f.IdleTimeout)
	c.duration("timeout", f.Timeout)
}

func (c *check) duration(path string, d time.Duration) {
	if d < 0 {
		c.bad(path, "is %s; it must not be negative", d)
	}
}

func (c *check) org(path string, o Org) {
	c.rules(path, o.Rules)
	c.oneOf(path+"swaps", o.Swaps, "", On, Off, Observe, Never)
	c.share(path+"swap_share", o.SwapShare)
	c.models(path+"never_swap", o.NeverSwap)
	for name, p := range o.Pins {
		at := path + "pins." + name
		c.lower(at, name)
		c.models(at, []string{name})
		c.models(at+".never", p.Never)
		if p.Tier != "" {
			c.names(at+".tier", []string{p.Tier}, c.known.Tiers)
		}
		if p.Upstream != "" {
			c.names(at+".upstream", []string{p.Upstream}, c.known.Providers)
		}
	}
	c.aliases(path+"aliases", o.Aliases)
	c.oneOf(path+"workload", string(o.Workload), "", string(Interactive), string(Background), string(Eval))
	c.preset(path+"preset", o.Preset)
	c.duration(path+"timeout", o.Timeout)
}

// aliases must mean something, and not another alias: chains hide what is asked.
func (c *check) aliases(path string, aliases map[string]Alias) {
	for name, a := range aliases {
		at := path + "." + name
		c.lower(at, name)
		target := strings.ToLower(a.Model)
		switch {
		case a.Model == "":
			c.bad(at+".model", "is missing: say what the name means")
		case c.isID(name):
			c.bad(at, "is an exact model of the catalogue and can't be an alias")
		case !selector(target) && !c.known.Models[target]:
			c.bad(at+".model", "is %q, which is neither a selector such as assay/balanced or flagship:cost nor a model of the catalogue", a.Model)
		}
		c.preset(at+".preset", a.Preset)
		c.share(at+".share", a.Share)
		if a.Observe && a.Share != nil {
			c.bad(at, "has both observe and share: a share of 0 is what observe means")
		}
	}
}

// selector reports whether a name has the form of an alias of the product or of
// a tier with a direction; what it means is the router's to say.
func selector(name string) bool {
	if o, ok := strings.CutPrefix(name, "assay/"); ok {
		_, known := DefaultMargins[Objective(o)]
		return known
	}
	_, direction, ok := strings.Cut(name, ":")
	return ok && slices.Contains([]string{"cost", "speed", "quality", "balanced"}, direction)
}

func (c *check) assess(a Assess) {
	for _, d := range a.Off {
		c.oneOf("assess.off", d, append([]string{""}, Defects...)...)
	}
	c.share("assess.judge_share", &a.JudgeShare)
	if m := strings.ToLower(a.JudgeModel); m != "" && !selector(m) && !c.known.Models[m] {
		c.bad("assess.judge_model", "is %q, which is neither a selector nor a model of the catalogue", a.JudgeModel)
	}
}

func (c *check) share(path string, s *float64) {
	if s != nil && !(*s >= 0 && *s <= 1) {
		c.bad(path, "is %v; want a share from 0 to 1, such as 0.05", *s)
	}
}

func (c *check) preset(path, name string) {
	if _, ok := c.file.Presets[name]; name != "" && !ok {
		c.bad(path, "names the preset %q, which is not among presets", name)
	}
}

func (c *check) rules(path string, r Rules) {
	for _, l := range []struct {
		key   string
		names []string
		known map[string]bool
	}{
		{"regions", r.Regions, c.known.Regions}, {"providers.allow", r.Providers.Allow, c.known.Providers}, {"providers.deny", r.Providers.Deny, c.known.Providers},
		{"models.allow", r.Models.Allow, c.known.IDs}, {"models.deny", r.Models.Deny, c.known.IDs},
	} {
		if l.names != nil && len(l.names) == 0 {
			c.bad(path+l.key, "is an empty list, which would allow nothing: leave it out, or write [\"*\"] for everything")
		}
		names := l.names
		if !strings.HasSuffix(l.key, ".deny") {
			names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "*" })
		}
		c.names(path+l.key, names, l.known)
	}
	if !(r.MinSuccess >= 0 && r.MinSuccess <= 1) {
		c.bad(path+"min_success", "is %v; want 0 to 1", r.MinSuccess)
	}
	if !(r.MinCapability >= 0 && r.MinCapability <= 100) {
		c.bad(path+"min_capability", "is %v; want 0 to 100", r.MinCapability)
	}
	c.oneOf(path+"training", string(r.Training), "", string(AcceptTraining), string(AcceptUnknown), string(RefuseTraining))
	if r.MaxRetentionDays != nil && *r.MaxRetentionDays < 0 {
		c.bad(path+"max_retention_days", "is %d; it must not be negative", *r.MaxRetentionDays)
	}
}

func (c *check) oneOf(path, got string, want ...string) {
	if !slices.Contains(want, got) {
		c.bad(path, "is %q; want %s", got, strings.Join(want[1:], ", "))
	}
}

// lower asks for lower case, since names of requests are compared in it.
func (c *check) lower(path, name string) {
	if name != strings.ToLower(name) || strings.TrimSpace(name) == "" {
		c.bad(path, "must be written in lower case")
	}
}

// isID reports whether a name is an exact model, in any case.
func (c *check) isID(name string) bool {
	for id := range c.known.IDs {
		if strings.EqualFold(id, name) {
			return true
		}
	}
	return false
}

// models checks what may be an ID, a name or a family, in any case.
func (c *check) models(path string, got []string) {
	lower := make([]string, len(got))
	for i, name := range got {
		lower[i] = strings.ToLower(name)
	}
	c.names(path, lower, c.known.Models)
}

func (c *check) names(path string, got []string, known map[string]bool) {
	for _, name := range got {
		if !known[name] {
			c.bad(path, "%q is unknown%s", name, strings.Replace(hint(known), "; see GET /v1/models", ": it is not in the catalogue", 1))
		}
	}
}
