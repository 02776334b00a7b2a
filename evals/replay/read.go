package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/classifier"
	"assay/router"
	"assay/scoring/success"
)

// Classifier reads prompts: the trained model, or a fake in tests.
type Classifier interface {
	Classify(ctx context.Context, in classifier.Input) (classifier.Classification, error)
	// Embed is asked only if the features hold the embedding.
	Embed(ctx context.Context, in classifier.Input) ([]float32, error)
}

// Features say what predictions may read of a prompt.
type Features struct{ Embedding, Words bool }

// ParseFeatures reads a list such as "embedding,words".
func ParseFeatures(list string) (Features, error) {
	var f Features
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "embedding":
			f.Embedding = true
		case "words":
			f.Words = true
		default:
			return f, fmt.Errorf("feature %q: want embedding, words or both", name)
		}
	}
	return f, nil
}

// String writes the list that ParseFeatures reads.
func (f Features) String() string {
	var names []string
	if f.Embedding {
		names = append(names, "embedding")
	}
	if f.Words {
		names = append(names, "words")
	}
	return strings.Join(names, ",")
}

// item is a row with all that is read of its prompt.
type item struct {
	Row
	bucket      uint64
	group       int // of the split: which fits may know its outcomes
	train, test bool

	class  classifier.Classification
	prompt success.Prompt
	tokens int64
}

// readers classify at once; the deep stage has a core each.
const readers = 2

// readPrompts classifies every item, counts its tokens and hashes its words.
// Without the embedding among the features, the classifier's difficulty is
// blanked as well: its weights saw outcomes of the open sources.
func readPrompts(ctx context.Context, items []*item, c Classifier, tokens *router.Tokens, f Features, progress io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	stop := tick(progress, &done, len(items))
	work := make(chan *item)
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for it := range work {
				if err := it.read(ctx, c, tokens, f); err != nil {
					cancel(fmt.Errorf("%s %s: %w", it.Source, it.ID, err))
				}
				done.Add(1)
			}
		})
	}
	for _, it := range items {
		if ctx.Err() != nil {
			break
		}
		work <- it
	}
	close(work)
	group.Wait()
	stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (it *item) read(ctx context.Context, c Classifier, tokens *router.Tokens, f Features) error {
	in := classifier.Prompt(it.Prompt)
	var err error
	if it.class, err = c.Classify(ctx, in); err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	if f.Embedding {
		if it.prompt.Embedding, err = c.Embed(ctx, in); err != nil {
			return fmt.Errorf("embed: %w", err)
		}
		if len(it.prompt.Embedding) == 0 {
			return errors.New("embed: no embedding")
		}
	} else {
		it.class.Difficulty, it.class.DifficultySD, it.class.Level = 0, 0, classifier.LevelOf(0)
	}
	if f.Words {
		it.prompt.Words = success.WordsOf(it.Prompt)
	}
	it.tokens = tokens.Prompt(it.Prompt, 1, 0, "")
	return nil
}

// tick writes a line of progress every two seconds until stop is called.
func tick(w io.Writer, done *atomic.Int64, n int) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		for every := time.NewTicker(2 * time.Second); ; {
			select {
			case <-every.C:
				fmt.Fprintf(w, "reading prompts: %d of %d, %.0f s\n", done.Load(), n, time.Since(start).Seconds())
			case <-quit:
				every.Stop()
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
		fmt.Fprintf(w, "reading prompts: %d of %d, %.0f s\n", done.Load(), n, time.Since(start).Seconds())
	}
}
