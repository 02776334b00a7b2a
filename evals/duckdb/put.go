package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/evals"
)

// Put stores a batch in one transaction.
func (s *Store) Put(ctx context.Context, b evals.Batch) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		for _, part := range []struct {
			t    table
			rows [][]any
		}{
			{runsTable, rowsOf(b.Runs, runRow)},
			{itemsTable, rowsOf(b.Items, itemRow)},
			{completionsTable, rowsOf(b.Completions, completionRow)},
			{gradesTable, rowsOf(b.Grades, gradeRow)},
			{scorecardsTable, rowsOf(b.Scorecards, scorecardRow)},
		} {
			if err := upsert(ctx, tx, part.t, part.rows); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) transaction(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	s.writes.Add(1)
	return nil
}

// table is a table with the columns that are written, in their order.
type table struct {
	name    string
	columns []string
}

func newTable(name, columns string) table { return table{name, strings.Fields(columns)} }

var (
	runsTable = newTable("runs", `run_id params_hash params base_url seed item_limit endpoint_kind status note night
		started_at updated_at finished_at planned spent_nano`)
	itemsTable       = newTable("items", `benchmark dataset_hash item_id subject lang question choices answer`)
	completionsTable = newTable("completions", `run_id benchmark model item_id sample_index completion_hash dataset_hash state
		endpoint_kind output reasoning finish_reason routed_model provider request_id
		input_tokens cache_read_tokens cache_write_tokens output_tokens reasoning_tokens usage_estimated
		cost_nano doubtful_nano latency_us attempts http_status error permanent answered_at`)
	gradesTable = newTable("grades", `run_id benchmark model item_id sample_index extractor subject status score
		extracted expected graded_at`)
	scorecardsTable = newTable("scorecards", `run_id benchmark model extractor catalog_id template dataset dataset_hash
		endpoint_kind planned n unparsed length_cut errors score stderr clusters cost_nano costed tokens_in tokens_out
		latency_ms scored_at`)
)

// upsertRows is how many rows one statement carries.
const upsertRows = 100

// upsert inserts rows, replacing those with the same primary key.
func upsert(ctx context.Context, tx *sql.Tx, t table, rows [][]any) error {
	for chunk := range slices.Chunk(rows, upsertRows) {
		one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",") + ")"
		q := "INSERT OR REPLACE INTO " + t.name + " (" + strings.Join(t.columns, ",") + ") VALUES " +
			strings.TrimSuffix(strings.Repeat(one+",", len(chunk)), ",")
		if _, err := tx.ExecContext(ctx, q, slices.Concat(chunk...)...); err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
	}
	return nil
}

func rowsOf[T any](values []T, row func(T) []any) [][]any {
	out := make([][]any, len(values))
	for i, v := range values {
		out[i] = row(v)
	}
	return out
}

func runRow(r evals.Run) []any {
	return []any{r.ID, r.ParamsHash, encode(r.Params), r.Params.BaseURL, r.Params.Seed, r.Params.Limit, string(r.Kind), string(r.Status),
		text(r.Note), r.Night(), r.StartedAt.UTC(), r.UpdatedAt.UTC(), nullTime(r.FinishedAt), r.Planned, r.SpentNano}
}

func itemRow(i evals.Item) []any {
	choices := i.Choices
	if choices == nil {
		choices = []string{}
	}
	return []any{i.Benchmark, i.DatasetHash, text(i.ID), text(i.Subject), i.Lang, text(i.Question), encode(choices), text(i.Answer)}
}

func completionRow(c evals.Completion) []any {
	row := []any{c.RunID, c.Benchmark, c.Model, text(c.ItemID), c.Sample, c.Hash, c.DatasetHash, string(c.State),
		string(c.Kind), text(c.Output), text(c.Reasoning), text(c.FinishReason), text(c.RoutedModel), text(c.Provider), text(c.RequestID)}
	if c.HasUsage {
		u := c.Usage
		row = append(row, u.Input, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning, u.Estimated)
	} else {
		row = append(row, nil, nil, nil, nil, nil, false)
	}
	cost := any(nil)
	if c.HasCost {
		cost = c.CostNano
	}
	return append(row, cost, c.Doubtful, c.Latency.Microseconds(), c.Attempts, c.HTTPStatus, text(c.Error), c.Permanent, c.At.UTC())
}

func gradeRow(g evals.Grade) []any {
	return []any{g.RunID, g.Benchmark, g.Model, text(g.ItemID), g.Sample, g.Extractor, text(g.Subject), string(g.State), g.Score,
		text(g.Extracted), text(g.Expected), g.At.UTC()}
}

func scorecardRow(s evals.Scorecard) []any {
	return []any{s.RunID, s.Benchmark, s.Model, s.Extractor, s.CatalogID, s.Template, s.Origin, s.DatasetHash, string(s.Kind),
		s.Planned, s.N, s.Unparsed, s.Length, s.Errors, s.Score, s.StdErr, s.Clusters, s.CostNano, s.Costed, s.TokensIn, s.TokensOut,
		s.LatencyMS, s.At.UTC()}
}

// text makes a string storable: DuckDB takes valid UTF-8 only.
func text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // plain structs always encode
		panic(fmt.Sprintf("duckdb: %v", err))
	}
	return string(b)
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}
