package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"assay/models/openai"
)

// Changes gives at most limit changes of what selectors resolve to, of a time
// or later, the newest first; more tells that there are others. The entries are
// those of package router/changes.
type Changes func(since time.Time, limit int) (entries []json.RawMessage, more bool)

const defaultChanges, mostChanges = 100, 1000

// getChanges serves GET /v1/changes?since=RFC3339&limit=N.
func (s *Server) getChanges(c *gin.Context) {
	since, limit := time.Time{}, defaultChanges
	var err error
	if text := c.Query("since"); text != "" {
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			s.fail(c, openai.BadRequest("invalid_since", "since", "since: %.40q is no time such as 2026-11-25T00:00:00Z (write + as %%2B)", text))
			return
		}
	}
	if text := c.Query("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > mostChanges {
			s.fail(c, openai.BadRequest("invalid_limit", "limit", "limit: %.40q; want a number from 1 to %d", text, mostChanges))
			return
		}
	}
	list := struct {
		Object  string            `json:"object"`
		Data    []json.RawMessage `json:"data"`
		HasMore bool              `json:"has_more"`
	}{Object: "list", Data: []json.RawMessage{}}
	if s.o.Changes != nil {
		entries, more := s.o.Changes(since, limit)
		list.Data, list.HasMore = append(list.Data, entries...), more
	}
	c.JSON(http.StatusOK, list)
}
