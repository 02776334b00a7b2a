package duckdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/models"
	"assay/scoring"
)

var (
	tierHistoryTable = newTable("tier_history", `seq table_id family model parent night created_at evidence tier previous_tier
		placement capability lo hi reason run_ids`)
	scoreHistoryTable = newTable("score_history", `seq table_id parent family night created_at evidence capability lo hi overseas chinese
		observed_share theta theta_sd`)
	componentsTable = newTable("score_components", `table_id family model benchmark run_id endpoint_kind n score stderr`)
	publishedTable  = newTable("published_scores", `row_key family benchmark value unit setting reporter source variant published_on`)
	pricesTable     = newTable("price_history", `row_key model unit direction service_class from_tokens nano_usd_per_million
		valid_from source first_seen`)
)

// RecordTiers adds a tier table to the history: placements that differ from
// the ones before it, the scores of every family, and the own measurements
// behind it. why gives the reason of a change by host ID, or by family for a
// whole family. Recording a table twice changes nothing.
func (s *Store) RecordTiers(ctx context.Context, t scoring.Tiers, used []scoring.Measurement, family func(modelID string) string, why map[string]string) error {
	var known, seq int64
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FILTER (table_id = ?), coalesce(max(seq), 0) + 1 FROM score_history`, t.ID).Scan(&known, &seq)
	if err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	if known > 0 {
		return nil
	}
	before, err := s.placements(ctx)
	if err != nil {
		return err
	}
	components := make([][]any, len(used))
	for i, m := range used {
		components[i] = []any{t.ID, family(m.ModelID), m.ModelID, m.Benchmark, m.RunID, m.EndpointKind, m.N, m.Score, m.StdErr}
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		for _, part := range []struct {
			t    table
			rows [][]any
		}{{tierHistoryTable, tierRows(seq, t, before, why)}, {scoreHistoryTable, scoreRows(seq, t)}, {componentsTable, components}} {
			if err := upsert(ctx, tx, part.t, part.rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// placed names a family, or one host of it.
type placed struct{ family, model string }

func (s *Store) placements(ctx context.Context) (map[placed]scoring.Tier, error) {
	type row struct {
		placed
		tier scoring.Tier
	}
	rows, err := collect(ctx, s, `SELECT family, model, tier FROM v_tiers`, nil, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.family, &r.model, &r.tier)
		return r, err
	})
	out := map[placed]scoring.Tier{}
	for _, r := range rows {
		out[r.placed] = r.tier
	}
	return out, err
}

func tierRows(seq int64, t scoring.Tiers, before map[placed]scoring.Tier, why map[string]string) [][]any {
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(t.Families)) {
		f := t.Families[name]
		add := func(model string, tier scoring.Tier) {
			previous, had := before[placed{name, model}]
			if had && previous == tier {
				return
			}
			var from any
			if had {
				from = string(previous)
			}
			reason := why[model]
			if reason == "" {
				reason = why[name]
			}
			if reason == "" {
				reason = strings.Join(f.Reasons, "; ")
			}
			rows = append(rows, []any{seq, t.ID, name, model, t.Parent, t.CreatedAt.UTC().Format(time.DateOnly), t.CreatedAt.UTC(),
				string(t.Evidence), string(tier), from, f.Placement, f.Capability, f.Lo, f.Hi, text(reason), encode(t.RunIDs)})
		}
		add("", f.Tier)
		for _, model := range slices.Sorted(maps.Keys(f.Hosts)) {
			add(model, t.TierOf(name, model))
		}
	}
	return rows
}

func scoreRows(seq int64, t scoring.Tiers) [][]any {
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(t.Families)) {
		f := t.Families[name]
		a := f.Abilities[scoring.General]
		rows = append(rows, []any{seq, t.ID, t.Parent, name, t.CreatedAt.UTC().Format(time.DateOnly), t.CreatedAt.UTC(), string(t.Evidence),
			f.Capability, f.Lo, f.Hi, f.Overseas, f.Chinese, f.ObservedShare, a.Theta, a.SD})
	}
	return rows
}

// RecordCatalog keeps the published scores and prices of the catalogue. Rows
// that are there already stay as they are.
func (s *Store) RecordCatalog(ctx context.Context, c *models.Catalog, now time.Time) error {
	var scores, prices [][]any
	seen, err := s.keys(ctx)
	if err != nil {
		return err
	}
	add := func(rows *[][]any, key string, row ...any) {
		if !seen[key] {
			seen[key] = true
			*rows = append(*rows, append([]any{key}, row...))
		}
	}
	for _, p := range c.Scores() {
		add(&scores, rowKey("score", p.Family, p.Benchmark, p.Value, p.Unit, p.Setting, p.Reporter, p.Source, p.Variant, date(p.Date)),
			p.Family, p.Benchmark, p.Value, p.Unit, text(p.Setting), p.Reporter, text(p.Source), text(p.Variant), date(p.Date))
	}
	for _, m := range c.Models() {
		for _, p := range m.Prices {
			add(&prices, rowKey("price", m.ID, p.Unit, p.Direction, p.ServiceClass, p.FromTokens, p.NanoUSDPerMillion, date(p.ValidFrom)),
				m.ID, p.Unit, string(p.Direction), p.ServiceClass, p.FromTokens, p.NanoUSDPerMillion, date(p.ValidFrom), text(p.Source), now.UTC())
		}
	}
	if len(scores)+len(prices) == 0 {
		return nil
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if err := upsert(ctx, tx, publishedTable, scores); err != nil {
			return err
		}
		return upsert(ctx, tx, pricesTable, prices)
	})
}

func (s *Store) keys(ctx context.Context) (map[string]bool, error) {
	list, err := collect(ctx, s, `SELECT row_key FROM published_scores UNION ALL SELECT row_key FROM price_history`, nil,
		func(rows *sql.Rows) (k string, err error) { err = rows.Scan(&k); return })
	out := make(map[string]bool, len(list))
	for _, k := range list {
		out[k] = true
	}
	return out, err
}

func rowKey(parts ...any) string {
	sum := sha256.Sum256([]byte(encode(parts)))
	return hex.EncodeToString(sum[:16])
}

func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.DateOnly)
}

// TierMove is one line of the tier history.
type TierMove struct {
	Night      time.Time
	At         time.Time
	TableID    string
	Family     string
	Model      string // a host; "": the whole family
	From, To   scoring.Tier
	First      bool // the first placement: From says nothing
	Evidence   string
	Capability float64
	Lo, Hi     float64
	Reason     string
}

// TierMoves lists the changes of tiers, newest first, of one family or model
// or of all (""). With first, first placements are listed too.
func (s *Store) TierMoves(ctx context.Context, of string, first bool) ([]TierMove, error) {
	return collect(ctx, s, `SELECT night, created_at, table_id, family, model, coalesce(previous_tier, ''), tier, previous_tier IS NULL,
		evidence, capability, lo, hi, reason FROM tier_history
		WHERE (? = '' OR family = ? OR model = ?) AND (? OR previous_tier IS NOT NULL)
		ORDER BY seq DESC, family, model`, []any{of, of, of, first}, func(rows *sql.Rows) (m TierMove, err error) {
		err = rows.Scan(&m.Night, &m.At, &m.TableID, &m.Family, &m.Model, &m.From, &m.To, &m.First, &m.Evidence, &m.Capability, &m.Lo, &m.Hi, &m.Reason)
		return m, err
	})
}

// TierTable is one table of the history.
type TierTable struct {
	ID, Parent, Evidence string
	At                   time.Time
	Families, Changes    int
}

// TierTables lists the recorded tables, newest first.
func (s *Store) TierTables(ctx context.Context) ([]TierTable, error) {
	return collect(ctx, s, `SELECT table_id, max(evidence), max(created_at), count(*),
		(SELECT count(*) FROM tier_history h WHERE h.table_id = score_history.table_id AND previous_tier IS NOT NULL), max(parent)
		FROM score_history GROUP BY table_id ORDER BY max(seq) DESC`, nil, func(rows *sql.Rows) (t TierTable, err error) {
		err = rows.Scan(&t.ID, &t.Evidence, &t.At, &t.Families, &t.Changes, &t.Parent)
		return t, err
	})
}
