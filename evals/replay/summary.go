package replay

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Figure is a number of the summary; null where it is not known. Six
// significant digits are written.
type Figure float64

// MarshalJSON writes null for what is not finite.
func (f Figure) MarshalJSON() ([]byte, error) {
	if !f.known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', 6, 64), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Figure) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*f = Figure(nan)
		return nil
	}
	return json.Unmarshal(b, (*float64)(f))
}

func (f Figure) known() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// Summary is the content of summary.json, schema 1. docs/replay.md says what
// each figure means. Scores are shares, 0..1; costs are dollars per prompt.
type Summary struct {
	Schema     int                `json:"schema"`
	Features   string             `json:"features"`
	Fit        string             `json:"fit"`   // "source" or "all"
	Folds      int                `json:"folds"` // 0: train and test were given apart
	Seed       uint64             `json:"seed"`
	Rows       Rows               `json:"rows"`
	Classified map[string]int     `json:"classified"` // prompts by the stage that answered
	Policy     string             `json:"policy"`
	Operating  map[string]float64 `json:"operating"` // margins of the policy's aliases
	Margins    []float64          `json:"margins"`   // thresholds of decisions.jsonl
	Notes      []string           `json:"notes"`
	Sources    []SourceSummary    `json:"sources"`
	// Overall and Languages hold the sources whose costs are known, each at the
	// margins that were chosen for it.
	Overall     *Group                 `json:"overall"`
	Languages   map[string]*Group      `json:"languages"`
	Calibration map[string]Calibration `json:"calibration"` // right-or-wrong sources, by language
}

// Rows counts.
type Rows struct {
	Train int `json:"train"`
	Test  int `json:"test"`
	// LeftOut are training rows whose question is among the test rows;
	// Unanswered are test rows of which no model was seen in training.
	LeftOut    int `json:"left_out"`
	Unanswered int `json:"unanswered"`
}

// SourceSummary is what was found in one source.
type SourceSummary struct {
	Source string        `json:"source"`
	NTrain int           `json:"n_train"`
	Money  Money         `json:"money"`
	Models []ModelResult `json:"models"`
	*Group
	Duel        *DuelResult       `json:"duel"`
	DuelWhy     string            `json:"duel_why,omitempty"` // why there is none
	BelowSingle *BelowSingle      `json:"below_single"`       // null without money
	Parts       []PartResult      `json:"parts"`
	LogLoss     *LogLoss          `json:"log_loss"` // null where scores are not right or wrong
	CostErrors  []CostError       `json:"cost_errors"`
	Operating   map[string]Result `json:"operating"`
}

// ModelResult is one model in one source.
type ModelResult struct {
	Model     string `json:"model"`
	NTrain    int    `json:"n_train"`
	NTest     int    `json:"n_test"`
	TrainUSD  Figure `json:"train_cost_usd"`
	TestUSD   Figure `json:"test_cost_usd"`
	Train     Figure `json:"train_score"`
	Test      Figure `json:"test_score"`
	BestFolds int    `json:"best_single_folds"` // tested groups in which it is the best single model
}

// Group is a set of tested prompts and how every policy did on them.
type Group struct {
	N        int            `json:"n"`
	Best     Result         `json:"best_single"`
	Policies []PolicyResult `json:"policies"`
}

// Result is one setting of a policy.
type Result struct {
	Threshold Figure `json:"threshold"`
	Score     Figure `json:"score"`
	CostUSD   Figure `json:"cost_usd"`
	CostShare Figure `json:"cost_share"` // of what the best single model cost
}

// PolicyResult is the curve of a policy and what it loses at a budget.
type PolicyResult struct {
	Policy  string         `json:"policy"`
	Points  []Result       `json:"points"`
	AIQ     Figure         `json:"aiq"`
	Budgets []BudgetResult `json:"budgets,omitempty"`
}

// BudgetResult is a policy with a budget: a share of what the best single
// model costs.
type BudgetResult struct {
	Budget float64 `json:"budget"`
	// OnTrain is at the margins that did best within the budget on training
	// rows; BestOnTest, which looks at the test rows, is optimistic.
	OnTrain    ChosenResult `json:"chosen_on_train"`
	BestOnTest ChosenResult `json:"best_on_test"`
}

