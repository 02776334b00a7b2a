package policy

// Key is one line of the schema table: a key of the policy, where it may
// stand, and the header by which a request says the same.
type Key struct {
	Name   string // path in a file; [name] stands for any name
	Type   string // list, string, number, usd, days, duration, switch, map
	In     string // "file", "org", ...: where it may stand
	Header string // "" if a request can't say it
	Values string // what it may be
	Doc    string

	oneOf []string // in files, for the schema
	read  func(*Request, string) error
}

// keys is the one table of all keys. A test holds it against the structs.
var keys = []Key{
	{Name: "version", Type: "number", In: "file", Values: "1", Doc: "version of the file format"},
	{Name: "id", Type: "string", In: "file", Values: "any name", Doc: "the operator's name for this revision; shown in decisions"},

	{Name: "regions", Type: "list", In: everywhere, Header: "X-Gateway-Regions", Values: "regions of the catalogue, or *", Doc: "where models may be served", read: func(r *Request, s string) (err error) { r.Regions, err = readList(s); return }},
	{Name: "providers.allow", Type: "list", In: everywhere, Header: "X-Gateway-Providers", Values: "providers, or *", Doc: "the only providers that may serve", read: func(r *Request, s string) (err error) { r.Providers.Allow, err = readList(s); return }},
	{Name: "providers.deny", Type: "list", In: everywhere, Header: "X-Gateway-Deny-Providers", Values: "providers", Doc: "providers that may not; wins over allow", read: func(r *Request, s string) (err error) { r.Providers.Deny, err = readList(s); return }},
	{Name: "models.allow", Type: "list", In: everywhere, Header: "X-Gateway-Models", Values: "model IDs, or *", Doc: "the only models that may serve", read: func(r *Request, s string) (err error) { r.Models.Allow, err = readList(s); return }},
	{Name: "models.deny", Type: "list", In: everywhere, Header: "X-Gateway-Deny-Models", Values: "model IDs", Doc: "models that may not; wins over allow", read: func(r *Request, s string) (err error) { r.Models.Deny, err = readList(s); return }},
	{Name: "max_input_price", Type: "usd", In: everywhere, Header: "X-Gateway-Max-Input-Price", Values: "dollars per million tokens", Doc: "ceiling of the list price of input; an unknown price does not pass", read: func(r *Request, s string) (err error) { r.MaxInputPrice, err = readUSD(s); return }},
	{Name: "max_output_price", Type: "usd", In: everywhere, Header: "X-Gateway-Max-Output-Price", Values: "dollars per million tokens", Doc: "ceiling of the list price of output", read: func(r *Request, s string) (err error) { r.MaxOutputPrice, err = readUSD(s); return }},
	{Name: "max_cost", Type: "usd", In: everywhere, Header: "X-Gateway-Max-Cost", Values: "dollars", Doc: "ceiling of what the answer is expected to cost", read: func(r *Request, s string) (err error) { r.MaxCost, err = readUSD(s); return }},
	{Name: "min_success", Type: "number", In: everywhere, Header: "X-Gateway-Min-Success", Values: "0 to 1", Doc: "least predicted success of what the router picks; a model asked for by name is not held to it", read: func(r *Request, s string) (err error) { r.MinSuccess, err = readNumber(s, 1); return }},
	{Name: "min_capability", Type: "number", In: everywhere, Header: "X-Gateway-Min-Capability", Values: "0 to 100", Doc: "least public capability score", read: func(r *Request, s string) (err error) { r.MinCapability, err = readNumber(s, 100); return }},
	{Name: "training", oneOf: []string{"accept", "unknown", "no"}, Type: "string", In: everywhere, Header: "X-Gateway-Training", Values: "accept, unknown or no", Doc: "accepted data terms: also keys whose provider trains on prompts (only the org itself can accept that), also those whose terms are unknown (default), only those that state that they don't",
		read: func(r *Request, s string) error {
			v, err := readOneOf(s, string(AcceptTraining), string(AcceptUnknown), string(RefuseTraining))
			r.Training = Training(v)
			return err
		}},
	{Name: "max_retention_days", Type: "days", In: everywhere, Header: "X-Gateway-Max-Retention-Days", Values: "whole days", Doc: "longest time that a provider may keep prompts; unknown does not pass", read: func(r *Request, s string) (err error) { r.MaxRetentionDays, err = readDays(s); return }},

	{Name: "margins.[objective]", Type: "map", In: "file", Values: "0 to 0.5 for cost, balanced, quality, fast, free", Doc: "predicted success given up for each halving of the expected cost"},
	{Name: "max_attempts", Type: "number", In: "file", Values: "1 to 10", Doc: "models tried for one request before its first byte"},
	{Name: "first_byte_timeout", Type: "duration", In: "file", Values: "duration", Doc: "wait for an upstream's first byte"},
	{Name: "idle_timeout", Type: "duration", In: "file", Values: "duration", Doc: "silence inside a stream after which it counts as broken"},
	{Name: "timeout", Type: "duration", In: "file, org, workload", Header: "X-Gateway-Timeout", Values: "duration", Doc: "deadline of the request; org and request may only shorten it", read: func(r *Request, s string) (err error) { r.Timeout, err = readDuration(s); return }},

	{Name: "swaps", oneOf: []string{"allowed", "off", "on", "observe", "never"}, Type: "switch", In: "file (allowed, never), org (off, on, observe, never)", Header: "X-Gateway-Swaps", Values: "on or off", Doc: "whether a model asked for by name may become a cheaper one of its tier; observe records what a swap would have picked; never wins over everything", read: func(r *Request, s string) (err error) { r.Swaps, err = readOneOf(s, On, Off); return }},
	{Name: "swap_share", Type: "number", In: "org", Values: "0 to 1", Doc: "share of the conversations that are swapped where swaps are on; the others are observed"},
	{Name: "never_swap", Type: "list", In: "file, org", Values: "models, by ID, name or family", Doc: "models that no swap moves away from"},
	{Name: "strict", Type: "switch", In: "org", Header: "X-Gateway-Strict", Values: "true", Doc: "exact versioned names only, besides selectors and aliases",
		read: func(r *Request, s string) error {
			_, err := readOneOf(s, "true")
			r.Strict = true
			return err
		}},
	{Name: "pins.[model].tier", Type: "string", In: "org", Values: "a tier", Doc: "the tier that the model counts as when it is swapped"},
	{Name: "pins.[model].never", Type: "list", In: "org", Values: "models, by ID, name or family", Doc: "models that it may not become"},
	{Name: "pins.[model].upstream", Type: "string", In: "org", Values: "a provider", Doc: "the one provider that may serve it to this org"},
	{Name: "upstreams.[model].all", Type: "string", In: "file", Values: "a provider", Doc: "the approved provider of a model (by ID, name or family); others may not serve it"},
	{Name: "upstreams.[model].interactive", Type: "string", In: "file", Values: "a provider", Doc: "the same for a class of work"},
	{Name: "upstreams.[model].background", Type: "string", In: "file", Values: "a provider", Doc: "the same"},
	{Name: "upstreams.[model].eval", Type: "string", In: "file", Values: "a provider", Doc: "the same"},
	{Name: "retries.[model].attempts", Type: "number", In: "file", Values: "1 to 5", Doc: "attempts at the same upstream for a model asked for by name (by ID, name, family, or * for all)"},
	{Name: "retries.[model].move", Type: "switch", In: "file", Values: "true or false", Doc: "whether other providers of the same weights are tried then; if not, it fails with its upstream's own error"},

	{Name: "assess.off", Type: "list", In: "file", Values: "empty, truncated, refused, malformed, repetitive, wrong_language, tool_arguments", Doc: "defects of answers that are not looked for"},
	{Name: "assess.escalate", Type: "switch", In: "file", Values: "true or false", Doc: "whether the likeliest model answers once more where an answer has a defect (default true; only where the router chose the model)"},
	{Name: "assess.judge_share", Type: "number", In: "file", Values: "0 to 1", Doc: "share of the answers that a model judges afterwards, for orgs that agree"},
	{Name: "assess.judge_model", Type: "string", In: "file", Values: "a selector or model", Doc: "who judges; assay/quality unless set"},
	{Name: "judge", Type: "switch", In: "org", Values: "true or false", Doc: "agrees that prompts and answers go to the judge, under the org's own rules"},
	{Name: "", Type: "switch", In: "request", Header: "X-Gateway-Hold", Values: "true", Doc: "hold a stream back until its answer is found good enough, so that it can be escalated",
		read: func(r *Request, s string) error {
			_, err := readOneOf(s, "true")
			r.Hold = true
			return err
		}},
	{Name: "aliases.[name].model", Type: "string", In: "file, org", Values: "a selector or model", Doc: "what a name that a client sends means; an exact catalogue ID can't be one"},
	{Name: "aliases.[name].preset", Type: "string", In: "file, org", Values: "a preset", Doc: "rules that go with it"},
	{Name: "aliases.[name].share", Type: "number", In: "file, org", Values: "0 to 1", Doc: "share of the conversations that the alias holds for; in the others the name means what it says, and what the alias would have picked is recorded"},
	{Name: "aliases.[name].observe", Type: "switch", In: "file, org", Values: "true or false", Doc: "record what the alias would have picked, at what price, and serve the name as it is"},
	{Name: "rollouts.[model].stage", oneOf: []string{"off", "eval", "shadow", "trial", "full"}, Type: "string", In: "file", Values: "off, eval, shadow, trial or full", Doc: "how far a new model (by ID, name or family) has come: off is the kill switch; eval serves evaluations alone; shadow also gets copies of requests, whose answers nobody sees; trial is picked in a share of the conversations"},
	{Name: "rollouts.[model].share", Type: "number", In: "file", Values: "0 to 1", Doc: "that share: 0.05 for a trial, 0.01 for a shadow, unless set"},
	{Name: "presets.[name]", Type: "map", In: "file", Header: "X-Gateway-Policy", Values: "rules", Doc: "a named set of rules; a request names one", read: func(r *Request, s string) error { r.Preset = s; return nil }},
	{Name: "preset", Type: "string", In: "org", Values: "a preset", Doc: "rules for every request of the org"},
	{Name: "workloads.[class]", Type: "map", In: "file", Values: "rules for interactive, background, eval", Doc: "what a class of work adds"},
	{Name: "workloads.[class].hedge", Type: "switch", In: "file", Values: "true or false", Doc: "false turns hedging off; it is only ever done for interactive work"},
	{Name: "workload", oneOf: []string{"interactive", "background", "eval"}, Type: "string", In: "org", Header: "X-Gateway-Workload", Values: "interactive, background or eval", Doc: "the class of a request",
		read: func(r *Request, s string) error {
			v, err := readOneOf(s, string(Interactive), string(Background), string(Eval))
			r.Workload = Workload(v)
			return err
		}},
	{Name: "table", Type: "string", In: "org", Header: "X-Gateway-Table", Values: "a table's id", Doc: "the tier table that decides, whatever is published later; a request's own goes before its org's, and may be what X-Model-Router-Table said", read: func(r *Request, s string) (err error) { r.Table, err = readTable(s); return }},
	{Name: "table_delay_days", Type: "days", In: "org", Values: "whole days", Doc: "how old a tier table must be before it decides for the org; while none is, the oldest known does"},
	{Name: "max_moved_share", Type: "number", In: "file", Values: "0 to 1", Doc: "share of the traffic that new tier tables may move to other models in a day (UTC); 0 holds them all back"},
	{Name: "orgs.[name]", Type: "map", In: "file", Values: "rules and the keys marked org", Doc: "what holds for the keys of an org; which keys, the configuration says (keys[].org)"},

	{Name: "", Type: "string", In: "request", Header: "X-Gateway-Routing", Values: "explicit", Doc: "the exact model that is named and nothing else: no alias, no swap, no other host",
		read: func(r *Request, s string) error {
			_, err := readOneOf(s, "explicit")
			r.Explicit = true
			return err
		}},
}

const everywhere = "file, org, preset, workload"

// byHeader finds the key of a header.
var byHeader = func() map[string]*Key {
	m := map[string]*Key{}
	for i := range keys {
		if keys[i].Header != "" {
			m[keys[i].Header] = &keys[i]
		}
	}
	return m
}()

// Keys gives the schema table.
func Keys() []Key { return keys }
