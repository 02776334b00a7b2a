package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/evals"
)

// latestName is the link to the newest snapshot.
const latestName = "latest"

// Retention says which snapshots are kept: the last Last ones, and the last of
// each night (UTC) for Days days. Zero values take 5 and 30.
type Retention struct{ Last, Days int }

// SnapshotDir is the folder in which the snapshots of a database lie:
// evals.duckdb has evals.snapshots beside it.
func SnapshotDir(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".snapshots"
}

// Changed reports whether anything was put since the last snapshot.
func (s *Store) Changed() bool { return s.writes.Load() != s.snapped.Load() }

// Publish writes a dated snapshot into the snapshot folder, points the link at
// it, and removes snapshots that need not be kept. It gives the snapshot's path.
func (s *Store) Publish(ctx context.Context, now time.Time, keep Retention) (string, error) {
	dir := SnapshotDir(s.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("snapshot folder: %w", err)
	}
	stem := strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path))
	for try := 0; ; try++ {
		name := stem + now.UTC().Format("-20060102T150405.000Z")
		if try > 0 {
			name = fmt.Sprintf("%s-%d", name, try)
		}
		path := filepath.Join(dir, name+".duckdb")
		err := s.SnapshotTo(ctx, path, now)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if err := relink(dir, filepath.Base(path)); err != nil {
			return "", err
		}
		return path, prune(dir, stem, now, keep)
	}
}

// SnapshotTo copies the database into a new read-only file. It never
// overwrites: if the file is there, the error is fs.ErrExist. The copy is one
// consistent state; writers go on meanwhile.
func (s *Store) SnapshotTo(ctx context.Context, path string, now time.Time) error {
	s.snapping.Lock()
	defer s.snapping.Unlock()
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("snapshot %s: %w; snapshots are never overwritten", path, fs.ErrExist)
	}
	seen := s.writes.Load()
	tmp, err := tempName(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer os.Remove(tmp)
	defer os.Remove(tmp + ".wal")
	if err := s.copyTo(ctx, tmp, now); err != nil {
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	if err := os.Chmod(tmp, 0o444); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := os.Link(tmp, path); err != nil { // unlike a rename, a link never replaces
		return fmt.Errorf("snapshot: %w", err)
	}
	s.snapped.Store(seen)
	return nil
}

// tempName finds a free hidden name; DuckDB wants to make the file itself.
func tempName(dir string) (string, error) {
	f, err := os.CreateTemp(dir, ".snapshot-*.tmp")
	if err != nil {
		return "", err
	}
	f.Close()
	return f.Name(), os.Remove(f.Name())
}

// copyTo copies everything and adds the one row that says what this is.
func (s *Store) copyTo(ctx context.Context, path string, now time.Time) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var main string
	if err := conn.QueryRowContext(ctx, `SELECT current_database()`).Scan(&main); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `ATTACH '`+strings.ReplaceAll(path, `'`, `''`)+`' AS snapshot_copy`); err != nil {
		return err
	}
	defer func() {
		if _, e := conn.ExecContext(context.WithoutCancel(ctx), `DETACH snapshot_copy`); err == nil {
			err = e
		}
	}()
	if _, err := conn.ExecContext(ctx, `COPY FROM DATABASE "`+strings.ReplaceAll(main, `"`, `""`)+`" TO snapshot_copy`); err != nil {
		return err
	}
	// Read from the copy itself, the row cannot disagree with it.
	_, err = conn.ExecContext(ctx, `CREATE TABLE snapshot_copy.snapshot_info AS SELECT
		CAST(? AS TIMESTAMP) AS published_at,
		(SELECT max(night) FROM snapshot_copy.runs WHERE finished_at IS NOT NULL) AS last_complete_night,
		(SELECT coalesce(string_agg(run_id, ',' ORDER BY run_id), '') FROM snapshot_copy.runs WHERE finished_at IS NULL) AS runs_left_out,
		(SELECT coalesce(max(version), 0) FROM snapshot_copy.schema_migrations) AS schema_version`, now.UTC())
	return err
}

// relink points the link at a snapshot in one step.
func relink(dir, name string) error {
	tmp := filepath.Join(dir, fmt.Sprintf(".latest-%d", os.Getpid()))
	os.Remove(tmp)
	if err := os.Symlink(name, tmp); err != nil {
		return fmt.Errorf("snapshot link: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, latestName)); err != nil {
		return fmt.Errorf("snapshot link: %w", err)
	}
	return nil
}

// prune removes the snapshots that the retention does not keep.
func prune(dir, stem string, now time.Time, keep Retention) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("snapshot folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stem+"-") && strings.HasSuffix(e.Name(), ".duckdb") {
			names = append(names, e.Name())
		}
	}
	for _, name := range superfluous(names, stem, now, keep) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("old snapshot: %w", err)
		}
	}
	return nil
}

// superfluous lists the names that need not be kept. Names sort by time.
func superfluous(names []string, stem string, now time.Time, keep Retention) []string {
	if keep.Last <= 0 {
		keep.Last = 5
	}
	if keep.Days <= 0 {
		keep.Days = 30
	}
	slices.Sort(names)
	oldest := now.UTC().AddDate(0, 0, -keep.Days).Format("20060102")
	var out []string
	for i, name := range names {
		night := nightOf(name, stem)
		lastOfNight := i+1 == len(names) || nightOf(names[i+1], stem) != night
		if i < len(names)-keep.Last && !(lastOfNight && night >= oldest) {
			out = append(out, name)
		}
	}
	return out
}

func nightOf(name, stem string) string {
	rest := strings.TrimPrefix(name, stem+"-")
	return rest[:min(8, len(rest))]
}

// Info is the one row of a snapshot that says what it is.
type Info struct {
	PublishedAt       time.Time
	LastCompleteNight time.Time // zero: none
	RunsLeftOut       []string  // unfinished runs, which the views do not show
	SchemaVersion     int
}

// Info reads a snapshot's row.
func (s *Store) Info(ctx context.Context) (Info, error) {
	var i Info
	var night *time.Time
	var left string
	err := s.db.QueryRowContext(ctx, `SELECT published_at, last_complete_night, runs_left_out, schema_version FROM snapshot_info`).
		Scan(&i.PublishedAt, &night, &left, &i.SchemaVersion)
	if err != nil {
		return i, fmt.Errorf("%s is no snapshot: %w", s.path, err)
	}
	if night != nil {
		i.LastCompleteNight = *night
	}
	if left != "" {
		i.RunsLeftOut = strings.Split(left, ",")
	}
	return i, nil
}

var _ evals.Store = (*Store)(nil)
var _ evals.Reader = (*Store)(nil)
