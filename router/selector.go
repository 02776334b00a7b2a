package router

import (
	"fmt"
	"net/http"
	"regexp"
	"sort"
	"strings"

	"assay/models"
	"assay/models/openai"
	"assay/scoring"
)

// Target is what the "model" field of a request turned out to mean: an alias
// (Objective without Tier), a tier with a direction, or named models.
type Target struct {
	Requested string
	Objective Objective
	Tier      scoring.Tier
	// Named lists the rows that a named model may mean, in order of preference.
	// All serve the same weights.
	Named []string
	// Rule says in words which rule of name resolution applied.
	Rule string
}

// aliases of the assay/ namespace.
var aliases = map[string]Objective{
	"assay/balanced": Balanced, "assay/cost": Cost, "assay/quality": Quality, "assay/fast": Fast, "assay/free": Free,
}

// directions of TIER:direction.
var directions = map[string]Objective{"cost": Cost, "speed": Speed, "quality": Quality, "balanced": Balanced}

// Aliases lists the alias and tier selectors, for GET /v1/models and messages.
func Aliases() []string {
	var out []string
	for a := range aliases {
		out = append(out, a)
	}
	for _, t := range scoring.AllTiers {
		for d := range directions {
			out = append(out, string(t)+":"+d)
		}
	}
	sort.Strings(out)
	return out
}

// dated matches the date at the end of a versioned name: 2025-04-14, 20250929,
// 08-2024, or the four digits of month and day or of year and month.
var dated = regexp.MustCompile(`-(20\d\d-\d\d-\d\d|20\d{6}|\d\d-20\d\d|\d{4})$`)

// names indexes the rows of a table for Resolve.
type names struct {
	byID     map[string]string   // lower-case ID -> ID
	byName   map[string][]string // lower-case name, whole or after its last "/" -> IDs
	undated  map[string][]string // lower-case name without its date -> IDs, newest first
	byFamily map[string][]string // lower-case family -> IDs
	kinds    map[string]models.Kind
}

func indexNames(rows []models.Model, makerFirst func(ids []string)) *names {
	n := &names{byID: map[string]string{}, byName: map[string][]string{}, undated: map[string][]string{}, byFamily: map[string][]string{}, kinds: map[string]models.Kind{}}
	dates := map[string]string{}
	for _, m := range rows {
		n.byID[strings.ToLower(m.ID)] = m.ID
		n.kinds[m.ID] = m.Kind
		if m.Kind != models.Chat {
			continue
		}
		name := strings.ToLower(m.Name)
		last := name[strings.LastIndexByte(name, '/')+1:]
		n.byName[name] = append(n.byName[name], m.ID)
		if last != name {
			n.byName[last] = append(n.byName[last], m.ID)
		}
		if date := dated.FindString(last); date != "" {
			stem := strings.TrimSuffix(last, date)
			n.undated[stem] = append(n.undated[stem], m.ID)
			dates[m.ID] = sortableDate(date)
		}
		n.byFamily[strings.ToLower(m.Family)] = append(n.byFamily[strings.ToLower(m.Family)], m.ID)
	}
	for _, ids := range n.byName {
		makerFirst(ids)
	}
	for _, ids := range n.byFamily {
		makerFirst(ids)
	}
	for stem, ids := range n.undated {
		makerFirst(ids)
		sort.SliceStable(ids, func(i, j int) bool { return dates[ids[i]] > dates[ids[j]] })
		newest := dates[ids[0]]
		keep := ids[:0]
		for _, id := range ids { // every host of the newest version, none of an older one
			if dates[id] == newest {
				keep = append(keep, id)
			}
		}
		n.undated[stem] = keep
	}
	return n
}

// sortableDate turns a matched date into digits that sort by time.
func sortableDate(s string) string {
	s = strings.TrimPrefix(s, "-")
	if len(s) == 7 && s[2] == '-' { // 08-2024
		s = s[3:] + s[:2]
	}
	return strings.ReplaceAll(s, "-", "")
}

