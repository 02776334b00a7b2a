// Package onnx runs the trained classifier in process, by ONNX Runtime: no
// network, no GPU, no Python. New loads the model that is embedded in the
// binary (folder model, written by classifier/training). What the model is good
// and bad at is in MODEL_CARD.md.
//
// Two stages share one tokeniser. The fast one, a bag of embeddings, takes
// microseconds and answers where its calibrated confidence suffices. The deep
// one, a small transformer, takes milliseconds and answers the rest, within a
// deadline and from a bounded queue; where it can't, the fast answer stands.
//
// tokens.go turns text into pieces, fast.go and deep.go are the stages,
// session.go calls ONNX Runtime, library.go finds it, memo.go remembers recent
// answers.
package onnx

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"assay/classifier"
)

// ErrNoModel means that the model's files are missing or do not fit together.
var ErrNoModel = errors.New("no usable classifier model: the directory must hold fast.onnx, deep.onnx, vocab.txt and model.json as classifier/training writes them")

// ErrClosed is returned by a Classifier after Close.
var ErrClosed = errors.New("classifier is closed")

//go:embed model
var embedded embed.FS

// Stages says which stages answer.
type Stages string

// The choices of Stages.
const (
	Both     Stages = "both" // the default
	FastOnly Stages = "fast" // saves memory and time: the deep stage is not loaded
	DeepOnly Stages = "deep" // the deep stage answers whatever it can in time
)

// Validate accepts the choices, and "" for the default.
func (s Stages) Validate() error {
	if s == "" || s == Both || s == FastOnly || s == DeepOnly {
		return nil
	}
	return fmt.Errorf("stages %q: want %s, %s or %s", s, Both, FastOnly, DeepOnly)
}

// Options say where the parts are. The zero value uses the embedded model and
// looks for the library as findLibrary describes.
type Options struct {
	ModelPath   string // directory with fast.onnx, deep.onnx, vocab.txt, model.json
	LibraryPath string // shared library of ONNX Runtime
	Stages      Stages // "" means Both
	// MemoSize is how many recent inputs are remembered; 0 means 4096, negative none.
	MemoSize int
	// DeepDeadline is how long an answer of the deep stage is waited for, queue
	// included; 0 means DefaultDeadline.
	DeepDeadline time.Duration
	// DeepWorkers bounds the runs of the deep stage at once, each on one core;
	// 0 means GOMAXPROCS. Four times as many more calls may wait.
	DeepWorkers int
}

// Classifier is the trained model. It is safe for concurrent use.
type Classifier struct {
	info   modelInfo
	stages Stages
	tokens *tokenizer
	fast   *fastStage
	deep   *deepStage // nil with FastOnly
	memo   *memo
	pieces sync.Pool // *[]int32
	// encoder is the SHA-256 of the deep stage's file.
	encoder string

	running sync.RWMutex // held for reading by calls
	closed  bool
}

// modelInfo is the part of model.json that inference needs.
type modelInfo struct {
	Schema  int                 `json:"schema"`
	Intents []classifier.Intent `json:"intents"`
	Fast    fastInfo            `json:"fast"`
	Deep    deepInfo            `json:"deep"`
}

type fastInfo struct {
	Buckets int `json:"buckets"`
	Edge    int `json:"edge"`
	// Answers is the intent confidence from which the fast stage answers alone.
	Answers float64 `json:"answers"`
	// Raise is the intent confidence below which its answer goes one level up,
	// when it stands because the deep stage could not answer.
	Raise float64 `json:"raise"`
}

type deepInfo struct {
	Head  int     `json:"head"`
	Tail  int     `json:"tail"`
	Raise float64 `json:"raise"` // intent confidence below which an answer goes one level up
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
	if err := opts.Stages.Validate(); err != nil {
		return nil, fmt.Errorf("%w; %w", err, ErrNoModel)
	}
	opts.Stages = cmp.Or(opts.Stages, Both)
	library, err := findLibrary(opts.LibraryPath)
	if err != nil {
		return nil, err
	}
	if err := startEnvironment(library); err != nil {
		return nil, err
	}
	c := &Classifier{stages: opts.Stages, memo: newMemo(opts.MemoSize)}
	c.pieces.New = func() any { return new([]int32) }
	if err := c.load(files, opts); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w; %w", where, err, ErrNoModel)
	}
	return c, nil
}

// load reads the model's files and tries both stages out.
func (c *Classifier) load(files fs.FS, opts Options) error {
	raw, err := fs.ReadFile(files, "model.json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &c.info); err != nil {
		return fmt.Errorf("model.json: %w", err)
	}
	switch {
	case c.info.Schema != 2:
		return fmt.Errorf("model.json: schema %d, want 2", c.info.Schema)
	case !slices.Equal(c.info.Intents, classifier.Intents):
		return errors.New("model.json: intents differ from those of this program")
	}
	vocabulary, err := fs.ReadFile(files, "vocab.txt")
	if err != nil {
		return err
	}
	if c.tokens, err = newTokenizer(string(vocabulary)); err != nil {
		return err
	}
	graph, err := fs.ReadFile(files, "fast.onnx")
	if err != nil {
		return err
	}
	if c.fast, err = newFastStage(graph, c.tokens, c.info.Fast); err != nil {
		return fmt.Errorf("fast.onnx: %w", err)
	}
	if err := c.fast.tryOut(); err != nil {
		return fmt.Errorf("fast.onnx: %w", err)
	}
	if c.stages == FastOnly {
		return nil
	}
	if graph, err = fs.ReadFile(files, "deep.onnx"); err != nil {
		return err
	}
	sum := sha256.Sum256(graph)
	c.encoder = hex.EncodeToString(sum[:])
	if c.deep, err = newDeepStage(graph, c.info.Deep, opts); err != nil {
		return fmt.Errorf("deep.onnx: %w", err)
	}
	if err := c.deep.tryOut(len(c.tokens.ids)); err != nil {
		return fmt.Errorf("deep.onnx: %w", err)
	}
	return nil
}

