package main

import (
	"fmt"
	"strings"

	"assay/deploy/faults"
)

// want is what a client sees of a fault in one mode.
type want struct {
	status int    // 200: an answer, or one that breaks off
	code   string // of the error, be it a body or the frame that ends a stream
	skip   string // why there is no such case; the client is not asked
	text   string // of the answer where it is not the good one
}

var answered = want{status: 200}

// says is the cell of docs/faults.md.
func (w want) says() string {
	switch {
	case w.skip != "":
		return w.skip
	case w.status == 200 && w.code != "":
		return fmt.Sprintf("begins, then a frame `%s`", w.code)
	case w.status == 200:
		return "the answer"
	}
	return fmt.Sprintf("%d `%s`", w.status, w.code)
}

func fails(status int, code string) want { return want{status: status, code: code} }
func breaks(code string) want            { return want{status: 200, code: code} }
func notFor(why string) want             { return want{skip: why} }

// faultCase is one fault, and what comes of it for a client that asked for a
// model by name, without a retry rule.
type faultCase struct {
	fault        string
	json, stream want
}

// both is a fault that is the same in both modes.
func both(fault string, w want) faultCase { return faultCase{fault, w, w} }

// faultCases are the contract of docs/faults.md, whose tables are made of them.
var faultCases = []faultCase{
	both("ok", answered),
	both("429", fails(429, "rate_limit_exceeded")),
	both("429-seconds", fails(429, "rate_limit_exceeded")),
	both("429-date", fails(429, "rate_limit_exceeded")),
	both("429-garbage", fails(429, "rate_limit_exceeded")),
	both("429-long", fails(429, "rate_limit_exceeded")),
	both("quota", fails(503, "upstream_quota")),
	both("500", fails(502, "upstream_error")),
	both("500-html", fails(502, "upstream_error")),
	both("503", fails(502, "upstream_error")),
	both("503-seconds", fails(502, "upstream_error")),
	both("400", fails(400, "context_length_exceeded")),
	both("401", fails(502, "upstream_auth")),
	both("402", fails(502, "upstream_auth")),
	both("403", fails(502, "upstream_auth")),
	both("404", fails(404, "model_not_found")),
	both("redirect", fails(502, "upstream_error")),
	both("refused", fails(502, "upstream_unreachable")),
	both("dns", fails(502, "upstream_unreachable")),
	both("tls-none", fails(502, "upstream_unreachable")),
	both("tls-unknown", fails(502, "upstream_unreachable")),

	both("hang", fails(504, "upstream_timeout")),
	both("hang-headers", fails(504, "upstream_timeout")),
	both("hang-error", fails(504, "upstream_timeout")),
	{"hang-half", fails(504, "upstream_timeout"), breaks("upstream_broken")},
	{"hang-finished", notFor("—"), breaks("upstream_broken")},
	{"drip", fails(504, "deadline_exceeded"), fails(504, "upstream_timeout")},
	both("drip-headers", fails(504, "upstream_timeout")),
	{"comments", notFor("—"), fails(504, "upstream_timeout")},
	both("slow", answered),

	both("cut", fails(502, "upstream_unreachable")),
	both("reset", fails(502, "upstream_unreachable")),
	both("cut-headers", fails(502, "upstream_unreachable")),
	{"cut-half", fails(502, "upstream_unreachable"), breaks("upstream_broken")},
	{"cut-event", notFor("—"), breaks("upstream_broken")},
	{"cut-finished", notFor("—"), breaks("upstream_broken")},
	{"end-half", fails(502, "upstream_unreachable"), breaks("upstream_broken")},
	{"end-half-n", notFor("—"), breaks("upstream_broken")},
	{"no-done", notFor("—"), answered},

	both("html", fails(502, "upstream_unreachable")),
	both("empty", fails(502, "upstream_unreachable")),
	both("204", fails(502, "upstream_error")),
	both("error-200", fails(502, "upstream_error")),
	{"error-late", notFor("—"), breaks("upstream_broken")},
	{"error-late-done", notFor("—"), breaks("upstream_broken")},
	both("null", fails(502, "upstream_unreachable")),
	both("other", fails(502, "upstream_unreachable")),
	{"no-choices", fails(502, "upstream_unreachable"), breaks("upstream_broken")},
	both("bad-json", fails(502, "upstream_unreachable")),
	{"bad-json-late", notFor("—"), breaks("upstream_broken")},
	{"no-blank-lines", notFor("—"), fails(502, "upstream_unreachable")},
	{"done-only", notFor("—"), fails(502, "upstream_unreachable")},
	{"giant-event", notFor("—"), fails(502, "upstream_unreachable")},
	{"giant-late", notFor("—"), breaks("upstream_broken")},
	{"giant", fails(502, "upstream_unreachable"), notFor("—")},
	both("gzip", fails(502, "upstream_unreachable")),
	{"json-for-stream", notFor("—"), fails(502, "upstream_unreachable")},
	{"stream-for-json", fails(502, "upstream_unreachable"), notFor("—")},

	both("wrong-type", answered),
	{"crlf", notFor("—"), answered},
	{"cr", notFor("—"), answered},
	{"no-space", notFor("—"), answered},
	{"fields", notFor("—"), answered},
	{"double-done", notFor("—"), answered},
	both("no-usage", answered),
	both("bad-utf8", want{status: 200, text: strings.Replace(faults.Answer, "two", "tw\uFFFDo", 1)}),
	both("long", want{status: 200, text: strings.Replace(faults.Answer, "two", "two"+strings.Repeat("o", 1<<20), 1)}),
	both("bytes", answered),
}

// heavy faults are tried one after the other: the gateway has to read so much
// that others' waits would run out meanwhile.
var heavy = map[string]bool{"giant": true, "giant-event": true, "giant-late": true}

// atTheDoor are the faults that no provider can play: nobody is reached.
var atTheDoor = map[string]string{
	"refused":     "nobody listens at the address",
	"dns":         "the name of the host does not resolve",
	"tls-none":    "https, but the other side speaks plain HTTP",
	"tls-unknown": "https with a certificate that nobody signed",
}
