package allowance

import "testing"

// BenchmarkReserveSettle writes both records to the file.
func BenchmarkReserveSettle(b *testing.B) {
	book := open(b, b.TempDir(), Limits{RequestsPerMinute: 1 << 40, TokensPerDay: 1 << 60}, Options{})
	b.ReportAllocs()
	for b.Loop() {
		r, err := book.Reserve("k", 100)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Settle(90); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeft(b *testing.B) {
	book := open(b, b.TempDir(), Limits{RequestsPerMinute: 1000, RequestsPerDay: 1000, TokensPerMinute: 1 << 30, TokensPerDay: 1 << 40, Resets: "00:00 America/Los_Angeles"}, Options{})
	for range 500 {
		r, err := book.Reserve("k", 100)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Settle(90); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if requests, _ := book.Left("k"); requests == 0 {
			b.Fatal("nothing left")
		}
	}
}
