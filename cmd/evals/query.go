package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"assay/evals/duckdb"
)

func queryCommand(w world) *cobra.Command {
	var db, format string
	c := &cobra.Command{
		Use:   `query --db FILE "SQL"`,
		Short: "Query the results, read-only",
		Long:  "Query the results, read-only. Views for analysts begin with v_: v_scores, v_latest_scores, v_answers, v_spend, v_runs, v_tiers, v_tier_history, v_score_history.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"table", "csv", "json"}, format) {
				return usagef("--format %q: want table, csv or json", format)
			}
			store, err := openReader(c.Context(), w, db)
			if err != nil {
				return err
			}
			defer store.Close()
			return queryTo(c.Context(), w.stdout, store, args[0], format)
		},
	}
	c.Flags().StringVar(&db, "db", defaultDB, "DuckDB file")
	c.Flags().StringVar(&format, "format", "table", "table, csv or json")
	return c
}

func queryTo(ctx context.Context, w io.Writer, store *duckdb.Store, q, format string) error {
	names, rows, err := store.Query(ctx, q)
	if err != nil {
		return usagef("query: %w", err)
	}
	switch format {
	case "csv":
		err = writeCSV(w, names, rows)
	case "json":
		err = writeJSON(w, names, rows)
	default:
		err = writeTable(w, names, rows)
	}
	if err != nil {
		return usagef("query: %w", err)
	}
	return nil
}

func writeTable(w io.Writer, names []string, rows iter.Seq2[[]any, error]) error {
	t := newTable(names...)
	for row, err := range rows {
		if err != nil {
			return err
		}
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = short(cellText(v), 200)
			switch v.(type) {
			case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64:
				t.right[i] = true
			}
		}
		t.add(cells...)
	}
	t.print(w)
	return nil
}

func writeCSV(w io.Writer, names []string, rows iter.Seq2[[]any, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = cellText(v)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes a list of objects whose fields are in the order of columns.
func writeJSON(w io.Writer, names []string, rows iter.Seq2[[]any, error]) error {
	first := true
	fmt.Fprint(w, "[")
	for row, err := range rows {
		if err != nil {
			return err
		}
		if !first {
			fmt.Fprint(w, ",")
		}
		first = false
		fmt.Fprint(w, "\n {")
		for i, v := range row {
			key, err := json.Marshal(names[i])
			if err != nil {
				return err
			}
			value, err := json.Marshal(v)
			if err != nil { // NaN and infinity have no JSON
				value = []byte("null")
			}
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, "%s:%s", key, value)
		}
		fmt.Fprint(w, "}")
	}
	_, err := fmt.Fprintln(w, "\n]")
	return err
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any, map[string]any:
		b, err := json.Marshal(v)
		if err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}
