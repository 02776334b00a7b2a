// Package sim answers chat completions without any provider: for a first look
// at Assay, for tests, and for rehearsing evaluations. Nothing it says is an
// answer of the model it is named after, and every response is marked so.
//
// It is deterministic: the same request to the same model gives the same
// answer, unless the profile asks for errors, which follow a seeded hash of the
// request too. Right and wrong answers can be seen in evaluations because a
// Simulator may be given an answer key (see Key): it then answers the key's
// items rightly as often as the model's quality says.
package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"time"

	"assay/models/openai"
	"assay/router"
	"assay/scoring"
)

// Profile is how one simulated model behaves. Zero values take the defaults of
// the Simulator.
type Profile struct {
	FirstByte       time.Duration `yaml:"first_byte"`        // wait before the first byte
	TokensPerSecond float64       `yaml:"tokens_per_second"` // pace of the rest; 0: at once
	OutputTokens    int           `yaml:"output_tokens"`     // length of an answer outside the key
	ErrorRate       float64       `yaml:"error_rate"`        // share of requests answered with 500
	BreakRate       float64       `yaml:"break_rate"`        // share of streams that break off half-way
	// Quality is the share of the key's items answered rightly; nil takes what
	// is expected of the model.
	Quality *float64 `yaml:"quality"`
}

// Validate reports the first value that makes no sense.
func (p Profile) Validate() error {
	for name, v := range map[string]float64{"error_rate": p.ErrorRate, "break_rate": p.BreakRate} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%s is %v; want a share from 0 to 1", name, v)
		}
	}
	switch {
	case p.Quality != nil && !(*p.Quality >= 0 && *p.Quality <= 1):
		return fmt.Errorf("quality is %v; want a probability from 0 to 1", *p.Quality)
	case p.FirstByte < 0 || p.TokensPerSecond < 0 || p.OutputTokens < 0:
		return fmt.Errorf("first_byte, tokens_per_second and output_tokens must not be negative")
	}
	return nil
}

// Options configure a Simulator.
type Options struct {
	Seed     int64
	Profiles map[string]Profile // by model ID; "*" is the default for all
	Key      *Key               // answers it knows; nil knows none
	// Expected gives the share of right answers, 0..1, that published scores let
	// expect of a model on a benchmark, for models whose profile has no Quality.
	// One half is taken where nothing is expected.
	Expected func(modelID, benchmark string) (share float64, ok bool)
	// Now stamps answers; default time.Now. Sleep waits; default a timer.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// Simulator is an upstream for every model. It is safe for concurrent use.
type Simulator struct{ o Options }

// New makes a simulator.
func New(o Options) *Simulator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &Simulator{o: o}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// profile merges a model's profile with the default one.
func (s *Simulator) profile(id string) Profile {
	p := Profile{FirstByte: 20 * time.Millisecond, TokensPerSecond: 2000, OutputTokens: 60}
	for _, name := range []string{"*", id} {
		o, ok := s.o.Profiles[name]
		if !ok {
			continue
		}
		if o.FirstByte > 0 {
			p.FirstByte = o.FirstByte
		}
		if o.TokensPerSecond > 0 {
			p.TokensPerSecond = o.TokensPerSecond
		}
		if o.OutputTokens > 0 {
			p.OutputTokens = o.OutputTokens
		}
		if o.ErrorRate > 0 {
			p.ErrorRate = o.ErrorRate
		}
		if o.BreakRate > 0 {
			p.BreakRate = o.BreakRate
		}
		if o.Quality != nil {
			p.Quality = o.Quality
		}
	}
	return p
}

// Do answers a call. See router.Upstream.
func (s *Simulator) Do(ctx context.Context, call router.Call) (*router.Response, error) {
	req, err := openai.DecodeRequest(call.Body)
	if err != nil {
		return nil, err
	}
	p := s.profile(call.Model.ID)
	if err := s.o.Sleep(ctx, p.FirstByte); err != nil {
		return nil, err
	}
	if s.chance(call, "error") < p.ErrorRate {
		e := openai.Error{Message: "simulated failure of " + call.Model.ID, Type: "server_error", Code: "simulated_error"}
		return response(http.StatusInternalServerError, io.NopCloser(bytes.NewReader(e.Body()))), nil
	}
	a := s.answer(call, req, p)
	if req.Stream {
		return response(http.StatusOK, s.stream(ctx, call, req, a, p)), nil
	}
	if err := s.o.Sleep(ctx, pace(a.tokens(), p)); err != nil {
		return nil, err
	}
	body, err := json.Marshal(s.completion(call, req, a))
	if err != nil {
		return nil, fmt.Errorf("encode simulated answer: %w", err)
	}
	return response(http.StatusOK, io.NopCloser(bytes.NewReader(body))), nil
}

func response(status int, body io.ReadCloser) *router.Response {
	return &router.Response{Status: status, Header: http.Header{"X-Assay-Simulated": {"true"}}, Body: body, Simulated: true}
}

func pace(tokens int, p Profile) time.Duration {
	if p.TokensPerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(tokens) / p.TokensPerSecond * float64(time.Second))
}

// chance gives a number in [0,1) that depends on the seed, the model, the
// request and a word for what it decides.
func (s *Simulator) chance(call router.Call, word string) float64 {
	return unit(s.o.Seed, call.Model.ID, string(call.Body), word)
}

// unit hashes its arguments to [0,1).
func unit(seed int64, parts ...string) float64 {
	h := fnv.New64a()
	binary.Write(h, binary.LittleEndian, seed)
	for _, p := range parts {
		io.WriteString(h, p)
		h.Write([]byte{0})
	}
	// FNV's high bits depend little on the last bytes; one more mix spreads them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// right says whether the model knows the item: its success probability at the
// item's difficulty against a number fixed by model and item. Difficulties are
// spread over items as a standard logistic, the same for every model, so that
// models fail on the same hard items as real ones do.
func (s *Simulator) right(modelID string, it item, p Profile) bool {
	share := 0.5
	if p.Quality != nil {
		share = *p.Quality
	} else if s.o.Expected != nil {
		if e, ok := s.o.Expected(modelID, it.benchmark); ok {
			share = e
		}
	}
	if share <= 0 || share >= 1 {
		return share >= 1
	}
	u := unit(s.o.Seed, it.id)
	u = min(max(u, 1e-6), 1-1e-6)
	b := math.Log(u / (1 - u))
	return unit(s.o.Seed, modelID, it.id) < scoring.Success(abilityFor(share), b)
}

// abilityFor gives the ability at which the expected share of right answers
// over difficulties spread as a standard logistic is share. The expectation of
// logistic(theta-b) is the distribution function of the difference of two
// standard logistic variables, e^t(e^t-1-t)/(e^t-1)^2, inverted by bisection.
func abilityFor(share float64) float64 {
	lo, hi := -30.0, 30.0
	for range 60 {
		mid := (lo + hi) / 2
		if differenceCDF(mid) < share {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

func differenceCDF(t float64) float64 {
	if math.Abs(t) < 1e-3 { // the formula is 0/0 there; its derivative at 0 is 1/6
		return 0.5 + t/6
	}
	e := math.Expm1(t)
	return math.Exp(t) * (e - t) / (e * e)
}
