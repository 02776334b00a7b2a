package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inFile writes a file and gives its path.
func inFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyCommand(t *testing.T) {
	good := inFile(t, "good.yaml", "version: 1\nid: r1\norgs: {acme: {swaps: \"on\"}}\n")
	bad := inFile(t, "bad.yaml", "version: 1\nregions: [mars]\norgs: {acme: {swaps: maybe}}\n")
	keys := inFile(t, "assay.yaml", "keys: [{label: a, sha256: "+strings.Repeat("ab", 32)+", org: beta}]\n")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"policy", good}, 0, "id r1, 1 orgs"},
		{[]string{"policy", bad}, 2, `orgs.acme.swaps is "maybe"`},
		{[]string{"policy", bad}, 2, `regions "mars" is unknown`},
		{[]string{"policy", "--config", keys, good}, 2, "orgs.beta is missing"},
		{[]string{"policy", "--keys"}, 0, "`X-Gateway-Regions`"},
		{[]string{"policy"}, 2, "--schema"},
		{[]string{"policy", "nowhere.yaml"}, 2, "nowhere.yaml"},
		{[]string{"serve", "--config", keys}, 2, "belong to orgs (beta)"},
	} {
		if code, out, errs := runCommand(t, nil, "", c.args...); code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("%v: exit %d, says %s%s; want exit %d and %q", c.args, code, out, errs, c.code, c.says)
		}
	}
	code, out, _ := runCommand(t, nil, "", "policy", "--schema")
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal([]byte(out), &schema); code != 0 || err != nil || schema.Properties["orgs"] == nil {
		t.Errorf("the schema: exit %d, %v", code, err)
	}
}

// TestRouteSaysWhichRuleDecided goes through the files as an operator would.
func TestRouteSaysWhichRuleDecided(t *testing.T) {
	path := inFile(t, "p.yaml", `version: 1
id: r9
aliases: {gpt-4: {model: "assay/balanced", preset: eu}}
presets: {eu: {regions: [eu]}}
orgs: {acme: {swaps: "on"}}
`)
	lines := `{"id":1,"org":"acme","request":{"model":"gpt-4o","messages":[{"role":"user","content":"what is the capital of France?"}]}}
{"id":2,"request":{"model":"gpt-4","messages":[{"role":"user","content":"hi"}]},"headers":{"x-gateway-max-cost":"0.001"}}
{"id":3,"request":{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]},"headers":{"x-gateway-region":"eu"}}
{"id":4,"org":"acme","request":{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]},"headers":{"x-gateway-regions":"eu"}}
`
	code, out, errs := runCommand(t, nil, lines, "route", "--policy", path)
	got := strings.Split(strings.TrimSpace(out), "\n")
	if code != 2 || len(got) != 4 { // one line is no request
		t.Fatalf("exit %d, %d lines: %s", code, len(got), errs)
	}
	for i, says := range [][]string{
		{`"routed_from":"openai/gpt-4o"`, "swapped by org acme (swaps: on)", `"policy":"r9"`},
		{"alias gpt-4 of policy means assay/balanced", "preset eu restricts regions", "request restricts max_cost", "not allowed by preset eu (regions)"},
		{"X-Gateway-Region is not known", "X-Gateway-Regions"},
		{"not allowed by request (regions)", `"error":`},
	} {
		for _, s := range says {
			if !strings.Contains(got[i], s) {
				t.Errorf("line %d lacks %q: %.600s", i+1, s, got[i])
			}
		}
	}
}
