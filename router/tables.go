package router

// tableOf is the table that decides about a request.
func (r *Router) tableOf(a Ask, c Conversation) (*Table, error) { return r.table.Load(), nil }
