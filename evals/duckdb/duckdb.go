// Package duckdb keeps eval results in a DuckDB file: the store that a run
// writes, the snapshots that everybody else reads, and the views that analysts
// query. It is the only package that knows DuckDB.
//
// DuckDB gives a file to one process at a time, readers included. So the
// process that writes publishes snapshots (snapshot.go), and commands that only
// read fall back to the newest one when the file is locked (OpenReader).
package duckdb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/marcboeker/go-duckdb/v2" // the "duckdb" driver

	"assay/evals"
)

// Store is an open eval database.
type Store struct {
	db       *sql.DB
	path     string
	readOnly bool
	writes   atomic.Int64 // batches put, for Changed
	snapped  atomic.Int64 // writes at the last snapshot
	snapping sync.Mutex
}

//go:embed migrations/*.sql
var migrations embed.FS

// open in this process; DuckDB's own lock does not see the same process twice.
var openFiles sync.Map

// Open opens the database for writing, makes it and its folder if need be, and
// brings its schema up to date. If another process has it, the error is
// evals.ErrLocked and says who.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	s, err := open(ctx, path, false)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, path string, readOnly bool) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	if strings.ContainsAny(abs, "?") {
		return nil, fmt.Errorf("database %s: a path with a question mark cannot be opened", path)
	}
	if !readOnly {
		if _, taken := openFiles.LoadOrStore(abs, true); taken {
			return nil, fmt.Errorf("%w: %s is already open in this process", evals.ErrLocked, path)
		}
	}
	release := func() {
		if !readOnly {
			openFiles.Delete(abs)
		}
	}
	mode := "automatic"
	if readOnly {
		mode = "read_only"
		// By its own name: a link that moves on while another reader of this
		// process opens it is two files under one name, which DuckDB refuses.
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			abs = real
		}
	}
	db, err := sql.Open("duckdb", abs+"?access_mode="+mode)
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		release()
		return nil, openError(path, err)
	}
	return &Store{db: db, path: abs, readOnly: readOnly}, nil
}

var lockHolder = regexp.MustCompile(`Conflicting lock is held in (.*?) \(PID (\d+)\)`)

// openError turns the driver's message into one that says what to do.
func openError(path string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "Could not set lock"):
		who := "another process"
		if m := lockHolder.FindStringSubmatch(text); m != nil {
			who = fmt.Sprintf("%s (process %s)", filepath.Base(m[1]), m[2])
		}
		return fmt.Errorf("%w: %s is held by %s; wait until it ends or stop it, or read the newest snapshot in %s",
			evals.ErrLocked, path, who, SnapshotDir(path))
	case strings.Contains(text, "not a valid DuckDB database"):
		return fmt.Errorf("%w: %s: move it away or name another file", ErrNotDatabase, path)
	}
	text = strings.TrimPrefix(text, "database/sql/driver: could not connect to database: ")
	return fmt.Errorf("open database %s: %s", path, text)
}

// Errors that a caller branches on.
var (
	ErrNotDatabase = errors.New("the file is no DuckDB database")
	ErrNoDatabase  = errors.New("there is no eval database")
	ErrNewerSchema = errors.New("the database was written by a newer version")
)

// migrate applies the numbered migrations that the file does not have yet,
// each in a transaction of its own.
func (s *Store) migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL)`); err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	have, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted by name
	if err != nil {
		return err
	}
	if have > len(files) {
		return fmt.Errorf("%w: %s has schema %d, this program knows %d", ErrNewerSchema, s.path, have, len(files))
	}
	for i, file := range files[have:] {
		if err := s.apply(ctx, have+i+1, file); err != nil {
			return fmt.Errorf("database %s: migration %s: %w", s.path, file, err)
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, version int, file string) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_migrations VALUES (?, ?, ?)`, version, filepath.Base(file), time.Now().UTC()); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) schemaVersion(ctx context.Context) (int, error) {
	var v int
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("%w: %s has no schema of evals (%v)", ErrNoDatabase, s.path, err)
	}
	return v, nil
}

// Path is the file's absolute path.
func (s *Store) Path() string { return s.path }

// Close ends the use of the file.
func (s *Store) Close() error {
	err := s.db.Close()
	if !s.readOnly {
		openFiles.Delete(s.path)
	}
	return err
}

// Source says what a reader really opened.
type Source struct {
	Path        string
	Snapshot    bool      // a snapshot, because the database is in use
	PublishedAt time.Time // of the snapshot
}

// OpenReader opens the database read-only, or, if another process has it, its
// newest snapshot.
func OpenReader(ctx context.Context, path string) (*Store, Source, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, Source{}, fmt.Errorf("%w: %s; run `evals run` first or name another file", ErrNoDatabase, path)
	}
	s, err := open(ctx, path, true)
	if err == nil {
		return s.checked(ctx, Source{Path: path})
	}
	if !errors.Is(err, evals.ErrLocked) {
		return nil, Source{}, err
	}
	latest := filepath.Join(SnapshotDir(path), latestName)
	if _, statErr := os.Stat(latest); statErr != nil {
		return nil, Source{}, fmt.Errorf("%w, and no snapshot is there yet", err)
	}
	if s, err = open(ctx, latest, true); err != nil {
		return nil, Source{}, err
	}
	src := Source{Path: latest, Snapshot: true}
	if err := s.db.QueryRowContext(ctx, `SELECT published_at FROM snapshot_info`).Scan(&src.PublishedAt); err != nil {
		s.Close()
		return nil, Source{}, fmt.Errorf("snapshot %s: %w", latest, err)
	}
	return s.checked(ctx, src)
}

func (s *Store) checked(ctx context.Context, src Source) (*Store, Source, error) {
	if _, err := s.schemaVersion(ctx); err != nil {
		s.Close()
		return nil, Source{}, err
	}
	return s, src, nil
}
