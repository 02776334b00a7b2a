package router

import (
	"errors"
	"strings"
	"testing"

	"assay/models/openai"
)

// An existing application's model names resolve without configuration.
func TestResolveVendorNames(t *testing.T) {
	table := realTable(t, Policy{})
	for asked, want := range map[string]string{
		"openai/gpt-4o":                "openai/gpt-4o",
		"OpenAI/GPT-4o":                "openai/gpt-4o",
		"gpt-4o":                       "openai/gpt-4o",
		"gpt-5":                        "openai/gpt-5", // the maker's own row before a reseller's
		"gpt-4.1":                      "openai/gpt-4.1-2025-04-14",
		"gpt-3.5-turbo":                "openai/gpt-3.5-turbo-0125",
		"o1":                           "openai/o1-2024-12-17",
		"claude-sonnet-4-5":            "anthropic/claude-sonnet-4-5-20250929",
		"claude-3-5-sonnet-latest":     "anthropic/claude-3-5-sonnet-20241022",
		"claude-sonnet-4.5":            "anthropic/claude-sonnet-4-5-20250929", // the family's name
		"mistral-large":                "mistral/mistral-large-2512",           // newest of three
		"mistral-large-latest":         "mistral/mistral-large-2512",
		"command-r-plus":               "cohere/command-r-plus-08-2024",
		"gemini-2.5-pro":               "google/gemini-2.5-pro",
		"deepseek-chat":                "deepseek/deepseek-chat",
		"Llama-3.3-70B-Instruct-Turbo": "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
		"moonshot-v1-128k":             "kimi/moonshot-v1-128k",
	} {
		target, err := table.Resolve(asked)
		if err != nil {
			t.Errorf("%q: %v", asked, err)
			continue
		}
		if len(target.Named) == 0 || target.Named[0] != want {
			t.Errorf("%q means %v (%s); want %s first", asked, target.Named, target.Rule, want)
		}
	}
}

// A family with several hosts and no row of its maker goes to the cheapest.
func TestResolveFamilyGoesToTheCheapestHost(t *testing.T) {
	table := realTable(t, Policy{})
	target, err := table.Resolve("gpt-oss-120b")
	if err != nil {
		t.Fatal(err)
	}
	if len(target.Named) < 3 {
		t.Fatalf("hosts: %v", target.Named)
	}
	price := func(id string) int64 {
		m, _, _, _ := table.Model(id)
		in, out, ok := m.BasePrice(testNow)
		if !ok {
			return 1 << 62
		}
		return 3*in + out
	}
	for i := 1; i < len(target.Named); i++ {
		if price(target.Named[i-1]) > price(target.Named[i]) {
			t.Errorf("%s before %s although it costs more", target.Named[i-1], target.Named[i])
		}
	}
}

func TestResolveSelectors(t *testing.T) {
	table := realTable(t, Policy{})
	for asked, want := range map[string]Target{
		"assay/balanced":    {Objective: Balanced},
		"assay/cost":        {Objective: Cost},
		"Assay/Quality":     {Objective: Quality},
		"assay/fast":        {Objective: Fast},
		"flagship:cost":     {Objective: Cost, Tier: "flagship"},
		"cheap-fast:speed":  {Objective: Speed, Tier: "cheap-fast"},
		"reasoning:quality": {Objective: Quality, Tier: "reasoning"},
	} {
		got, err := table.Resolve(asked)
		if err != nil || got.Objective != want.Objective || got.Tier != want.Tier || got.Named != nil {
			t.Errorf("%q: %+v, %v", asked, got, err)
		}
	}
}

func TestResolveRefusesWithHelp(t *testing.T) {
	table := realTable(t, Policy{})
	for asked, want := range map[string]struct {
		status int
		code   string
		helps  string
	}{
		"gpt":             {400, "family_shortcut", "openai/gpt-"},
		"claude":          {400, "family_shortcut", "anthropic/claude-"},
		"gemini":          {400, "family_shortcut", "google/gemini-"},
		"llama":           {400, "family_shortcut", "lama"},
		"claude-sonnet":   {400, "family_shortcut", "claude-sonnet-"},
		"gpt-4oo":         {404, "model_not_found", "openai/gpt-4o"},
		"openai/gpt-99":   {404, "model_not_found", "openai/gpt-"},
		"no such model":   {404, "model_not_found", "/"},
		"flagship":        {400, "missing_direction", "flagship:cost"},
		"flagship:best":   {400, "unknown_direction", "flagship:quality"},
		"assay/excellent": {404, "model_not_found", "/"},
		"":                {404, "model_not_found", "/"},
	} {
		_, err := table.Resolve(asked)
		var e *openai.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v; want an *openai.Error", asked, err)
			continue
		}
		if e.Status != want.status || e.Code != want.code || !strings.Contains(e.Message, want.helps) {
			t.Errorf("%q: %d %s %q; want %d %s with %q", asked, e.Status, e.Code, e.Message, want.status, want.code, want.helps)
		}
		if n := strings.Count(e.Message, `", "`); (e.Code == "model_not_found" || e.Code == "family_shortcut") && n != 2 {
			t.Errorf("%q: want the three nearest names: %s", asked, e.Message)
		}
	}
}
