package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

//go:embed conf
var conf embed.FS

// clientKey is what clients of the systems with keys send.
const clientKey = "sk-bench-0123456789abcdef"

// site is where a system runs.
type site struct {
	Dir, Addr, Upstream string // folder of its own, its address, the provider's
	Root                string // of the source tree
}

// launch is how a system is started and asked.
type launch struct {
	argv, env []string
	header    []string // that requests carry
	model     string   // that requests ask for
	version   string
	ready     func(context.Context) error
	within    time.Duration // of being started
}

// spec is a system that can be measured. Without prepare nothing is started:
// the load goes to the provider.
type spec struct {
	Name    string
	Peer    bool // measured only where peers are asked for
	prepare func(context.Context, site) (launch, error)
}

func (s spec) name() string { return s.Name }

// Names of systems that figures refer to.
const (
	direct   = "direct"
	yard     = "nginx"
	onFast   = "assay-on-fast"
	onBoth   = "assay-on-both"
	assayOff = "assay-off"
)

var specs = []spec{
	{Name: direct},
	{Name: yard, prepare: nginx},
	{Name: onFast, prepare: assay("assay-on.yaml", "fast")},
	{Name: onBoth, prepare: assay("assay-on.yaml", "both")},
	{Name: assayOff, prepare: assay("assay-off.yaml", "")},
	{Name: "litellm", Peer: true, prepare: liteLLM},
	{Name: "portkey", Peer: true, prepare: portkey},
}

func nginx(ctx context.Context, s site) (launch, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return launch{}, fmt.Errorf("%w: nginx is not installed: apt-get install nginx", errSkip)
		}
	}
	file, err := fill(s, "nginx.conf", map[string]any{"Addr": s.Addr, "Upstream": s.Upstream, "Dir": s.Dir, "Root": os.Geteuid() == 0})
	if err != nil {
		return launch{}, err
	}
	said, _ := exec.CommandContext(ctx, path, "-v").CombinedOutput() // the version is for the record only
	_, version, _ := strings.Cut(strings.TrimSpace(string(said)), "nginx/")
	return launch{argv: []string{path, "-e", "stderr", "-c", file}, env: os.Environ(), model: "bench", version: version, ready: listens(s.Addr), within: 10 * time.Second}, nil
}

// assay prepares the gateway. Provider keys of the one who measures are kept
// from it: it is to know one provider, the mock.
func assay(config, stages string) func(context.Context, site) (launch, error) {
	return func(_ context.Context, s site) (launch, error) {
		binary := filepath.Join(s.Root, "bin", "assay")
		if _, err := os.Stat(binary); err != nil {
			return launch{}, fmt.Errorf("%w: run make build first, and this from the root of the tree", err)
		}
		hash := sha256.Sum256([]byte(clientKey))
		file, err := fill(s, config, map[string]any{"Addr": s.Addr, "Upstream": s.Upstream, "KeySHA256": hex.EncodeToString(hash[:]), "Stages": stages})
		if err != nil {
			return launch{}, err
		}
		for _, policy := range []string{"policy.yaml", "nothing.yaml"} {
			if _, err := fill(s, policy, nil); err != nil {
				return launch{}, err
			}
		}
		l := launch{argv: []string{binary, "serve", "--config", file}, model: "assay/balanced", ready: runsONNX("http://" + s.Addr + "/readyz"), within: time.Minute}
		for _, name := range []string{"PATH", "HOME", "ONNXRUNTIME_LIB", "GOGC", "GOMEMLIMIT"} {
			if v, ok := os.LookupEnv(name); ok {
				l.env = append(l.env, name+"="+v)
			}
		}
		if stages != "" {
			l.header = []string{"Authorization: Bearer " + clientKey}
		}
		return l, nil
	}
}

// runsONNX is ready when the gateway is, with its classifier and not with the
// heuristic, which would cost less.
func runsONNX(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var state struct {
			Classifier string `json:"classifier"`
			Error      string `json:"classifier_error"`
		}
		if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK || state.Classifier != "onnx" {
			return fmt.Errorf("GET %s: %s, classifier %q %s", url, res.Status, state.Classifier, state.Error)
		}
		return nil
	}
}

// fill writes a configuration file into the system's folder.
func fill(s site, name string, values any) (path string, err error) {
	t, err := template.ParseFS(conf, "conf/"+name)
	if err != nil {
		return "", err
	}
	path = filepath.Join(s.Dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return "", err
	}
	err = t.Execute(f, values)
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return path, err
}
