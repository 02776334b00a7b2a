// Package compat calls providers that speak the OpenAI chat completions
// protocol under a base URL of their own: nearly all of them.
package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"assay/router"
)

// Client is one provider. It is safe for concurrent use.
type Client struct {
	endpoint string
	key      string
	http     *http.Client
}

// New makes a client for the API under baseURL ("https://host/v1"), which
// authenticates with key ("" sends no credentials). transport is shared by all
// clients; nil means NewTransport().
func New(baseURL, key string, transport http.RoundTripper) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("base URL %q: want http(s)://host/path", baseURL)
	}
	if strings.ContainsAny(key, "\r\n") || strings.TrimSpace(key) != key {
		return nil, errors.New("the provider key has white space around or line breaks in it")
	}
	if transport == nil {
		transport = NewTransport()
	}
	return &Client{
		endpoint: strings.TrimSuffix(u.String(), "/") + "/chat/completions",
		key:      key,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a redirect must not carry the key to another host
		}},
	}, nil
}

// NewTransport makes a transport with limits fit for many parallel answers.
// The time to the first byte is bounded by the caller's context.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          1024,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // a compressed event stream would be held back
	}
}

// Do sends the call. See router.Upstream.
func (c *Client) Do(ctx context.Context, call router.Call) (*router.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "assay")
	// OpenAI's name for a caller's own id. X-Request-Id is the server's: some
	// answer 400 to one that is not a UUID.
	req.Header.Set("X-Client-Request-Id", call.ID)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if call.Stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call provider: %w", err)
	}
	return &router.Response{
		Status: res.StatusCode, Header: res.Header, Body: res.Body,
		Simulated: res.Header.Get("X-Assay-Simulated") == "true",
	}, nil
}
