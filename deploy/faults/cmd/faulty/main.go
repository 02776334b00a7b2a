// Command faulty serves a provider that fails on demand; see package faults.
//
//	faulty --addr 127.0.0.1:9099
//	curl 127.0.0.1:9099/faults                 # every fault and what it does
//	curl -i 127.0.0.1:9099/v1/chat/completions -H 'X-Fault: cut-half' -d '{"stream":true}'
//
// Behind a gateway, providers.NAME.base_url: http://127.0.0.1:9099/hang/v1
// makes every call of that provider hang; 500@3 fails three times per model,
// then answers.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"assay/deploy/faults"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	addr := flag.String("addr", "127.0.0.1:9099", "address to listen on")
	interval := flag.Duration("interval", time.Second, "pause of everything slow")
	flag.Parse()
	if err := serve(ctx, *addr, *interval); err != nil {
		fmt.Fprintln(os.Stderr, "faulty:", err)
		os.Exit(1)
	}
}

// serve runs until the context ends; calls that hang then end with it.
func serve(ctx context.Context, addr string, interval time.Duration) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("faulty: serving %d faults on http://%s, listed at /faults\n", len(faults.List()), listener.Addr())
	server := &http.Server{Handler: faults.New(faults.Options{Interval: interval}), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