// ChosenResult is how a policy did at chosen margins.
type ChosenResult struct {
	Margins []float64 `json:"margins"` // different ones, rising
	Score   Figure    `json:"score"`
	CostUSD Figure    `json:"cost_usd"`
	Share   Figure    `json:"cost_share"`
	// Lost is the score lost against the best single model, with the paired
	// bootstrap's 95 % interval; below 0 something was gained.
	Lost *Interval `json:"lost"`
}

// DuelResult ranks prompts by how much the strong model is needed.
type DuelResult struct {
	Strong   string           `json:"strong"`
	Weak     string           `json:"weak"`
	N        int              `json:"n"`
	Score    [2]Figure        `json:"scores"` // of strong and weak
	Policies []RecoveryResult `json:"policies"`
}

// RecoveryResult is RouteLLM's measures of one policy.
type RecoveryResult struct {
	Policy string `json:"policy"`
	APGR   Figure `json:"apgr"`
	CPT50  Figure `json:"cpt50"`
	CPT80  Figure `json:"cpt80"`
}

// BelowSingle lists margins at which the product's policy is worse than the
// best single model of the same or a lower price for sure.
type BelowSingle struct {
	Checked    int         `json:"checked"`
	Violations []Violation `json:"violations"`
}

// Violation is one such margin.
type Violation struct {
	Margin  float64  `json:"margin"`
	Score   Figure   `json:"score"`
	CostUSD Figure   `json:"cost_usd"`
	Singles []string `json:"singles"`
	Gain    Interval `json:"gain"` // policy minus single model; wholly below 0
}

// PartResult is the product's policy with a part of the model of success.
type PartResult struct {
	Part   string       `json:"part"`
	At70   ChosenResult `json:"at_70_percent"`
	APGR   Figure       `json:"apgr"`
	AIQ    Figure       `json:"aiq"`
	LogLos Figure       `json:"log_loss"` // mean over outcomes; null where scores are not right or wrong
}

// LogLoss compares the predictions with the models' shares on training rows.
type LogLoss struct {
	Model    float64          `json:"model"`
	BaseRate float64          `json:"base_rate"`
	Diff     Difference       `json:"difference"` // model minus base rate, by prompt
	ByModel  []LogLossOfModel `json:"by_model"`
}

// LogLossOfModel is LogLoss for one model.
type LogLossOfModel struct {
	Name     string     `json:"model"`
	N        int        `json:"n"`
	Model    Figure     `json:"log_loss"`
	BaseRate Figure     `json:"base_rate"`
	Diff     Difference `json:"difference"`
}

// Difference is a mean with its standard error.
type Difference struct {
	Mean Figure `json:"mean"`
	SE   Figure `json:"se"`
}

// Calibration compares predicted with observed success.
type Calibration struct {
	N    int     `json:"n"`
	ECE  float64 `json:"ece"`
	Bins []Bin   `json:"bins"`
}

// Bin is one of 15 of equal mass.
type Bin struct {
	N         int     `json:"n"`
	Predicted float64 `json:"predicted"`
	Observed  float64 `json:"observed"`
}

// CostError says how far expected costs are from real ones: |expected - real|
// / real over the tested outcomes. Task "" is the whole source.
type CostError struct {
	Task   string `json:"task"`
	N      int    `json:"n"`
	Median Figure `json:"median"`
}

// LargestMargin gives the largest margin of the grid up to which the product's
// policy loses, over the sources on average, at most so much score against
// each one's best single model; ok is false if even the smallest loses more.
func (s Summary) LargestMargin(lose float64) (margin float64, ok bool) {
	lost := map[float64]float64{}
	for _, src := range s.Sources {
		for _, p := range src.Group.Policies {
			if p.Policy != "assay" {
				continue
			}
			for _, x := range p.Points {
				lost[float64(x.Threshold)] += float64(src.Group.Best.Score-x.Score) / float64(len(s.Sources))
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(lost)) {
		if lost[m] > lose {
			break
		}
		margin, ok = m, true
	}
	return margin, ok
}
