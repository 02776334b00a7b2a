package evals

import (
	"math"
	"time"
)

// Scorecard is the result of one model on one benchmark in one run.
type Scorecard struct {
	RunID       string
	Benchmark   string
	Model       string
	CatalogID   string // the catalogue's ID of the model
	Extractor   string
	Template    string
	Origin      string // of the data set
	DatasetHash string
	Kind        EndpointKind

	Planned  int // questions of the plan
	N        int // answered in full: the ones the score is over
	Unparsed int // of N: no answer was found, counted as wrong
	Length   int // cut off at the token limit: not in N
	Errors   int // no answer came: not in N

	Score    float64 // mean over N, 0..1; NaN is never stored: 0 if N is 0
	StdErr   float64 // standard error of Score, see Tally.StdErr
	Clusters int     // subjects, where errors are clustered by them; else 0

	CostNano  int64 // nano-dollars of the answers whose cost is known
	Costed    int   // answers whose cost is known
	TokensIn  int64
	TokensOut int64
	LatencyMS float64 // mean over answers
	At        time.Time
}

// Coverage is the share of planned questions that the score is over.
func (s Scorecard) Coverage() float64 {
	if s.Planned == 0 {
		return 0
	}
	return float64(s.N) / float64(s.Planned)
}

// UnparsedRate is the share of answers in which no answer was found.
func (s Scorecard) UnparsedRate() float64 {
	if s.N == 0 {
		return 0
	}
	return float64(s.Unparsed) / float64(s.N)
}

// Tally adds up scores as they come, in memory that depends on the number of
// clusters only. The zero value is ready; copies do not share.
type Tally struct {
	N        int
	Sum      float64
	SumSq    float64
	clusters map[string]cluster
}

type cluster struct {
	n   int
	sum float64
}

// Add counts one score of a cluster.
func (t *Tally) Add(score float64, of string) {
	if t.clusters == nil {
		t.clusters = map[string]cluster{}
	}
	t.N++
	t.Sum += score
	t.SumSq += score * score
	c := t.clusters[of]
	c.n++
	c.sum += score
	t.clusters[of] = c
}

// Mean of the scores; 0 if there are none.
func (t *Tally) Mean() float64 {
	if t.N == 0 {
		return 0
	}
	return t.Sum / float64(t.N)
}

// Clusters counts the clusters seen.
func (t *Tally) Clusters() int { return len(t.clusters) }

// StdErr is the standard error of the mean of independent scores,
//
//	sqrt(mean((x - mean)²) / n),
//
// which for scores of 0 and 1 is the binomial sqrt(p(1-p)/n).
func (t *Tally) StdErr() float64 {
	if t.N == 0 {
		return 0
	}
	n, m := float64(t.N), t.Mean()
	return math.Sqrt(math.Max(t.SumSq/n-m*m, 0) / n)
}

// ClusteredStdErr is the standard error of the mean when scores of a cluster
// resemble each other: the cluster-robust
//
//	sqrt(G/(G-1) · Σ_g (Σ_{i in g} (x_i - mean))²) / n
//
// over G clusters (Liang and Zeger 1986; for evals Miller 2024,
// arXiv:2411.00640). With fewer than two clusters it is StdErr.
func (t *Tally) ClusteredStdErr() float64 {
	g := float64(len(t.clusters))
	if g < 2 {
		return t.StdErr()
	}
	m, sum := t.Mean(), 0.0
	for _, c := range t.clusters {
		d := c.sum - float64(c.n)*m
		sum += d * d
	}
	return math.Sqrt(g/(g-1)*sum) / float64(t.N)
}

// Z95 is the 97.5 % point of the normal distribution: estimate ± Z95·stderr is
// a 95 % interval.
const Z95 = 1.959963984540054

// Detectable is the smallest true difference that a test at 5 % (two-sided)
// finds with 80 % power when its standard error is se: (1.96 + 0.84)·se.
func Detectable(se float64) float64 { return (Z95 + 0.8416212335729143) * se }
