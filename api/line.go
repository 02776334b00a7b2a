package api

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"assay/router"
)

// background is the context of what goes on after a request.
var background = context.Background()

// explainInLog writes the one line of a request: who asked for what, which model
// answered and why that one, what was tried, and what it took. Broken streams
// and server errors are warnings.
func (s *Server) explainInLog(ctx context.Context, msg string, rec *router.Record, f failure, span trace.SpanContext) {
	level := slog.LevelInfo
	if rec.Outcome == router.Broken || f.status >= 500 {
		level = slog.LevelWarn
	}
	if !s.o.Log.Enabled(ctx, level) {
		return
	}
	l := line{make([]slog.Attr, 0, 40)}
	l.asked(rec)
	l.chosen(rec)
	l.happened(rec, f)
	l.took(rec)
	if span.IsValid() {
		l.add(slog.String("trace_id", span.TraceID().String()))
	}
	s.o.Log.LogAttrs(ctx, level, msg, l.attrs...)
}

// line collects fields; what says nothing is left out.
type line struct{ attrs []slog.Attr }

func (l *line) add(a slog.Attr) { l.attrs = append(l.attrs, a) }

func (l *line) text(key, value string) {
	if value != "" {
		l.add(slog.String(key, value))
	}
}

func (l *line) flag(key string, value bool) {
	if value {
		l.add(slog.Bool(key, true))
	}
}

func (l *line) texts(key string, values []string) {
	if len(values) > 0 {
		l.add(slog.Any(key, values))
	}
}

func (l *line) asked(rec *router.Record) {
	l.text("id", rec.ID)
	l.text("shadow_of", rec.ShadowOf)
	l.text("key", rec.Key)
	l.text("org", rec.Org)
	l.text("workload", string(rec.Workload))
	l.text("asked", clip(rec.Decision.Requested))
	l.text("rule", rec.Decision.Rule)
	l.flag("stream", rec.Stream)
}

func (l *line) chosen(rec *router.Record) {
	d := &rec.Decision
	a, _ := rec.Final()
	l.text("model", a.Model)
	l.text("provider", a.Provider)
	l.text("provider_key", a.Key)
	l.text("tier", string(d.Tier))
	if d.Class.Intent != "" {
		l.text("intent", string(d.Intent))
		l.text("level", d.Level.String())
		l.text("by", string(d.Class.Source))
		l.text("note", d.Class.Note)
	}
	if d.Model != "" {
		l.add(slog.Float64("p", d.PSuccess))
	}
	l.text("why", why(rec))
	l.text("routed_from", d.RoutedFrom)
	if d.Would != nil {
		l.text("would", d.Would.Model)
	}
	l.flag("stayed", d.Stayed)
	l.text("table", d.Table)
	l.text("policy", d.Policy)
}

func (l *line) happened(rec *router.Record, f failure) {
	l.text("outcome", string(rec.Outcome))
	if f.status != 0 { // of a copy nobody saw any
		l.add(slog.Int("status", f.status))
	}
	l.text("error", f.code)
	l.texts("attempts", attemptWords(rec))
	var skipped []string
	for _, s := range rec.Skipped {
		skipped = append(skipped, s.Model+": "+beforeDetail(s.Why))
	}
	l.texts("skipped", skipped)
	l.flag("escalated", rec.Escalated)
	a, _ := rec.Final()
	l.flag("free", a.Free)
	l.flag("simulated", a.Simulated)
}

func (l *line) took(rec *router.Record) {
	a, called := rec.Final()
	if called {
		l.add(slog.Int64("in", a.Usage.Input))
		l.add(slog.Int64("out", a.Usage.Output))
		if a.Usage.CacheRead > 0 {
			l.add(slog.Int64("cached", a.Usage.CacheRead))
		}
		if a.CostKnown {
			l.text("usd", usd(a.CostNano))
		}
		if beside := besideCost(rec); beside > 0 {
			l.text("beside_usd", usd(beside))
		}
	}
	l.add(slog.Float64("decided_ms", millis(rec.Decided)))
	if at, ok := firstByte(rec); ok {
		l.add(slog.Float64("first_byte_ms", millis(at)))
	}
	if called {
		l.add(slog.Float64("added_ms", millis(max(rec.Duration-upstreamTime(rec.Attempts), 0))))
	}
	l.add(slog.Float64("ms", millis(rec.Duration)))
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// firstByte is the time from the request to the first byte of the answer that
// the client got.
func firstByte(rec *router.Record) (time.Duration, bool) {
	a, ok := rec.Final()
	if !ok || a.FirstByte == 0 {
		return 0, false
	}
	return a.Started.Sub(rec.Started) + a.FirstByte, true
}

// besideCost is what the calls cost in nano-dollars whose answer the client did
// not get.
func besideCost(rec *router.Record) (nano int64) {
	a, _ := rec.Final()
	for i := range rec.Attempts {
		nano += rec.Attempts[i].CostNano
	}
	return nano - a.CostNano
}

// attemptWords tells of each call in a few words: openai/gpt-4o upstream_fail
// 503 120ms.
func attemptWords(rec *router.Record) []string {
	var all []string
	for i := range rec.Attempts {
		a := &rec.Attempts[i]
		b := append(make([]byte, 0, 96), a.Model...)
		b = append(append(b, ' '), a.Outcome...)
		if a.Status != 0 {
			b = strconv.AppendInt(append(b, ' '), int64(a.Status), 10)
		}
		b = strconv.AppendInt(append(b, ' '), a.Duration.Milliseconds(), 10)
		b = append(b, "ms"...)
		for _, w := range [...]struct {
			is   bool
			word string
		}{{a.Hedge, " hedge"}, {a.Free, " free"}, {a.Served, " served"}} {
			if w.is {
				b = append(b, w.word...)
			}
		}
		for _, f := range a.Findings {
			b = append(append(b, ' '), beforeDetail(f)...)
		}
		all = append(all, string(b))
	}
	return all
}

// why says in words why this model: the decision's reason, what was not
// swapped, what was only observed, and what made another model answer.
func why(rec *router.Record) string {
	d := &rec.Decision
	parts := make([]string, 0, 4)
	if d.Reason != "" {
		parts = append(parts, d.Reason)
	}
	if d.Swap != "" && !strings.Contains(d.Reason, d.Swap) {
		parts = append(parts, d.Swap)
	}
	if w := d.Would; w != nil {
		parts = append(parts, fmt.Sprintf("%s would have picked %s ($%.6f instead of $%.6f)", w.By, w.Model, w.CostUSD, d.CostUSD))
	}
	a, called := rec.Final()
	switch {
	case rec.ShadowOf != "":
		parts = append(parts, "a copy for "+a.Model+" in the shadow")
	case called && a.Served && a.Model != d.Model:
		parts = append(parts, "answered by "+a.Model+instead(rec))
	}
	return strings.Join(parts, "; ")
}

// instead says why the model that was chosen first did not answer.
func instead(rec *router.Record) string {
	first := rec.Decision.Model
	for i := range rec.Attempts {
		a := &rec.Attempts[i]
		if a.Model != first {
			continue
		}
		switch {
		case a.Outcome == router.Rejected && len(a.Findings) > 0:
			return ", since the answer of " + first + " was " + beforeDetail(a.Findings[0])
		case a.Outcome == router.HedgeLost:
			return ", which was faster than " + first
		case a.Status >= 400:
			return fmt.Sprintf(", since %s failed (%d)", first, a.Status)
		}
		return ", since " + first + " failed"
	}
	for _, s := range rec.Skipped {
		if s.Model == first {
			return ", since " + beforeDetail(s.Why)
		}
	}
	return ""
}
