// Package onnx runs the trained classifier in process, by ONNX Runtime: no
// network, no GPU, no Python. New loads the model that is embedded in the
// binary (folder model, written by classifier/training) and Classify answers in
// microseconds. What the model is good and bad at is in MODEL_CARD.md.
//
// tokens.go turns text into features, library.go finds ONNX Runtime, memo.go
// remembers recent answers.
package onnx

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"assay/classifier"
)

// ErrNoModel means that the model's files are missing or do not fit together.
var ErrNoModel = errors.New("no usable classifier model: the directory must hold model.onnx, vocab.txt and model.json as classifier/training writes them")

// ErrClosed is returned by a Classifier after Close.
var ErrClosed = errors.New("classifier is closed")

//go:embed model
var embedded embed.FS

// Options say where the parts are. The zero value uses the embedded model and
// looks for the library as findLibrary describes.
type Options struct {
	ModelPath   string // directory with model.onnx, vocab.txt, model.json
	LibraryPath string // shared library of ONNX Runtime
	// MemoSize is how many recent inputs are remembered; 0 means 4096, negative none.
	MemoSize int
}

// Classifier is the fast stage. It is safe for concurrent use.
type Classifier struct {
	info    modelInfo
	tokens  *tokenizer
	session *ort.DynamicAdvancedSession
	memo    *memo
	buffers sync.Pool // *buffer

	running sync.RWMutex // held for reading while the session runs
	closed  bool
}

// modelInfo is the part of model.json that inference needs.
type modelInfo struct {
	Schema     int                 `json:"schema"`
	Intents    []classifier.Intent `json:"intents"`
	Buckets    int                 `json:"buckets"` // of hashed pairs
	Edge       int                 `json:"edge"`    // pieces that count as beginning, and as end
	Thresholds struct {
		MinConfidence float64 `json:"min_confidence"`
	} `json:"thresholds"`
}

// New loads the model and starts ONNX Runtime. Errors wrap ErrNoLibrary or
// ErrNoModel.
func New(opts Options) (*Classifier, error) {
	files, where := fs.FS(embedded), "embedded model"
	if opts.ModelPath != "" {
		files, where = os.DirFS(opts.ModelPath), opts.ModelPath
	} else if sub, err := fs.Sub(embedded, "model"); err == nil {
		files = sub
	}
	library, err := findLibrary(opts.LibraryPath)
	if err != nil {
		return nil, err
	}
	if err := startEnvironment(library); err != nil {
		return nil, err
	}
	c, err := load(files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %w", where, err, ErrNoModel)
	}
	c.memo = newMemo(opts.MemoSize)
	c.buffers.New = func() any { return new(buffer) }
	if err := c.tryOut(); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w; %w", where, err, ErrNoModel)
	}
	return c, nil
}

func load(files fs.FS) (*Classifier, error) {
	c := &Classifier{}
	raw, err := fs.ReadFile(files, "model.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &c.info); err != nil {
		return nil, fmt.Errorf("model.json: %w", err)
	}
	switch {
	case c.info.Schema != 1:
		return nil, fmt.Errorf("model.json: schema %d, want 1", c.info.Schema)
	case !slices.Equal(c.info.Intents, classifier.Intents):
		return nil, errors.New("model.json: intents differ from those of this program")
	case c.info.Buckets <= 0 || c.info.Edge <= 0:
		return nil, errors.New("model.json: buckets and edge must be positive")
	}
	vocabulary, err := fs.ReadFile(files, "vocab.txt")
	if err != nil {
		return nil, err
	}
	if c.tokens, err = newTokenizer(string(vocabulary)); err != nil {
		return nil, err
	}
	graph, err := fs.ReadFile(files, "model.onnx")
	if err != nil {
		return nil, err
	}
	c.session, err = newSession(graph)
	return c, err
}

// newSession uses one thread per call: a call takes microseconds, and several
// run at once.
func newSession(graph []byte) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)); err != nil {
		return nil, err
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(graph, []string{"ids", "weights"}, []string{"logits", "difficulty"}, options)
}

