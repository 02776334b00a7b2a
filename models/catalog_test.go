package models

import "testing"

// TestEmbeddedIsWhole pins the sizes of the embedded catalogue: every row of
// the sources is there and none is there twice.
func TestEmbeddedIsWhole(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	chat, media := 0, 0
	for _, m := range c.Models() {
		if m.Kind == Chat {
			chat++
		} else {
			media++
		}
	}
	got := map[string]int{
		"chat rows": chat, "media rows": media, "scores": len(c.Scores()),
		"providers": len(c.Providers()), "placements": len(c.Placements()),
	}
	want := map[string]int{"chat rows": 284, "media rows": 239, "scores": 4992, "providers": 23, "placements": 37}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%s: %d, want %d", what, got[what], n)
		}
	}
}
