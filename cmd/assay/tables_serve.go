package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/router"
	"assay/router/changes"
	"assay/scoring"
)

// useRouter lets comparisons know what traffic has shown of the models.
func (w *world) useRouter(r *router.Router) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shelf.router = r
}

// deliver posts changes until the context ends, if anybody wants them.
func (w *world) deliver(ctx context.Context) {
	if hook := w.shelf.hook; hook != nil {
		hook.Run(ctx)
	}
}

// close writes down what would be lost.
func (w *world) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saveTraffic()
}

func (w *world) saveTraffic() {
	s := w.shelf
	if s.traffics == "" {
		return
	}
	s.saved = w.now()
	if err := s.traffic.Save(s.traffics); err != nil {
		w.log.Error("counts of traffic not saved", "error", err)
	}
}

// collect finds the tier tables that can decide beside the newest.
func (w *world) collect() {
	s := w.shelf
	o, err := w.options()
	if err != nil { // the newest table was made of them
		w.log.Error("only the newest table decides", "error", err)
		return
	}
	s.editions = map[string]*router.Edition{}
	created := map[string]time.Time{w.tiers.ID: w.tiers.CreatedAt}
	for _, i := range s.archive.Items() {
		created[i.ID] = i.CreatedAt
	}
	for _, id := range w.pinnable() {
		e := &router.Edition{Tiers: id, CreatedAt: created[id], Build: w.editor(id, o)}
		if newest := w.table; id == w.tiers.ID {
			e.Build = func() (*router.Table, error) { return newest, nil }
		}
		s.editions[id] = e
	}
}

// editor makes the routing table of kept tiers and of the parts in o, without
// the world's lock: requests call it.
func (w *world) editor(id string, o router.TableOptions) func() (*router.Table, error) {
	archive, serving := w.shelf.archive, w.shelf.serving
	return func() (*router.Table, error) {
		tiers, err := archive.Tiers(id)
		if err != nil {
			return nil, err
		}
		o.Tiers = tiers
		t, err := router.NewTable(o)
		if err == nil && serving {
			if err := archive.Name(t.ID, id, w.now()); err != nil {
				w.log.Error("a table's id can't be pinned after a restart", "table", t.ID, "error", err)
			}
		}
		return t, err
	}
}

// takeOver lets the newest table decide, at once or as far as the policy
// allows, and tells what that changes. The world is locked.
func (w *world) takeOver() {
	s := w.shelf
	if !s.serving {
		w.collect()
		w.arrange(nil)
		return
	}
	w.keep()
	w.collect()
	before, seen := w.loadMove(), s.traffic.Seen(w.now())
	told := s.move // what this gateway has told of
	if len(told.Layers) == 0 {
		told = before
	}
	after := before.Next(changes.Step{Target: w.tiers.ID, Day: w.now().UTC().Format(time.DateOnly), Limit: w.policy.MovedShare(),
		Known: func(tiers string) bool { return w.routing(tiers) != nil },
		Moved: func(from, to string) float64 { return changes.Moved(w.chooser(from), w.chooser(to), seen) }})
	w.arrange(after.Layers)
	w.saveMove(before, after)
	w.tell(append(w.partsChanged(told, seen), w.handedOver(told, after, seen)...))
	w.remember(after)
	w.prune(after)
}

// remember notes which routing tables decide, for the next comparison.
func (w *world) remember(m changes.Move) {
	w.shelf.decided = map[string]*router.Table{}
	for _, l := range m.Layers {
		w.shelf.decided[l.Tiers] = w.routing(l.Tiers)
	}
}

// follow does as another replica did that shares the directory. It takes no
// step of its own: this one may have yet to see the tiers that the other has.
func (w *world) follow() {
	s := w.shelf
	w.collect()
	m := w.loadMove().Among(func(tiers string) bool { return w.routing(tiers) != nil })
	s.moveSeen = fingerprint(s.movePath)
	if len(m.Layers) == 0 {
		return
	}
	w.arrange(m.Layers)
	w.tell(w.handedOver(s.move, m, s.traffic.Seen(w.now())))
	s.move = m
	w.remember(m)
}

// tell writes changes down, from where they are delivered and read.
func (w *world) tell(entries []changes.Entry) {
	delete(w.problems, "changes")
	if err := w.shelf.log.Append(entries); err != nil {
		w.problems["changes"] = err.Error()
		w.log.Error("changes not written down", "error", err)
	}
}

// keep takes today's tier table into the archive.
func (w *world) keep() {
	s := w.shelf
	delete(w.problems, "tables")
	if err := s.archive.Keep(w.tiers, w.now()); err != nil {
		w.problems["tables"] = err.Error()
		w.log.Error("table not kept", "tiers", w.tiers.ID, "error", err)
	}
	if err := s.archive.Name(w.table.ID, w.tiers.ID, w.now()); err != nil {
		w.log.Error("a table's id can't be pinned after a restart", "table", w.table.ID, "error", err)
	}
}

// arrange gives the newest table the others, and says who decides for whom.
func (w *world) arrange(layers []router.Layer) {
	w.table.Arrange(router.NewTables(slices.Collect(maps.Values(w.shelf.editions)), layers, w.shelf.archive.Named))
}

