// Package openai is the wire protocol of chat completions: it decodes the few
// fields Assay acts on and leaves every other byte of a request or an answer
// as it came, so that a field invented tomorrow passes through today.
//
// Start with Request (what a client sent), then Usage and EventReader (what an
// upstream answered).
package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Error is an error in the form of the OpenAI API. It is also a Go error.
type Error struct {
	Status  int    // HTTP status
	Message string // for a person: what was wrong, where, what to do
	Type    string // "invalid_request_error", "server_error", ...
	Code    string // stable, for programs: "model_not_found", ...
	Param   string // the request field at fault, if one is
	// RetryAfter is seconds to wait before trying again; 0 says nothing.
	RetryAfter int
}

// Error gives the message with its code.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// Body gives the JSON body `{"error":{...}}`.
func (e *Error) Body() []byte {
	inner := map[string]any{"message": e.Message, "type": e.Type, "code": nil, "param": nil}
	if e.Code != "" {
		inner["code"] = e.Code
	}
	if e.Param != "" {
		inner["param"] = e.Param
	}
	b, err := json.Marshal(map[string]any{"error": inner})
	if err != nil { // strings always marshal
		panic(err)
	}
	return b
}

// BadRequest makes a 400 that blames one field of the request.
func BadRequest(code, param, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}
