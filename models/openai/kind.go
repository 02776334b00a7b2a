package openai

import (
	"encoding/json"

	"github.com/tidwall/gjson"
)

// Kind says what a provider's JSON is, whatever its HTTP status.
type Kind uint8

// The kinds.
const (
	Other      Kind = iota // neither of the two
	Completion             // it has choices
	Failure                // it has an error object, as some providers send with status 200
)

// KindOf looks at a whole answer, which must be valid JSON. An answer with
// choices and an error is a failure: what it says is not all there was to say.
func KindOf(body []byte) Kind {
	root := gjson.ParseBytes(body)
	if e := root.Get("error"); e.IsObject() || e.Type == gjson.String && e.Str != "" {
		return Failure
	}
	if c := root.Get("choices"); root.IsObject() && c.IsArray() && c.Get("0").IsObject() {
		return Completion
	}
	return Other
}

// KindOfEvent looks at the data of a stream's event in the same way. A chunk of
// a completion may have no choices in its list, but has the list.
func KindOfEvent(data []byte) Kind {
	if !json.Valid(data) {
		return Other
	}
	root := gjson.ParseBytes(data)
	switch {
	case DecodeChunk(data).ErrorText != "":
		return Failure
	case root.IsObject() && root.Get("choices").IsArray():
		return Completion
	}
	return Other
}

// ValidEvent reports whether the data of an event is what streams of chunks are
// made of: one JSON object, or the end.
func ValidEvent(data []byte) bool {
	return string(data) == string(Done) || json.Valid(data) && gjson.ParseBytes(data).IsObject()
}