// routing is the routing table of kept tiers with today's other parts; nil if
// there can be none, which is logged.
func (w *world) routing(tiers string) *router.Table {
	e := w.shelf.editions[tiers]
	if e == nil {
		return nil
	}
	t, err := e.Table()
	if err != nil {
		w.log.Error("kept table not usable", "tiers", tiers, "error", err)
		return nil
	}
	return t
}

func (w *world) chooser(tiers string) *router.Chooser { return w.chooserOf(w.routing(tiers)) }

func (w *world) chooserOf(t *router.Table) *router.Chooser {
	switch {
	case t == nil:
		return nil
	case w.shelf.router != nil:
		return w.shelf.router.Chooser(t)
	}
	return t.Chooser()
}

// partsChanged tells what a new policy or catalogue, or today's prices, change
// for those whose tier table stays.
func (w *world) partsChanged(m changes.Move, seen changes.Seen) []changes.Entry {
	var out []changes.Entry
	weights := changes.Weights(m.Layers)
	for _, l := range m.Layers {
		old, now := w.shelf.decided[l.Tiers], w.routing(l.Tiers)
		if old == nil || now == nil || old == now {
			continue
		}
		out = append(out, changes.Compare(changes.Flow{From: w.chooserOf(old), To: w.chooserOf(now), Conversations: weights[l.Tiers]}, seen, w.now())...)
	}
	return out
}

// handedOver tells what changes for conversations that go to another tier table.
func (w *world) handedOver(before, after changes.Move, seen changes.Seen) []changes.Entry {
	var out []changes.Entry
	for _, h := range changes.Handovers(before, after) {
		from, to := w.chooser(h.From), w.chooser(h.To)
		if from == nil || to == nil { // a table that is no longer kept
			continue
		}
		out = append(out, changes.Compare(changes.Flow{From: from, To: to, Conversations: h.Conversations}, seen, w.now())...)
	}
	return out
}

// loadMove reads how far the newest table has taken over: another replica may
// have gone on.
func (w *world) loadMove() changes.Move {
	s := w.shelf
	if s.movePath == "" {
		return s.move
	}
	m, err := changes.LoadMove(s.movePath)
	if err != nil {
		w.log.Error("the newest table takes over from what this process knows", "error", err)
		return s.move
	}
	return m
}

func (w *world) saveMove(before, after changes.Move) {
	s := w.shelf
	s.move = after
	if !slices.Equal(before.Layers, after.Layers) {
		newest := after.Newest()
		w.log.Info("tables decide", "newest", newest.Tiers, "conversations", newest.Share, "layers", len(after.Layers), "moved_today", after.Spent, "limit", after.Limit)
	}
	if s.movePath == "" {
		return
	}
	if !before.Equal(after) {
		if err := after.Save(s.movePath); err != nil {
			w.problems["tables"] = err.Error()
			w.log.Error("a restart will not know how far the newest table has taken over", "error", err)
		}
	}
	s.moveSeen = fingerprint(s.movePath)
}

// prune drops kept tables for their age, unless something needs them.
func (w *world) prune(m changes.Move) {
	keep := append(w.policy.PinnedTables(), w.tiers.ID)
	for _, l := range m.Layers {
		keep = append(keep, l.Tiers)
	}
	days := defaultKeepDays
	if w.conf.Tables.KeepDays > 0 {
		days = w.conf.Tables.KeepDays
	}
	dropped, err := w.shelf.archive.Prune(w.now().AddDate(0, 0, -days), keep)
	if err != nil {
		w.log.Error("kept tables not dropped", "error", err)
	}
	if len(dropped) > 0 {
		w.log.Info("kept tables dropped for their age", "tables", dropped)
		for _, id := range dropped {
			delete(w.shelf.editions, id)
		}
		w.arrange(m.Layers)
	}
}

// refreshTables writes down what is due, and reports whether another replica
// has taken a step.
func (w *world) refreshTables() (stepped bool) {
	s := w.shelf
	if !s.serving {
		return false
	}
	if w.now().Sub(s.saved) >= saveTrafficEvery {
		w.saveTraffic()
	}
	return s.movePath != "" && fingerprint(s.movePath) != s.moveSeen
}

// moving says in words how far the newest table has taken over; nothing if it
// has.
func (w *world) moving() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.shelf.move
	if len(m.Layers) < 2 {
		return nil
	}
	weights := changes.Weights(m.Layers)
	text := ""
	for _, l := range slices.Backward(m.Layers) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s for %.1f %%", l.Tiers, 100*weights[l.Tiers])
	}
	return []string{fmt.Sprintf("the newest tier table takes over in steps (max_moved_share %g): of the conversations decide %s", m.Limit, text)}
}

// publishedOnce keeps the first creation time of tiers that are worked out anew
// at every start.
func (w *world) publishedOnce(t scoring.Tiers) scoring.Tiers {
	for _, i := range w.shelf.archive.Items() {
		if i.ID == t.ID {
			t.CreatedAt = i.CreatedAt
		}
	}
	return t
}