// Close frees the model when no call uses it any more. Later calls fail with ErrClosed.
func (c *Classifier) Close() error {
	c.running.Lock()
	defer c.running.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	var err error
	if c.fast != nil && c.fast.session != nil {
		err = c.fast.session.Destroy()
	}
	if c.deep != nil && c.deep.session != nil {
		err = errors.Join(err, c.deep.close())
	}
	return err
}

// Classify answers for the task of the input (see classifier.Input.Task). It
// errs only when a stage does or ctx is done; a deep stage that is late, full
// or failing leaves the fast answer, with a note.
func (c *Classifier) Classify(ctx context.Context, in classifier.Input) (classifier.Classification, error) {
	if err := ctx.Err(); err != nil {
		return classifier.Classification{}, err
	}
	c.running.RLock()
	defer c.running.RUnlock()
	if c.closed {
		return classifier.Classification{}, ErrClosed
	}
	task := in.Task()
	key := c.memo.key(task, in.Tools > 0, in.Images() > 0)
	if known, ok := c.memo.get(key); ok {
		return known, nil
	}
	scratch := c.pieces.Get().(*[]int32)
	defer c.pieces.Put(scratch)
	*scratch = c.encode((*scratch)[:0], task, in)
	language := classifier.Language(clipLanguage(task))

	out, err := c.fast.run(*scratch)
	if err != nil {
		return classifier.Classification{}, fmt.Errorf("fast stage: %w", err)
	}
	class, err := read(&out, classifier.Fast, language)
	if err != nil {
		return class, fmt.Errorf("fast stage: %w", err)
	}
	if c.stages == FastOnly || c.stages == Both && class.IntentConfidence >= c.info.Fast.Answers {
		if c.stages == FastOnly {
			class = raiseBelow(class, c.info.Fast.Raise, classifier.NoteLowConfidence)
		}
		c.memo.put(key, class)
		return class, nil
	}
	return c.goDeep(ctx, key, class, *scratch, language)
}

// goDeep asks the deep stage; fast is the answer that stands if it can't.
func (c *Classifier) goDeep(ctx context.Context, key memoKey, fast classifier.Classification, pieces []int32, language string) (classifier.Classification, error) {
	finish := func(out *deepOutput) (classifier.Classification, error) {
		class, err := read(&out.output, classifier.Deep, language)
		class.Embedding = out.embedding[:]
		return raiseBelow(class, c.info.Deep.Raise, classifier.NoteLowConfidence), err
	}
	out, err := c.deep.ask(ctx, pieces, func(out *deepOutput) {
		if class, err := finish(out); err == nil {
			c.memo.put(key, class) // also when it is too late for this call
		}
	})
	if err == nil {
		var class classifier.Classification
		if class, err = finish(out); err == nil {
			return class, nil
		}
	}
	if errors.Is(err, context.Canceled) {
		return classifier.Classification{}, err
	}
	fast.Note = deepNote(err)
	return raiseBelow(fast, c.info.Fast.Raise, fast.Note), nil
}

// raiseBelow moves an answer one level up if its confidence is below the bound.
func raiseBelow(class classifier.Classification, bound float64, note string) classifier.Classification {
	if class.IntentConfidence < bound {
		return class.Raise(note)
	}
	return class
}

// encode appends the pieces of the task, after marks for tools and images.
func (c *Classifier) encode(ids []int32, task string, in classifier.Input) []int32 {
	if in.Tools > 0 {
		ids = append(ids, toolsToken)
	}
	if in.Images() > 0 {
		ids = append(ids, imagesToken)
	}
	return c.tokens.encode(ids, task)
}

// Embed gives the embedding of the last user message, of length 1: texts of
// like meaning, in either language, have a high inner product. It takes a run
// of the deep stage. Errors: ErrClosed, late or full as Classify notes them,
// or that the deep stage is not loaded.
func (c *Classifier) Embed(ctx context.Context, in classifier.Input) ([EmbeddingSize]float32, error) {
	var none [EmbeddingSize]float32
	c.running.RLock()
	defer c.running.RUnlock()
	if c.closed {
		return none, ErrClosed
	}
	if c.deep == nil {
		return none, errors.New("no embedding: the deep stage is not loaded")
	}
	text, _ := in.LastUser()
	out, err := c.deep.ask(ctx, c.tokens.encode(nil, text), nil)
	if err != nil {
		return none, fmt.Errorf("embedding: %w", err)
	}
	return out.embedding, nil
}

// Encoder names the weights that embeddings come from, by the hex SHA-256 of
// their file; "" where only the fast stage is loaded. What was fitted to the
// embeddings of one encoder means nothing with another.
func (c *Classifier) Encoder() string { return c.encoder }

// clipLanguage bounds how much of a huge text is looked at to tell its language.
func clipLanguage(s string) string { return s[:min(len(s), 8<<10)] }

// read turns the model's numbers into a classification.
func read(out *output, source classifier.Source, language string) (classifier.Classification, error) {
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
		Level: classifier.LevelOf(b), Difficulty: b, DifficultySD: sd, Source: source, Language: language,
	}, nil
}
