package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay/evals/duckdb"
)

func snapshotCommand(w world) *cobra.Command {
	var db, out string
	c := &cobra.Command{
		Use:   "snapshot --db FILE [--out FILE]",
		Short: "Publish a read-only copy of the database",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := os.Stat(db); err != nil {
				return usagef("%w: %s", duckdb.ErrNoDatabase, db)
			}
			store, err := duckdb.Open(c.Context(), db)
			if err != nil {
				return openFailure(err)
			}
			defer store.Close()
			path := out
			if out == "" {
				path, err = store.Publish(c.Context(), time.Now(), duckdb.Retention{})
			} else {
				err = store.SnapshotTo(c.Context(), out, time.Now())
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(w.stdout, path)
			return nil
		},
	}
	c.Flags().StringVar(&db, "db", defaultDB, "DuckDB file")
	c.Flags().StringVar(&out, "out", "", "file to write, which must not be there; none: a dated one in the snapshot folder")
	return c
}
