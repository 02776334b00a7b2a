package mock

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Answer is the text of every whole answer: 80 words or so, plain ASCII
// without anything that JSON escapes, so that a client can look for it as it is.
const Answer = "A mutex guards a critical section: one thread holds it, the same thread gives it back, and everybody else waits. " +
	"A semaphore counts permits: any thread may take one while there are some left, and any thread may return one. " +
	"Use the first where a single owner changes shared state, the second where several equal resources are handed out, " +
	"such as connections of a pool. Holding either for longer than needed costs throughput, so keep the section short and measure it."

// words are what streams say, one a chunk.
var words = bytes.Fields([]byte(Answer))

// model is the name that answers carry.
const model = "bench-model"

// created is the time that answers carry, in seconds since 1970.
const created = "1767225600"

func appendAnswer(b []byte, id string, promptTokens int) []byte {
	b = append(b, `{"id":"chatcmpl-`...)
	b = append(b, id...)
	b = append(b, `","object":"chat.completion","created":`+created+`,"model":"`+model+`","choices":[{"index":0,"message":{"role":"assistant","content":"`+
		Answer+`","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],`...)
	b = appendUsage(b, promptTokens, len(words))
	return append(b, `,"service_tier":"default","system_fingerprint":"fp_bench"}`...)
}

func appendUsage(b []byte, prompt, completion int) []byte {
	return fmt.Appendf(b, `"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},`+
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}`, prompt, completion, prompt+completion)
}

// appendHead begins an event, up to its choices.
func appendHead(b []byte, id string) []byte {
	b = append(b, `data: {"id":"chatcmpl-`...)
	b = append(b, id...)
	return append(b, `","object":"chat.completion.chunk","created":`+created+`,"model":"`+model+`","system_fingerprint":"fp_bench","choices":[`...)
}

func appendRole(b []byte, id string) []byte {
	return append(appendHead(b, id), `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
}

// appendChunk writes content chunk i: a word and the time of writing.
func appendChunk(b []byte, id string, i int, at time.Time) []byte {
	b = append(appendHead(b, id), `{"index":0,"delta":{"content":"`...)
	b = append(b, words[i%len(words)]...)
	b = append(b, ' ', stampOpen)
	b = strconv.AppendInt(b, at.UnixNano(), 10)
	return append(b, string(stampClose)+` "},"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
}

func appendEnd(b []byte, id string, promptTokens, chunks int, usage bool) []byte {
	b = append(appendHead(b, id), `{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}`+"\n\n"...)
	if usage {
		b = append(appendHead(b, id), `],`...)
		b = append(appendUsage(b, promptTokens, chunks), "}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

// A stamp is a time in nanoseconds since 1970 between these two.
const (
	stampOpen  = '@'
	stampClose = '~'
)

// Stamp finds the time at which a chunk was written, in nanoseconds since
// 1970, in the data of its event. ok is false if there is none.
func Stamp(event []byte) (nanos int64, ok bool) {
	from := bytes.IndexByte(event, stampOpen)
	if from < 0 {
		return 0, false
	}
	to := bytes.IndexByte(event[from:], stampClose)
	if to < 2 || to > 20 {
		return 0, false
	}
	for _, c := range event[from+1 : from+to] {
		if c < '0' || c > '9' {
			return 0, false
		}
		nanos = nanos*10 + int64(c-'0')
	}
	return nanos, true
}
