package models

import (
	"errors"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// FuzzParse gives any bytes as each of the files: the parser never panics,
// refuses with Problems that are readable text, and what it accepts has
// prices from zero and a version of its own.
func FuzzParse(f *testing.F) {
	for i, name := range fileNames {
		f.Add(uint8(i), []byte(small()[name]))
		f.Add(uint8(i), []byte("id,remove\nacme/one,true\n"))
	}
	f.Add(uint8(0), []byte("\ufeffid,kind\r\n\"acme/one\",\"chat\"\r\n"))
	f.Add(uint8(1), []byte("id,unit\n\"\n,,,\n"))
	f.Add(uint8(3), []byte("family,benchmark,score\nx,y,1e309\n"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		files := fsOf(small())
		files[fileNames[int(which)%len(fileNames)]] = &fstest.MapFile{Data: data}
		c, err := Parse(files)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 || !utf8.ValidString(err.Error()) {
				t.Fatalf("error without readable problems: %q", err)
			}
			return
		}
		if len(c.Version()) != digestLength {
			t.Fatalf("version %q", c.Version())
		}
		for _, m := range c.Models() {
			if cost, ok := m.Cost(Usage{Input: 10, Output: 10}, "", day("2026-11-24")); ok && cost < 0 {
				t.Fatalf("%s costs %d", m.ID, cost)
			}
		}
	})
}

// FuzzParseUSD: what is read is from zero and written back as the same amount.
func FuzzParseUSD(f *testing.F) {
	for _, s := range []string{"0", "0.09", "722057.143", "1e3", "-1", "9223372036.854775807", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseUSD(s)
		if err != nil {
			return
		}
		if back, err := ParseUSD(FormatUSD(n)); n < 0 || back != n || err != nil {
			t.Fatalf("%q is %d, written %q, read %d, %v", s, n, FormatUSD(n), back, err)
		}
	})
}
