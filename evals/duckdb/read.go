package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"assay/evals"
)

// Runs lists all runs, newest first.
func (s *Store) Runs(ctx context.Context) ([]evals.Run, error) {
	return collect(ctx, s, `SELECT run_id, params_hash, params, endpoint_kind, status, note, started_at, updated_at, finished_at,
		planned, spent_nano FROM runs ORDER BY started_at DESC, run_id DESC`, nil, scanRun)
}

func scanRun(rows *sql.Rows) (r evals.Run, err error) {
	var params string
	var finished sql.NullTime
	err = rows.Scan(&r.ID, &r.ParamsHash, &params, &r.Kind, &r.Status, &r.Note, &r.StartedAt, &r.UpdatedAt, &finished, &r.Planned, &r.SpentNano)
	if err != nil {
		return r, err
	}
	if finished.Valid {
		r.FinishedAt = finished.Time
	}
	if err := json.Unmarshal([]byte(params), &r.Params); err != nil {
		return r, fmt.Errorf("parameters of run %s: %w", r.ID, err)
	}
	return r, nil
}

// Completions gives what a run has, by benchmark, model, item and sample.
func (s *Store) Completions(ctx context.Context, runID string) iter.Seq2[evals.Completion, error] {
	return stream(ctx, s, `SELECT `+strings.Join(completionsTable.columns, ", ")+` FROM completions WHERE run_id = ?
		ORDER BY benchmark, model, item_id, sample_index`, []any{runID}, scanCompletion)
}

func scanCompletion(rows *sql.Rows) (c evals.Completion, err error) {
	var in, read, write, out, reasoning, cost sql.NullInt64
	var latency int64
	err = rows.Scan(&c.RunID, &c.Benchmark, &c.Model, &c.ItemID, &c.Sample, &c.Hash, &c.DatasetHash, &c.State,
		&c.Kind, &c.Output, &c.Reasoning, &c.FinishReason, &c.RoutedModel, &c.Provider, &c.RequestID,
		&in, &read, &write, &out, &reasoning, &c.Usage.Estimated,
		&cost, &c.Doubtful, &latency, &c.Attempts, &c.HTTPStatus, &c.Error, &c.Permanent, &c.At)
	c.HasUsage, c.HasCost, c.CostNano = in.Valid, cost.Valid, cost.Int64
	c.Usage.Input, c.Usage.CacheRead, c.Usage.CacheWrite = in.Int64, read.Int64, write.Int64
	c.Usage.Output, c.Usage.Reasoning = out.Int64, reasoning.Int64
	c.Latency = time.Duration(latency) * time.Microsecond
	return c, err
}

// Grades lists the grades of a run in the order of its completions.
func (s *Store) Grades(ctx context.Context, runID string) ([]evals.Grade, error) {
	return collect(ctx, s, `SELECT `+strings.Join(gradesTable.columns, ", ")+` FROM grades WHERE run_id = ?
		ORDER BY benchmark, model, item_id, sample_index, extractor`, []any{runID}, func(rows *sql.Rows) (g evals.Grade, err error) {
		err = rows.Scan(&g.RunID, &g.Benchmark, &g.Model, &g.ItemID, &g.Sample, &g.Extractor, &g.Subject, &g.State, &g.Score,
			&g.Extracted, &g.Expected, &g.At)
		return g, err
	})
}

const selectScorecards = `SELECT s.run_id, s.benchmark, s.model, s.extractor, s.catalog_id, s.template, s.dataset, s.dataset_hash,
	s.endpoint_kind, s.planned, s.n, s.unparsed, s.length_cut, s.errors, s.score, s.stderr, s.clusters, s.cost_nano, s.costed,
	s.tokens_in, s.tokens_out, s.latency_ms, s.scored_at FROM scorecards s `

// Scorecards of a run by benchmark, model and extractor.
func (s *Store) Scorecards(ctx context.Context, runID string) ([]evals.Scorecard, error) {
	return collect(ctx, s, selectScorecards+`WHERE s.run_id = ? ORDER BY s.benchmark, s.model, s.extractor`, []any{runID}, scanScorecard)
}

// FinishedScorecards lists the scorecards of all finished runs, oldest first.
func (s *Store) FinishedScorecards(ctx context.Context) ([]evals.Scorecard, error) {
	return collect(ctx, s, selectScorecards+`JOIN runs r USING (run_id) WHERE r.finished_at IS NOT NULL
		ORDER BY s.scored_at, s.run_id, s.benchmark, s.model, s.extractor`, nil, scanScorecard)
}

func scanScorecard(rows *sql.Rows) (c evals.Scorecard, err error) {
	err = rows.Scan(&c.RunID, &c.Benchmark, &c.Model, &c.Extractor, &c.CatalogID, &c.Template, &c.Origin, &c.DatasetHash, &c.Kind,
		&c.Planned, &c.N, &c.Unparsed, &c.Length, &c.Errors, &c.Score, &c.StdErr, &c.Clusters, &c.CostNano, &c.Costed,
		&c.TokensIn, &c.TokensOut, &c.LatencyMS, &c.At)
	return c, err
}

// stream gives the rows of a query one by one.
func stream[T any](ctx context.Context, s *Store, q string, args []any, scan func(*sql.Rows) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := s.db.QueryContext(ctx, q, args...)
		if err != nil {
			yield(zero, fmt.Errorf("database %s: %w", s.path, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				err = fmt.Errorf("database %s: %w", s.path, err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, fmt.Errorf("database %s: %w", s.path, err))
		}
	}
}

func collect[T any](ctx context.Context, s *Store, q string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var out []T
	for v, err := range stream(ctx, s, q, args, scan) {
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
