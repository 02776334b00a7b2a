package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// ErrNoLibrary means that the shared library of ONNX Runtime is not there or
// cannot be loaded.
var ErrNoLibrary = errors.New("no ONNX Runtime library: run classifier/onnx/runtime.sh (make build does), or set ONNXRUNTIME_LIB to a libonnxruntime of version 1.24 or newer")

// libraryVersion is the one that runtime.sh obtains.
const libraryVersion = "1.24.3"

// findLibrary looks, in this order, at the option, ONNXRUNTIME_LIB, lib/ beside
// the executable, and .cache/onnxruntime of the project around the working
// directory. The first two are taken at their word: if they are wrong, nothing
// else is tried.
func findLibrary(option string) (string, error) {
	for _, named := range []struct{ by, path string }{
		{"the configured library path", option}, {"ONNXRUNTIME_LIB", os.Getenv("ONNXRUNTIME_LIB")},
	} {
		if named.path == "" {
			continue
		}
		if _, err := os.Stat(named.path); err != nil {
			return "", fmt.Errorf("%s: %w; %w", named.by, err, ErrNoLibrary)
		}
		return named.path, nil
	}
	places := libraryPlaces()
	for _, path := range places {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w (looked for %s)", ErrNoLibrary, strings.Join(places, ", "))
}

func libraryPlaces() []string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Join(filepath.Dir(exe), "lib")
		places = append(places, filepath.Join(dir, "libonnxruntime.so"), filepath.Join(dir, "libonnxruntime.dylib"))
	}
	if dir, err := os.Getwd(); err == nil {
		if root := moduleRoot(dir); root != "" {
			places = append(places, filepath.Join(root, ".cache", "onnxruntime", libraryVersion, "libonnxruntime.so"))
		}
	}
	return places
}

// moduleRoot walks up to the directory that holds go.mod, "" if there is none.
func moduleRoot(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// The environment of ONNX Runtime is one per process and stays until it ends:
// unloading a library that other goroutines may still be in is not worth it.
var environment struct {
	sync.Mutex
	library string // that was loaded
}

func startEnvironment(library string) error {
	environment.Lock()
	defer environment.Unlock()
	if environment.library != "" {
		return nil // another library was asked for later: the first stays
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("load %s: %w; %w", library, err, ErrNoLibrary)
	}
	environment.library = library
	return nil
}
