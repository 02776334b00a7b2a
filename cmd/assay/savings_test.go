package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestSavings(t *testing.T) {
	const at = "--at=2026-11-25"
	code, out, errs := runCommand(t, nil, "", "savings", at)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"costs 1.56 times as much ($2160 more)", "Always flagship: openai/gpt-5.5", "60.53 to 100 % hard", "operator's margin: $6000 - $", "Assay, pass-through\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	code, out, errs = runCommand(t, nil, "", "savings", at, "--json", "--hard-share", "1", "--flat-bills-thinking")
	if code != exitOK || gjson.Get(out, "baselines.0.total.usd").Str != "16000" || gjson.Get(out, "plans.0.comparisons.0.with").Str != "former_mix" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}

	// The same import from a file and from standard input.
	const csv = "model,requests,input_tokens,output_tokens,named\ngpt-4o,10,1000000,1000000,true\n"
	file := filepath.Join(t.TempDir(), "usage.csv")
	if err := os.WriteFile(file, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	_, fromFile, _ := runCommand(t, nil, "", "savings", at, "--import", file, "--json")
	code, fromStdin, errs := runCommand(t, nil, csv, "savings", at, "--import", "-", "--json")
	if code != exitOK || fromFile != fromStdin || gjson.Get(fromStdin, "baselines.0.total.usd").Str != "12.5" || gjson.Get(fromStdin, "plans.0.bill.total.usd").Str != "12.5" {
		t.Errorf("exit %d: %s%s", code, fromStdin, errs)
	}

	for rule, c := range map[string]struct {
		args []string
		says string
	}{
		"share":        {[]string{"--hard-share", "1.5"}, "hard_share"},
		"no such file": {[]string{"--import", file + ".gone"}, "no such file"},
		"argument":     {[]string{"now"}, "unexpected argument"},
	} {
		if code, _, errs := runCommand(t, nil, "", append([]string{"savings"}, c.args...)...); code != exitUsage || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit %d, %s", rule, code, errs)
		}
	}
}
