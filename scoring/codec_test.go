package scoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// small is a table with one of everything.
func small() Tiers {
	return Tiers{
		Schema: Schema, ID: "t1", CreatedAt: now, Evidence: Published, ScaleID: "s", RunIDs: []string{},
		Bands: map[Tier]Band{Flagship: {MinCapability: 70, MaxCapability: 100, Anchors: map[string]float64{"MMLU": 87.2}}},
		Families: map[string]Family{"f": {
			Tier: Flagship, Placement: ByHand, Capability: 80, Lo: 70.5, Hi: 90, Overseas: 85, Chinese: 72.5, ObservedShare: 0.000001,
			Abilities: map[string]Ability{General: {Theta: -0.00002, SD: 1e-7}}, HandTier: Flagship, ComputedTier: CheapFast,
			PTier: map[Tier]float64{Flagship: 1}, Hold: &Hold{Tier: Flagship, Until: now.Add(time.Hour), Reason: "中文 \"quoted\" <&>\u2028\t\x01"},
			Hosts: map[string]Host{"p/m": {Offset: -0.5, SD: 0.1, Tier: CheapFast}, "p/n": {Untiered: true}}, Reasons: []string{"because"},
		}},
	}
}

var cmpTiers = cmp.AllowUnexported(Tiers{}, Family{}, Host{})

func TestDecodeGivesBackWhatEncodeWrote(t *testing.T) {
	full, _ := published(t)
	for name, want := range map[string]Tiers{"small": small(), "published": full} {
		raw, err := Encode(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want.SHA256 = got.SHA256
		if diff := cmp.Diff(want, got, cmpTiers); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		again, err := Encode(got)
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("%s: a read and a write change the file (error %v)", name, err)
		}
	}
}

