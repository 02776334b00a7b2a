package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"assay/deploy/bench/load"
	"assay/deploy/bench/mock"
)

var errNoAnswer = errors.New("not one answer")

// bench is a plan under way.
type bench struct {
	*plan
	root, dir string
	progress  io.Writer
	provider  *provider
	bodies    map[bodyKey]*load.Bodies
	serial    uint64 // of the next request: no distinct prompt is ever sent twice
	out       *report
}

// run does what was planned. Systems that cannot be had are in the report; an
// error means that there is none.
func (p *plan) run(ctx context.Context, progress io.Writer) (*report, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-gateway-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{plan: p, root: root, dir: dir, progress: progress, bodies: map[bodyKey]*load.Bodies{}, out: newReport(ctx, p)}
	if b.provider, err = startProvider(ctx, p.cores, dir); err != nil {
		return nil, err
	}
	defer b.provider.stop()
	for _, j := range p.jobs {
		if err := b.under(ctx, j); err != nil {
			return nil, err
		}
	}
	if err := b.classifiers(ctx); err != nil {
		return nil, err
	}
	return b.out, ctx.Err()
}

// under measures all systems under one load, in turns: A B C A B C. Whoever
// has not its turn is stopped, and every load meets fresh processes.
func (b *bench) under(ctx context.Context, j job) error {
	script := mock.Script{Chunks: streamChunks}
	if j.Paced {
		script.Pace = streamPace
	}
	if err := b.provider.follow(ctx, script); err != nil {
		return err
	}
	systems := b.launchAll(ctx, j)
	defer func() {
		for _, r := range systems {
			r.process.stop()
		}
	}()
	alone := &running{spec: spec{Name: direct}, launch: launch{model: "bench"}, addr: b.provider.addr}
	for round := 1; round <= b.rounds; round++ {
		baseline := map[int]load.StreamResult{}
		for _, r := range systems {
			if err := ctx.Err(); err != nil {
				return err
			}
			fmt.Fprintf(b.progress, "bench: %s, round %d of %d: %s\n", j.Name, round, b.rounds, r.Name)
			r.process.resume()
			s, err := b.sample(ctx, r, alone, j, round, baseline)
			r.process.pause()
			if err != nil {
				return fmt.Errorf("%s, %s: %w", j.Name, r.Name, err)
			}
			b.out.add(s)
			if s.Errors > 0 {
				fmt.Fprintf(b.progress, "bench: ERRORS: %s, %s: %d, the first: %s\n", j.Name, r.Name, s.Errors, s.FirstError)
			}
		}
	}
	return nil
}

func (b *bench) sample(ctx context.Context, r, alone *running, j job, round int, baseline map[int]load.StreamResult) (sample, error) {
	if j.Paced {
		return b.paced(ctx, r, alone, j, round, baseline)
	}
	return b.closed(ctx, r, j, round)
}

// launchAll starts the systems, each paused once it is ready.
func (b *bench) launchAll(ctx context.Context, j job) (all []*running) {
	for _, s := range b.systems {
		if b.out.isOut(s.Name) || ctx.Err() != nil {
			continue
		}
		r, err := b.launch(ctx, s, j)
		if err != nil {
			b.out.leaveOut(s, err)
			fmt.Fprintf(b.progress, "bench: %s is left out: %v\n", s.Name, err)
			continue
		}
		r.process.pause()
		all = append(all, r)
	}
	return all
}

func (b *bench) launch(ctx context.Context, s spec, j job) (*running, error) {
	if s.prepare == nil {
		return &running{spec: s, launch: launch{model: "bench"}, addr: b.provider.addr}, nil
	}
	if s.Peer && !b.peers {
		return nil, fmt.Errorf("%w: peers are measured with PEERS=1", errSkip)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	where := site{Dir: filepath.Join(b.dir, j.Name, s.Name), Addr: addr, Upstream: b.provider.addr, Root: b.root}
	if err := os.MkdirAll(where.Dir, 0o755); err != nil {
		return nil, err
	}
	l, err := s.prepare(ctx, where)
	if err != nil {
		return nil, err
	}
	p, err := start(s.Name, b.cores.system, where.Dir, l.argv, l.env)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, l.within, l.ready); err != nil {
		p.stop()
		if s.Peer {
			err = fmt.Errorf("%w: not started: %w", errSkip, err)
		}
		return nil, err
	}
	b.out.version(s.Name, l.version)
	return &running{s, l, p, addr}, nil
}