// Resolve says what a requested model name means. The error is an
// *openai.Error that a client can act on: 404 for an unknown name and 400 for
// a family shortcut, both with the nearest names.
func (t *Table) Resolve(requested string) (Target, error) {
	target := Target{Requested: requested}
	lower := strings.ToLower(strings.TrimSpace(requested))
	if obj, ok := aliases[lower]; ok {
		target.Objective, target.Rule = obj, "alias"
		return target, nil
	}
	if tier, dir, ok := strings.Cut(lower, ":"); ok && isTier(tier) {
		obj, ok := directions[dir]
		if !ok {
			return Target{}, openai.BadRequest("unknown_direction", "model", "model %q: %q is no direction; write %s:cost, %s:speed, %s:quality or %s:balanced", requested, dir, tier, tier, tier, tier)
		}
		target.Tier, target.Objective, target.Rule = scoring.Tier(tier), obj, "tier and direction"
		return target, nil
	}
	if isTier(lower) {
		return Target{}, openai.BadRequest("missing_direction", "model", "model %q names a tier; say what matters with it: %s:cost, %s:speed or %s:quality", requested, lower, lower, lower)
	}
	return t.resolveName(target, lower)
}

func isTier(s string) bool {
	for _, t := range scoring.AllTiers {
		if s == string(t) {
			return true
		}
	}
	return false
}

func (t *Table) resolveName(target Target, lower string) (Target, error) {
	n := t.names
	if id, ok := n.byID[lower]; ok {
		if kind := n.kinds[id]; kind != models.Chat {
			return Target{}, openai.BadRequest("not_a_chat_model", "model", "model %q is an %s model; it does not serve chat completions", id, kind)
		}
		target.Named, target.Rule = []string{id}, "exact name"
		return target, nil
	}
	stem := strings.TrimSuffix(lower, "-latest")
	for _, try := range []struct {
		ids  []string
		rule string
	}{
		{n.byName[lower], "vendor name"},
		{n.undated[stem], "newest dated version"},
		{n.byFamily[stem], "family served by several hosts"},
	} {
		if len(try.ids) > 0 {
			target.Named, target.Rule = try.ids, try.rule
			return target, nil
		}
	}
	if versions := n.startingWith(stem); len(versions) > 1 {
		near := t.catalog.Nearest(target.Requested, len(n.byID))
		return Target{}, openai.BadRequest("family_shortcut", "model", "model %q is a family shortcut; name an exact version, for example %s", target.Requested, quoted(pick(near, versions, 3)))
	}
	return Target{}, &openai.Error{Status: http.StatusNotFound, Type: "invalid_request_error", Code: "model_not_found", Param: "model",
		Message: fmt.Sprintf("model %q is not in the catalogue; nearest names: %s. GET /v1/models lists all", target.Requested, quoted(t.catalog.Nearest(target.Requested, 3)))}
}

// startingWith gives the IDs whose name continues the given word after a
// separator or with a version number: "gpt" finds gpt-4o, "llama" llama3-8b.
func (n *names) startingWith(word string) map[string]bool {
	out := map[string]bool{}
	if word == "" {
		return out
	}
	add := func(name string, ids []string) {
		rest, ok := strings.CutPrefix(name, word)
		if ok && rest != "" && strings.ContainsRune("-.:0123456789", rune(rest[0])) {
			for _, id := range ids {
				out[id] = true
			}
		}
	}
	for name, ids := range n.byName {
		add(name, ids)
	}
	for family, ids := range n.byFamily {
		add(family, ids)
	}
	return out
}

// pick gives the first n of ordered that are in set.
func pick(ordered []string, set map[string]bool, n int) []string {
	var out []string
	for _, id := range ordered {
		if set[id] && len(out) < n {
			out = append(out, id)
		}
	}
	return out
}

func quoted(ids []string) string {
	q := make([]string, len(ids))
	for i, id := range ids {
		q[i] = fmt.Sprintf("%q", id)
	}
	return strings.Join(q, ", ")
}
