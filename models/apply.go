package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// versionsDir holds the installed states of a catalogue directory, each in a
// folder named by its time and content; currentLink points to one of them.
const versionsDir = "versions"

// keptVersions is how many states stay for going back, the present included.
const keptVersions = 10

// staleAfter is when leftovers of an interrupted installation may be removed.
const staleAfter = time.Hour

// Apply installs the catalogue files of src in dst, for LoadDir and Watcher.
// They are validated first, laid over the embedded data; Problems says what is
// wrong and dst stays as it was. The files become a dated folder
// dst/versions/TIME-DIGEST, then the link dst/current moves there in one
// rename: whoever reads dst, and whenever this stops, sees either the old or
// the new state whole. Earlier states stay in dst/versions; to go back, apply
// one of them. Applying what is current already changes nothing.
func Apply(src, dst string) error {
	return installer{now: time.Now, step: func(string) error { return nil }}.apply(src, dst)
}

// installer does the work of Apply. step is called before each change on disk
// and may stop it, which is how tests interrupt an installation.
type installer struct {
	now  func() time.Time
	step func(name string) error
}

func (in installer) apply(src, dst string) error {
	l, err := dirLayer(src)
	if err != nil {
		return err
	}
	if len(l.files) == 0 {
		return fmt.Errorf("catalogue directory %s: has no CSV file; one or more of %s is needed", src, strings.Join(fileNames, ", "))
	}
	if _, err := overEmbedded(l); err != nil {
		return err
	}
	if err := refusePlain(dst); err != nil {
		return err
	}
	if present, err := dirLayer(dst); err == nil && present.digest() == l.digest() {
		return nil
	}
	versions := filepath.Join(dst, versionsDir)
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	name := in.now().UTC().Format("20060102T150405Z") + "-" + l.digest()
	if err := in.store(l, versions, name); err != nil {
		return fmt.Errorf("store catalogue version: %w", err)
	}
	if err := in.point(dst, name); err != nil {
		return fmt.Errorf("switch to catalogue version %s: %w", name, err)
	}
	return in.prune(dst)
}

// refusePlain keeps Apply off a directory that a person fills by hand: its
// files could not be replaced together.
func refusePlain(dst string) error {
	plain, err := filepath.Glob(filepath.Join(dst, "*.csv"))
	if err != nil || len(plain) == 0 {
		return err
	}
	return fmt.Errorf("catalogue directory %s: holds files of its own (%s); move them to another directory and apply that",
		dst, strings.Join(baseNames(plain), ", "))
}

// store writes the files to a temporary folder and renames it to its name.
func (in installer) store(l layer, versions, name string) error {
	if _, err := os.Stat(filepath.Join(versions, name)); err == nil {
		return nil // an interrupted run got as far; equal names mean equal content
	}
	if err := in.step("create folder"); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(versions, ".new-")
	if err != nil {
		return err
	}
	for file, data := range l.files {
		if err := in.step("write file"); err != nil {
			return err
		}
		if err := writeSynced(filepath.Join(tmp, file), data); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(tmp, 0o755), syncDir(tmp), in.step("name folder")); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(versions, name)); err != nil {
		return err
	}
	return syncDir(versions)
}

// point moves the link to a version. The rename is the moment of change.
func (in installer) point(dst, name string) error {
	tmp := filepath.Join(dst, ".current-"+name)
	if err := in.step("create link"); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(versionsDir, name), tmp); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := in.step("move link"); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dst, currentLink)); err != nil {
		return err
	}
	return syncDir(dst)
}

// prune removes all but the newest states and what interrupted runs left.
func (in installer) prune(dst string) error {
	if err := in.step("prune"); err != nil {
		return err
	}
	versions := filepath.Join(dst, versionsDir)
	entries, err := os.ReadDir(versions) // sorted by name, so by time
	if err != nil {
		return err
	}
	current, err := os.Readlink(filepath.Join(dst, currentLink))
	if err != nil {
		return err
	}
	var named []string
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil: // removed meanwhile
		case !strings.HasPrefix(e.Name(), "."):
			named = append(named, e.Name())
		case in.now().Sub(info.ModTime()) > staleAfter:
			err = os.RemoveAll(filepath.Join(versions, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, old := range named[:max(0, len(named)-keptVersions)] {
		if old == filepath.Base(current) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(versions, old)); err != nil {
			return err
		}
	}
	return nil
}

// Versions lists the states that Apply has installed in a directory, oldest
// first, as folders that Apply takes as its source.
func Versions(dst string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dst, versionsDir, "[0-9]*"))
	slices.Sort(found)
	return found, err
}

// writeSynced writes a file that is on disk when it returns.
func writeSynced(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir puts the names in a directory on disk.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
