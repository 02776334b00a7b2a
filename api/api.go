// Package api is the HTTP surface: OpenAI's chat completions and models, the
// public tier table, explanations of decisions, and what operators probe.
// It is the only package that knows gin. Handlers translate; they decide
// nothing. Start with New, then chat.go for the path of a request.
package api

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"assay/models/openai"
	"assay/router"
	"assay/router/allowance"
	"assay/router/health"
)

// Options are the parts of the surface.
type Options struct {
	Router *router.Router
	// Keys that clients may use. None at all admits anybody, which is only
	// right on a loopback address.
	Keys []Key
	// Changes is what GET /v1/changes reports; nil: nothing.
	Changes Changes
	// Status is what /readyz reports.
	Status   func() Status
	Registry *prometheus.Registry // default: a new one
	// Traces makes OpenTelemetry spans of requests; nil: none are made.
	Traces trace.TracerProvider
	// What metrics read at a scrape; each may be nil. Breakers are those of
	// upstreams, Layers say which tables decide for which share of conversations.
	Breakers   func() []health.Status
	Allowances *allowance.Book
	Layers     func() []router.Layer
	Log        *slog.Logger     // default: discard
	Now        func() time.Time // default: time.Now
	NewID      func() string    // default: random request ids
	MaxBody    int64            // largest request body in bytes; default 32 MiB
	MaxStall   time.Duration    // how long a client may neither send nor read; default 2 min
	MaxLog     int              // requests remembered for GET /v1/requests/{id}; default 10,000
}

// Server is the HTTP handler of the gateway.
type Server struct {
	o       Options
	engine  *gin.Engine
	keys    map[[32]byte]Key
	log     *requestLog
	metrics *metrics
	traces  *tracing
}

// New makes the handler.
func New(o Options) *Server {
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	if o.Status == nil {
		o.Status = func() Status { return Status{Ready: true} }
	}
	o.MaxBody = cmp.Or(o.MaxBody, 32<<20)
	o.MaxStall = cmp.Or(o.MaxStall, 2*time.Minute)
	o.MaxLog = cmp.Or(o.MaxLog, 10_000)
	s := &Server{o: o, keys: index(o.Keys), log: newRequestLog(o.MaxLog), metrics: newMetrics(o), traces: newTracing(o.Traces)}
	s.engine = s.routes()
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

func (s *Server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.UseRawPath, e.UnescapePathValues = true, true
	_ = e.SetTrustedProxies(nil)
	e.Use(s.identify, s.recover)
	e.NoRoute(func(c *gin.Context) {
		s.fail(c, &openai.Error{Status: http.StatusNotFound, Type: "invalid_request_error", Code: "unknown_url", Message: "no such endpoint: " + c.Request.Method + " " + c.Request.URL.Path})
	})
	e.NoMethod(func(c *gin.Context) {
		s.fail(c, &openai.Error{Status: http.StatusMethodNotAllowed, Type: "invalid_request_error", Code: "method_not_allowed", Message: c.Request.Method + " is not served at " + c.Request.URL.Path})
	})

	e.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.readyz)
	e.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.o.Registry, promhttp.HandlerOpts{})))
	e.GET("/tiers", s.tiersPage)

	v1 := e.Group("/v1", s.authenticate, s.underway)
	v1.POST("/chat/completions", s.chatCompletions)
	v1.POST("/route", s.explain)
	v1.GET("/models", s.listModels)
	v1.GET("/models/*id", s.getModel)
	v1.GET("/tiers", s.tiers)
	v1.GET("/requests/:id", s.getRequest)
	v1.GET("/changes", s.getChanges)
	v1.GET("/savings", s.getSavings)
	v1.POST("/savings", s.postSavings)
	return e
}

// Keys under which values travel in gin's context; read only in this file.
const (
	ctxID  = "assay.id"
	ctxKey = "assay.key"
	ctxOrg = "assay.org"
)

// identify gives every request an id.
func (s *Server) identify(c *gin.Context) {
	id := s.o.NewID()
	c.Set(ctxID, id)
	c.Header("X-Request-Id", id)
}

func requestID(c *gin.Context) string { return c.GetString(ctxID) }
func keyLabel(c *gin.Context) string  { return c.GetString(ctxKey) }
func keyOrg(c *gin.Context) string    { return c.GetString(ctxOrg) }

// recover turns a panic into a 500, or, once an answer has begun, into a
// broken connection: a client must not take half an answer for a whole one.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			panic(v)
		}
		s.o.Log.ErrorContext(c, "panic", "request", requestID(c), "path", c.Request.URL.Path, "panic", v, "stack", stack())
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.fail(c, errInternal)
	}()
	c.Next()
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return "req_" + hex.EncodeToString(b[:])
}
