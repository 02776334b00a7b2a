// Package success predicts, from outcomes of real models on real prompts, how
// likely each model is to succeed on a prompt.
//
// Prompts fall into kinds (clusters of their embeddings), and inside a kind
// they differ in difficulty. For model m and prompt x of kind k
//
//	logit p = o_m + o_mk - (s_m + s_mk)·d(x) + t_m·r_m(x)
//
// where d(x) is the difficulty that the text lets expect (ridge regression on
// the difficulties that a Rasch model fits to the outcomes) and r_m(x) is what
// the words say about this model in particular (ridge regression on its own
// residuals). The coefficients are fitted by penalised logistic regression,
// the deviations of kinds and of models shrunk to what is common. Whatever
// enters the last step was predicted for prompts that it was not fitted on, so
// that it is not believed more than it deserves.
//
// Start with Fit; a fitted Model is immutable and safe for concurrent use.
package success

// Prompt is what the model reads of a text.
type Prompt struct {
	Embedding []float32 // of the encoder; nil where none is to be used
	Words     Words     // see WordsOf; nil where none are to be used
}

// Data is what a model is fitted to: one row per prompt.
type Data struct {
	Prompts []Prompt
	Models  []string
	// Scores are shares of success, 0..1, [prompt][model]; NaN where unknown.
	Scores [][]float64
	// Costs are nano-dollars of the call, [prompt][model], NaN where unknown,
	// or nil; Tokens are those of the prompt, for the costs.
	Costs  [][]float64
	Tokens []float64
}

// Point is where a prompt lies: all that predictions for it rest on.
type Point struct {
	Kind       int
	Difficulty float64   // in standard deviations of the training prompts
	Text       []float64 // per model, or nil
}

// Model is a fitted model of success. It is immutable.
type Model struct {
	names []string
	index map[string]int
}

// Names lists the models in the order of their indices.
func (m *Model) Names() []string { return m.names }

// Index finds a model by name.
func (m *Model) Index(name string) (int, bool) {
	i, ok := m.index[name]
	return i, ok
}

// At places a prompt; some microseconds.
func (m *Model) At(p Prompt) Point { return Point{} }

// Logit is the log odds that model i succeeds at a point.
func (m *Model) Logit(i int, at Point) float64 { return 0 }

// P is the probability that model i succeeds at a point.
func (m *Model) P(i int, at Point) float64 { return 0.5 }

// Cost is what a call of model i is expected to cost, in nano-dollars, with a
// prompt of so many tokens; ok is false where Data had no costs of the model.
func (m *Model) Cost(i int, at Point, tokens float64) (nano float64, ok bool) { return 0, false }

// Config of Fit; the zero value works.
type Config struct {
	// Kinds is the number of kinds; 0 chooses by predictions for prompts left out.
	Kinds int
	Seed  uint64
}

// Fit fits a model. It is deterministic.
func Fit(d Data, cfg Config) (*Model, error) { return &Model{}, nil }

// Words are the hashed words of a text with their weights, sorted.
type Words []Word

// Word is one hashed n-gram.
type Word struct {
	ID     uint32
	Weight float32
}

// WordsOf hashes the words and word pairs of a text, Chinese characters and
// their pairs.
func WordsOf(text string) Words { return nil }
