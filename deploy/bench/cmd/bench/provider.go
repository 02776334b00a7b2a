package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"assay/deploy/bench/mock"
)

// serveMock is the driver's other face: the provider, a process of its own.
func serveMock(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: mock.New(mock.DefaultScript), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// provider is the mock provider under way.
type provider struct {
	*process
	addr string
}

func startProvider(ctx context.Context, c cores, dir string) (*provider, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := start("mock", c.rest, dir, []string{self, "mock", addr}, os.Environ())
	if err != nil {
		return nil, fmt.Errorf("start the provider: %w", err)
	}
	if err := p.await(ctx, 10*time.Second, answers200("http://"+addr+"/stats")); err != nil {
		p.stop()
		return nil, fmt.Errorf("start the provider: %w", err)
	}
	return &provider{p, addr}, nil
}

// follow tells the provider how to answer from now on.
func (p *provider) follow(ctx context.Context, s mock.Script) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+p.addr+"/script", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the provider refuses script %s: %s", body, res.Status)
	}
	return nil
}

func (p *provider) stats(ctx context.Context) (s mock.Stats, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/stats", nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}