// resign edits the JSON object of a table and sets its digest anew.
func resign(t testing.TB, raw []byte, edit func(map[string]any)) []byte {
	t.Helper()
	tree, err := parseObject(raw)
	if err != nil {
		t.Fatal(err)
	}
	edit(tree)
	tree["sha256"] = ""
	sum, err := digest(tree)
	if err != nil {
		t.Fatal(err)
	}
	tree["sha256"] = sum
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func path(tree map[string]any, keys ...string) map[string]any {
	for _, k := range keys {
		tree = tree[k].(map[string]any)
	}
	return tree
}

func TestUnknownFieldsSurvive(t *testing.T) {
	raw, err := Encode(small())
	if err != nil {
		t.Fatal(err)
	}
	odd := map[string]any{"deep": []any{json.Number("1.50"), json.Number("1E5"), json.Number("123456789012345678901234567890"), nil, true}}
	raw = resign(t, raw, func(tree map[string]any) {
		tree["x_top"] = odd
		path(tree, "families", "f")["x_family"] = odd
		path(tree, "families", "f", "hosts", "p/m")["x_host"] = odd
	})
	got, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := parseObject(out)
	for name, v := range map[string]any{
		"top": tree["x_top"], "family": path(tree, "families", "f")["x_family"], "host": path(tree, "families", "f", "hosts", "p/m")["x_host"],
	} {
		if diff := cmp.Diff(any(odd), v); diff != "" {
			t.Errorf("unknown field of the %s:\n%s", name, diff)
		}
	}
}

func TestUnknownFieldsSurviveARetier(t *testing.T) {
	base, in := published(t)
	f := base.Families["gpt-4o"]
	f.extra = map[string]any{"note": "keep me"}
	base.Families["gpt-4o"] = f
	base.extra = map[string]any{"owner": "us"}
	out, _ := retier(t, base, measure("openai/gpt-4o", 50, 0.2, 0.2), in)
	if out.extra["owner"] != "us" || out.Families["gpt-4o"].extra["note"] != "keep me" {
		t.Error("unknown fields were lost")
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	good, err := Encode(small())
	if err != nil {
		t.Fatal(err)
	}
	for says, edit := range map[string]func(map[string]any){
		`schema 2: this program reads schema 1`:        func(o map[string]any) { o["schema"] = json.Number("2") },
		`evidence is "gossip"`:                         func(o map[string]any) { o["evidence"] = "gossip" },
		`id is missing`:                                func(o map[string]any) { o["id"] = "" },
		`families is empty`:                            func(o map[string]any) { o["families"] = map[string]any{} },
		`band "best": its name is "best"`:              func(o map[string]any) { path(o, "bands")["best"] = map[string]any{} },
		`band "flagship": max_capability is 10`:        func(o map[string]any) { path(o, "bands", "flagship")["max_capability"] = json.Number("10") },
		`family "f": tier is "gold"`:                   func(o map[string]any) { path(o, "families", "f")["tier"] = "gold" },
		`family "f": placement is "magic"`:             func(o map[string]any) { path(o, "families", "f")["placement"] = "magic" },
		`family "f": capability is 101`:                func(o map[string]any) { path(o, "families", "f")["capability"] = json.Number("101") },
		`family "f": lo is 85`:                         func(o map[string]any) { path(o, "families", "f")["lo"] = json.Number("85") },
		`family "f": abilities has no "general"`:       func(o map[string]any) { path(o, "families", "f")["abilities"] = map[string]any{} },
		`family "f": ability general sd is -1`:         func(o map[string]any) { path(o, "families", "f", "abilities", "general")["sd"] = json.Number("-1") },
		`family "f": p_tier flagship is 2`:             func(o map[string]any) { path(o, "families", "f", "p_tier")["flagship"] = json.Number("2") },
		`family "f": hold.tier is "x"`:                 func(o map[string]any) { path(o, "families", "f", "hold")["tier"] = "x" },
		`family "f": host "p/m": tier is "x"`:          func(o map[string]any) { path(o, "families", "f", "hosts", "p/m")["tier"] = "x" },
		`host "nameless": want provider/model`:         func(o map[string]any) { path(o, "families", "f", "hosts")["nameless"] = map[string]any{} },
		`cannot unmarshal string into Go struct field`: func(o map[string]any) { path(o, "families", "f")["lo"] = "low" },
	} {
		if _, err := Decode(resign(t, good, edit)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
	for says, raw := range map[string][]byte{
		"not a JSON object":     []byte("[1]"),
		"got null":              []byte("null"),
		"EOF":                   good[:0],
		"text after":            append(bytes.Clone(good), "{}"...),
		"not valid UTF-8":       append(bytes.Clone(good), 0xff),
		"sha256 does not match": bytes.Replace(good, []byte("because"), []byte("perhaps"), 1),
		"invalid character 'N'": bytes.Replace(good, []byte("70.5"), []byte("NaN"), 1),
	} {
		if _, err := Decode(raw); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one that says %q", err, says)
		}
	}
	if _, err := Decode(bytes.Replace(good, []byte("because"), []byte("perhaps"), 1)); !errors.Is(err, ErrDigest) {
		t.Errorf("error %v, want ErrDigest", err)
	}
}

// Expected lines are what CPython's json.dumps with sort_keys, compact
// separators and ensure_ascii=False writes.
func TestCanonicalFormIsPythons(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":[1.0,2.50,1e5,0.00001,1e-7,1E16,12345678901234567890,-0.0,-0]}`: `{"a":[1.0,2.5,100000.0,1e-05,1e-07,1e+16,12345678901234567890,-0.0,0],"b":1}`,
		`{"é":"中\u2028\u0001\b\n\"\\\/<"}`:                                          "{\"é\":\"中\u2028\\u0001\\b\\n\\\"\\\\/<\"}",
		`{"x":0.0001,"y":9999999999999998.0,"z":0.1}`:                               `{"x":0.0001,"y":9999999999999998.0,"z":0.1}`,
	} {
		tree, err := parseObject([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := canonical(&b, tree); err != nil || b.String() != want {
			t.Errorf("canonical form %s (error %v), want %s", b.String(), err, want)
		}
	}
}

const pythonCheck = `
import hashlib, json, sys
o = json.load(open(sys.argv[1], encoding="utf-8"))
want, o["sha256"] = o["sha256"], ""
s = json.dumps(o, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
sys.exit(hashlib.sha256(s.encode()).hexdigest() != want)
`

func TestAnOutsiderCanCheckTheDigest(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to play the outsider")
	}
	full, _ := published(t)
	odd := small()
	odd.extra = map[string]any{"n": []any{json.Number("1E5"), json.Number("0.00001"), json.Number("1e22"), json.Number("3.0")}}
	for name, table := range map[string]Tiers{"small": small(), "published": full, "odd": odd} {
		file := filepath.Join(t.TempDir(), "tiers.json")
		if err := WriteFile(file, table); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(python, "-c", pythonCheck, file).CombinedOutput(); err != nil {
			t.Errorf("%s: Python computes another digest: %v %s", name, err, out)
		}
	}
}

func TestWriteFileReplacesWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tiers.json")
	if err := WriteFile(file, small()); err != nil {
		t.Fatal(err)
	}
	bad := small()
	bad.Evidence = "gossip"
	if err := WriteFile(file, bad); err == nil {
		t.Error("an invalid table was written")
	}
	got, err := ReadFile(file)
	if err != nil || got.ID != "t1" {
		t.Errorf("after a failed write the file has id %q, error %v", got.ID, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left in the folder, want 1", len(entries))
	}
	if _, err := ReadFile(filepath.Join(dir, "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: error %v", err)
	}
}

func TestHostsAndHoldsInTierOf(t *testing.T) {
	table := small()
	for _, c := range []struct {
		rule, host string
		after      time.Duration
		want       Tier
	}{
		{"the family's hold outranks the host's tier", "p/m", 0, Flagship},
		{"an ended hold counts no more", "p/m", 2 * time.Hour, CheapFast},
		{"a host may be in no tier", "p/n", 2 * time.Hour, ""},
		{"an unknown host follows the family", "p/z", 2 * time.Hour, Flagship},
	} {
		if got := table.TierAt("f", c.host, now.Add(c.after)); got != c.want {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
	if a, ok := table.Ability("f", "p/m", "math"); !ok || a.Theta != -0.50002 {
		t.Errorf("ability with offset %v %v", a, ok)
	}
	if _, ok := table.Ability("nobody", "p/m", General); ok {
		t.Error("an unknown family has an ability")
	}
}

func FuzzDecode(f *testing.F) {
	good, err := Encode(small())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1}`))
	f.Add(resign(f, good, func(tree map[string]any) { tree["run_ids"] = nil }))
	f.Add(resign(f, good, func(tree map[string]any) {
		family := path(tree, "families", "f")
		family["hosts"], family["p_tier"], family["reasons"] = map[string]any{}, map[string]any{}, []any{}
	}))
	f.Add([]byte(`{"schema":1,"families":{"a":null,"a":{"hosts":{"x":null}}},"sha256":"","Sha256":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// Sign what can be signed, or the digest would stop almost everything.
		if tree, err := parseObject(raw); err == nil {
			tree["sha256"] = ""
			if sum, err := digest(tree); err == nil {
				tree["sha256"] = sum
				raw, _ = json.Marshal(tree)
			}
		}
		table, err := Decode(raw)
		if err != nil {
			return
		}
		out, err := Encode(table)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		table.SHA256 = again.SHA256
		// A list or map that is null, absent or empty says the same.
		if diff := cmp.Diff(table, again, cmpTiers, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a write and a read change the table:\n%s", diff)
		}
		if twice, err := Encode(again); err != nil || !bytes.Equal(out, twice) {
			t.Fatalf("a second write differs from the first (error %v):\n%s\n%s", err, out, twice)
		}
	})
}
