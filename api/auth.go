package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"assay/models/openai"
)

// Key is a client key as the configuration holds it: its hash, never itself.
type Key struct {
	Label  string
	SHA256 [32]byte // of the key's bytes
	Org    string   // whose key it is; "" nobody's in particular
}

// ParseKey reads a key's hexadecimal SHA-256.
func ParseKey(label, hexSHA256 string) (Key, error) {
	b, err := hex.DecodeString(hexSHA256)
	if err != nil || len(b) != 32 {
		return Key{}, fmt.Errorf("key %q: sha256 must be 64 hexadecimal digits, the SHA-256 of the key (printf %%s KEY | sha256sum)", label)
	}
	return Key{Label: label, SHA256: [32]byte(b)}, nil
}

func index(keys []Key) map[[32]byte]Key {
	m := make(map[[32]byte]Key, len(keys))
	for _, k := range keys {
		m[k.SHA256] = k
	}
	return m
}

// authenticate admits requests with a known bearer key. Looking the hash up in
// a map leaks nothing about the key: an attacker cannot steer the hash.
func (s *Server) authenticate(c *gin.Context) {
	if len(s.keys) == 0 {
		c.Set(ctxKey, "anonymous")
		return
	}
	scheme, key, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	key = strings.TrimSpace(key)
	if key == "" || !strings.EqualFold(scheme, "Bearer") {
		s.fail(c, &openai.Error{Status: http.StatusUnauthorized, Type: "invalid_request_error", Code: "missing_api_key", Message: "no API key: send the header \"Authorization: Bearer YOUR_KEY\""})
		return
	}
	known, ok := s.keys[sha256.Sum256([]byte(key))]
	if !ok {
		s.fail(c, &openai.Error{Status: http.StatusUnauthorized, Type: "invalid_request_error", Code: "invalid_api_key", Message: "the API key is not known here"})
		return
	}
	c.Set(ctxKey, known.Label)
	c.Set(ctxOrg, known.Org)
}
