package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkOverhead calls one provider over HTTP, first directly and then
// through a gateway that classifies, decides, counts tokens, logs and meters
// every request. The difference of the two is what the gateway adds.
func BenchmarkOverhead(b *testing.B) {
	provider := fakeProvider(b)
	g := realGateway(b)
	body := chat("gpt-4o", "What is the difference between a mutex and a semaphore, and when would you use which?")
	alias := strings.Replace(body, "gpt-4o", "assay/balanced", 1)
	for _, c := range []struct {
		name, url, body string
		fresh           bool // every request has another prompt, so that no classification is remembered
	}{
		{"direct", provider.URL + "/v1/chat/completions", body, false},
		{"gateway-named", g.url + "/v1/chat/completions", body, false},
		{"gateway-balanced", g.url + "/v1/chat/completions", alias, false},
		{"gateway-balanced-fresh", g.url + "/v1/chat/completions", alias, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			var count atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					body := c.body
					if c.fresh {
						body = strings.Replace(body, "mutex", fmt.Sprintf("mutex of kind %d", count.Add(1)), 1)
					}
					req, _ := http.NewRequest("POST", c.url, strings.NewReader(body))
					req.Header.Set("Authorization", "Bearer sk-provider")
					res, err := http.DefaultClient.Do(req)
					if err != nil {
						b.Fatal(err)
					}
					io.Copy(io.Discard, res.Body)
					if res.Body.Close(); res.StatusCode != 200 {
						b.Fatalf("status %d", res.StatusCode)
					}
				}
			})
		})
	}
}
