package assess

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// prose gives n bytes of an ordinary answer without repetition.
func prose(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "Point %d: the %s of item %x is seen by %d people, and %s. %s\n", i, []string{"front", "price", "age", "size", "name"}[i%5], i*7919, i*i, []string{"none of them minds", "it was new to most", "that is how it should be"}[i%3], strings.Repeat(fmt.Sprintf("w%d ", i*31), 3))
	}
	return b.String()[:n]
}

func proseZH(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		for j := range 40 {
			b.WriteRune(rune(0x4e00 + (i*7919+j*104729)%5000))
		}
		b.WriteString("，因此如此。\n")
	}
	return strings.ToValidUTF8(b.String()[:n], "")
}

// BenchmarkAssess assesses answers as they come on the path of a request.
func BenchmarkAssess(b *testing.B) {
	items := strings.Repeat(`{"name":"somebody","age":33,"boss":{"name":"else"}},`, 40)
	list := Input{Schema: json.RawMessage(`{"type":"array","items":` + strings.ReplaceAll(person, "#/$defs", "#/items/$defs") + `}`)}
	for _, c := range []struct {
		name string
		in   Input
		text string
	}{
		{"refusal", Input{Prompt: enPrompt}, "I'm sorry, but I can't assist with that."},
		{"2kB", Input{Prompt: enPrompt}, prose(2 << 10)},
		{"2kB-zh", Input{Prompt: zhPrompt}, proseZH(2 << 10)},
		{"2kB-json-object", Input{JSONObject: true}, "[" + items[:len(items)-1] + "]"},
		{"2kB-schema", list, "[" + items[:len(items)-1] + "]"},
		{"50kB", Input{Prompt: enPrompt}, prose(50 << 10)},
		{"200kB", Input{Prompt: enPrompt}, prose(200 << 10)},
	} {
		b.Run(c.name, func(b *testing.B) {
			as := New(Checks{})
			a := Answer{Text: c.text, FinishReason: "stop"}
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if found := as.Assess(c.in, a); len(found) > 0 && c.name != "refusal" {
					b.Fatal(found)
				}
			}
		})
	}
}
