package router

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/tidwall/gjson"
)

// Conversation names the conversation that a request belongs to, the same on
// every replica: by the session that the client gives (X-Session-Id), its
// prompt_cache_key, or else who asks, the system messages and the first
// message of the user. It is a hash: nothing of a prompt can be read from it.
type Conversation [16]byte

// conversationOf finds a request's conversation. ok is false if it is certainly
// a new one: nothing has been answered yet, and the client gave it no name.
func conversationOf(a Ask) (c Conversation, ok bool) {
	h := sha256.New()
	part := func(kind byte, s string) { // lengths keep parts apart
		h.Write([]byte{kind})
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	part('o', a.Org)
	part('k', a.Key)
	key := a.Session
	if key == "" {
		key = gjson.GetBytes(a.Request.Raw, "prompt_cache_key").Str
	}
	if key != "" {
		part('s', key)
		return Conversation(h.Sum(nil)[:16]), true
	}
	answered := false
	for _, m := range a.Request.Messages {
		switch m.Role {
		case "system", "developer":
			part('p', m.Text)
		case "assistant":
			answered = true
		}
	}
	for _, m := range a.Request.Messages {
		if m.Role == "user" {
			part('u', m.Text)
			break
		}
	}
	return Conversation(h.Sum(nil)[:16]), answered
}

// Share places a conversation in [0, 1), evenly: what is tried on a share of
// the traffic is tried on whole conversations. salt makes one trial's share
// independent of another's.
func (c Conversation) Share(salt string) float64 {
	sum := sha256.Sum256(append([]byte(salt), c[:]...))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
