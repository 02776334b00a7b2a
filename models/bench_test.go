package models

import "testing"

// BenchmarkLoad is what a hot reload costs.
func BenchmarkLoad(b *testing.B) {
	dir := writeDir(b, context4o(111))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LoadDir(dir); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCost is what pricing one candidate costs.
func BenchmarkCost(b *testing.B) {
	c, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	m, at := mustModel(b, c, "openai/gpt-5.6-luna"), day("2026-11-24")
	b.ReportAllocs()
	for b.Loop() {
		m.Cost(Usage{Input: 5000, CacheRead: 1000, Output: 700}, ClassStandard, at)
	}
}