// tryOut runs the model with its largest ids, so that files which do not fit
// together are found at the start and not on a request.
func (c *Classifier) tryOut() error {
	last := int64(c.tokens.size + c.info.Buckets - 1)
	f := features{ids: []int64{0, last}, weights: make([]float32, 6)}
	var out output
	return c.run(&f, &out)
}

// MinConfidence is the intent confidence below which an answer should be
// raised one level, as calibrated in training.
func (c *Classifier) MinConfidence() float64 { return c.info.Thresholds.MinConfidence }

// Close frees the model when no call uses it any more. Later calls fail with ErrClosed.
func (c *Classifier) Close() error {
	c.running.Lock()
	defer c.running.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.session.Destroy()
}

// output is what the model says: logits of the intents, and b with its
// standard deviation.
type output struct {
	logits     [16]float32
	difficulty [2]float32
}

// buffer is the scratch memory of one call.
type buffer struct {
	pieces   []int32
	features features
}

// Classify answers for the task of the input (see classifier.Input.Task).
func (c *Classifier) Classify(ctx context.Context, in classifier.Input) (classifier.Classification, error) {
	if err := ctx.Err(); err != nil {
		return classifier.Classification{}, err
	}
	task := in.Task()
	key := c.memo.key(task)
	if known, ok := c.memo.get(key); ok {
		return known, nil
	}
	var out output
	b := c.buffers.Get().(*buffer)
	defer c.buffers.Put(b)
	b.pieces = c.tokens.encode(b.pieces[:0], task)
	b.features.fill(b.pieces, c.tokens.size, c.info.Buckets, c.info.Edge)
	if err := c.run(&b.features, &out); err != nil {
		return classifier.Classification{}, err
	}
	class, err := read(&out)
	if err != nil {
		return class, err
	}
	class.Language = classifier.Language(clipLanguage(task))
	c.memo.put(key, class)
	return class, nil
}

// clipLanguage bounds how much of a huge text is looked at to tell its language.
func clipLanguage(s string) string { return s[:min(len(s), 8<<10)] }

// read turns the model's numbers into a classification.
func read(out *output) (classifier.Classification, error) {
	best, sum := 0, 0.0
	for i, v := range out.logits {
		if v > out.logits[best] {
			best = i
		}
	}
	for _, v := range out.logits {
		sum += math.Exp(float64(v - out.logits[best]))
	}
	b, sd := float64(out.difficulty[0]), float64(out.difficulty[1])
	if bad := sum + b + sd; math.IsNaN(bad) || math.IsInf(bad, 0) {
		return classifier.Classification{}, errors.New("model gave a number that is not finite")
	}
	return classifier.Classification{
		Intent: classifier.Intents[best], IntentConfidence: 1 / sum,
		Level: classifier.LevelOf(b), Difficulty: b, DifficultySD: sd, Source: classifier.Fast,
	}, nil
}

// run calls ONNX Runtime. Tensors wrap the slices of f and out; they do not copy.
func (c *Classifier) run(f *features, out *output) error {
	c.running.RLock()
	defer c.running.RUnlock()
	if c.closed {
		return ErrClosed
	}
	n := int64(len(f.ids))
	ids, err := ort.NewTensor(ort.Shape{n}, f.ids)
	if err != nil {
		return err
	}
	defer ids.Destroy()
	weights, err := ort.NewTensor(ort.Shape{3, n}, f.weights)
	if err != nil {
		return err
	}
	defer weights.Destroy()
	logits, err := ort.NewTensor(ort.Shape{1, 16}, out.logits[:])
	if err != nil {
		return err
	}
	defer logits.Destroy()
	difficulty, err := ort.NewTensor(ort.Shape{1, 2}, out.difficulty[:])
	if err != nil {
		return err
	}
	defer difficulty.Destroy()
	return c.session.Run([]ort.Value{ids, weights}, []ort.Value{logits, difficulty})
}
