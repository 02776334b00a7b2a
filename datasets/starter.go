package datasets

import (
	"embed"
	"fmt"
	"io/fs"
)

// The starter items were written for this project and are in the public domain
// (CC0). They are no part of the benchmarks whose form they share, so a score on
// them says that the machinery works and a model is alive, nothing more.
//
//go:embed starter/*.jsonl
var starterFiles embed.FS

// Starter gives the embedded items in the form of the set called name. Its
// Origin, and so every score on it, says "starter"; its hash is its own.
func Starter(name string, kind Kind) (Set, error) {
	sub, err := fs.Sub(starterFiles, "starter")
	if err != nil {
		return Set{}, err
	}
	set, err := LoadFS(sub, "starter", name, kind)
	if err != nil {
		return Set{}, fmt.Errorf("%w: pass a data folder to run %q", err, name)
	}
	set.Origin, set.Path = "starter", ""
	return set, nil
}
