package models

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed data/*.csv
var embedded embed.FS

// embeddedDraft is the data that is compiled in, read once; problems in it
// show as "embedded/models.csv:12".
var embeddedDraft = sync.OnceValues(func() (*draft, error) {
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, err
	}
	l, err := readLayer("embedded", sub)
	if err != nil {
		return nil, err
	}
	d := newDraft()
	d.add(l)
	return d, nil
})

var embeddedOnce = sync.OnceValues(func() (*Catalog, error) { return overEmbedded(layer{}) })

// Embedded gives the catalogue that is compiled into the program.
func Embedded() (*Catalog, error) { return embeddedOnce() }

// overEmbedded lays a layer over the embedded data.
func overEmbedded(l layer) (*Catalog, error) {
	base, err := embeddedDraft()
	if err != nil {
		return nil, err
	}
	d := base.clone()
	d.add(l)
	return d.catalogue()
}

// currentLink is what an installed directory calls its present version.
const currentLink = "current"

// LoadDir gives the embedded catalogue with the files of a directory laid over
// it, by the rules of Parse. A directory that Apply has installed to is read
// through its link "current", in one state even while Apply replaces it.
func LoadDir(dir string) (*Catalog, error) {
	l, err := dirLayer(dir)
	if err != nil {
		return nil, err
	}
	return overEmbedded(l)
}

// dirLayer finds the files of a directory, be it a plain or an installed one.
func dirLayer(dir string) (layer, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return layer{}, fmt.Errorf("catalogue directory: %w", err)
	}
	if !info.IsDir() {
		return layer{}, fmt.Errorf("catalogue directory %s: is a file; name the directory that holds it", dir)
	}
	// Resolved once, so that all files come from the same version.
	version, err := filepath.EvalSymlinks(filepath.Join(dir, currentLink))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(filepath.Join(dir, currentLink)); err == nil {
			return layer{}, fmt.Errorf("catalogue directory %s: %s points to a version that is gone; apply a catalogue again", dir, currentLink)
		}
		return readLayer(dir, os.DirFS(dir))
	}
	if err != nil {
		return layer{}, fmt.Errorf("catalogue directory %s: %w", dir, err)
	}
	if plain, _ := filepath.Glob(filepath.Join(dir, "*.csv")); len(plain) > 0 {
		return layer{}, fmt.Errorf("catalogue directory %s: has both %s, written by apply, and files of its own (%s); remove one or the other",
			dir, currentLink, strings.Join(baseNames(plain), ", "))
	}
	return readLayer(version, os.DirFS(version))
}

func baseNames(paths []string) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = filepath.Base(p)
	}
	return names
}
