package onnx

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"assay/classifier"
)

// EmbeddingSize is the length of an embedding.
const EmbeddingSize = 128

// Why the deep stage did not answer.
var (
	errLate = errors.New("the deep stage was late")
	errFull = errors.New("the deep stage is full")
)

// deepStage is the transformer: milliseconds a prompt, so it works off a
// bounded queue and gives up at a deadline. A run that has begun cannot be
// stopped; it finishes on its own and hands its result to whoever still waits.
// Safe for concurrent use.
type deepStage struct {
	session    *ort.DynamicAdvancedSession
	head, tail int           // pieces of a long text that are read
	workers    chan struct{} // held while a run goes on
	queue      chan struct{} // held from asking to the end of the run
	deadline   time.Duration
	running    sync.WaitGroup
}

// Defaults of the deep stage.
const (
	DefaultDeadline = 40 * time.Millisecond
	// queuePerWorker is how many calls may wait for each running one: about as
	// many as are through before the deadline.
	queuePerWorker = 4
)

func newDeepStage(graph []byte, info deepInfo, opts Options) (*deepStage, error) {
	if info.Head <= 0 || info.Tail < 0 {
		return nil, errors.New("model.json: deep.head must be positive and deep.tail not negative")
	}
	workers := cmp.Or(opts.DeepWorkers, runtime.GOMAXPROCS(0))
	d := &deepStage{
		head: info.Head, tail: info.Tail, deadline: cmp.Or(opts.DeepDeadline, DefaultDeadline),
		workers: make(chan struct{}, workers), queue: make(chan struct{}, workers*(1+queuePerWorker)),
	}
	var err error
	d.session, err = newSession(graph, []string{"ids"}, []string{"logits", "difficulty", "embedding"})
	return d, err
}

// deepOutput is what a run gives.
type deepOutput struct {
	output
	embedding [EmbeddingSize]float32
}

// ask runs the model on the pieces of one text and waits for it until the
// deadline. done, if not nil, is told the result even when it is too late for
// the caller. Errors: errLate, errFull, or what the run gave.
func (d *deepStage) ask(ctx context.Context, pieces []int32, done func(*deepOutput)) (*deepOutput, error) {
	select {
	case d.queue <- struct{}{}:
	default:
		return nil, errFull
	}
	ctx, cancel := context.WithTimeout(ctx, d.deadline)
	defer cancel()
	select {
	case d.workers <- struct{}{}:
	case <-ctx.Done():
		<-d.queue
		return nil, whyDone(ctx)
	}
	ids := d.clip(pieces)
	type result struct {
		out *deepOutput
		err error
	}
	answer := make(chan result, 1) // holds one, so that nobody waits for a caller who has left
	d.running.Add(1)
	go func() {
		defer d.running.Done()
		defer func() { <-d.workers; <-d.queue }()
		out, err := d.run(ids)
		if err == nil && done != nil {
			done(out)
		}
		answer <- result{out, err}
	}()
	select {
	case r := <-answer:
		return r.out, r.err
	case <-ctx.Done():
		return nil, whyDone(ctx)
	}
}

// whyDone tells the stage's own deadline from the caller's going away.
func whyDone(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return errLate
}

// clip gives the ids that the model reads: the beginning and the end of a long
// text, because requests stand there and what lies between is material.
func (d *deepStage) clip(pieces []int32) []int64 {
	ids := make([]int64, 0, min(len(pieces), d.head+d.tail)+2)
	ids = append(ids, beginToken)
	for i, p := range pieces {
		if len(pieces) <= d.head+d.tail || i < d.head || i >= len(pieces)-d.tail {
			ids = append(ids, int64(p))
		}
	}
	return append(ids, endToken)
}

func (d *deepStage) run(ids []int64) (*deepOutput, error) {
	out := new(deepOutput)
	err := runSession(d.session, []tensor{wrap(ids, 1, int64(len(ids)))},
		[]tensor{wrap(out.logits[:], 1, 16), wrap(out.difficulty[:], 1, 2), wrap(out.embedding[:], 1, EmbeddingSize)})
	return out, err
}

// tryOut runs the largest id and the longest text.
func (d *deepStage) tryOut(vocabulary int) error {
	ids := make([]int64, d.head+d.tail+2)
	for i := range ids {
		ids[i] = int64(vocabulary - 1)
	}
	_, err := d.run(ids)
	return err
}

// close waits for the runs that go on and frees the model.
func (d *deepStage) close() error {
	d.running.Wait()
	return d.session.Destroy()
}

// deepNote says on a classification why the fast answer stands.
func deepNote(err error) string {
	switch {
	case errors.Is(err, errLate):
		return classifier.NoteDeepLate
	case errors.Is(err, errFull):
		return classifier.NoteDeepFull
	}
	return classifier.NoteDeepError
}
