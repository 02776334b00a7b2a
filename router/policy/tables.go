package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TableWish is which tier table a request is to be decided by. The zero value
// is the newest one, as it takes over.
type TableWish struct {
	// Pin is a table's id, "" if none is pinned; By says who pins it.
	Pin, By string
	// DelayDays is how old a table must be before it decides.
	DelayDays int
}

// TableFor gives the table that a request wants: what it says itself, else what
// its org pins, else the org's delay. A table restricts nothing (rules hold
// whatever table decides), so that here the narrower one has the last word.
func (f *File) TableFor(org string, req Request) TableWish {
	o := f.Orgs[org]
	switch {
	case req.Table != "":
		return TableWish{Pin: req.Table, By: "header X-Gateway-Table"}
	case o.Table != "":
		return TableWish{Pin: o.Table, By: "org " + org + " (table)"}
	}
	return TableWish{DelayDays: o.TableDelayDays}
}

// PinnedTables lists the tables that orgs pin, sorted.
func (f *File) PinnedTables() []string {
	pinned := map[string]bool{}
	for _, o := range f.Orgs {
		if o.Table != "" {
			pinned[o.Table] = true
		}
	}
	return slices.Sorted(maps.Keys(pinned))
}

// MovedShare is the share of the traffic that new tier tables may move in a
// day, 0..1.
func (f *File) MovedShare() float64 {
	if f.MaxMovedShare == nil {
		return 1
	}
	return *f.MaxMovedShare
}

// maxDelayDays keeps a delay below what an archive of tables can hold.
const maxDelayDays = 3650

// tables checks what the file says about tier tables.
func (c *check) tables() {
	if s := c.file.MaxMovedShare; s != nil && !(*s >= 0 && *s <= 1) {
		c.bad("max_moved_share", "is %v; want a share of the traffic from 0 to 1", *s)
	}
	for name, o := range c.file.Orgs {
		path := "orgs." + name + "."
		switch {
		case o.Table != "" && o.TableDelayDays != 0:
			c.bad(path+"table", "and table_delay_days exclude each other: a pinned table is never followed by another")
		case o.Table != "" && c.known.Tables != nil && !slices.Contains(c.known.Tables, o.Table):
			c.bad(path+"table", "pins the tier table %q, which this gateway has never served; it has: %s", clip(o.Table), strings.Join(c.known.Tables, ", "))
		}
		if o.TableDelayDays < 0 || o.TableDelayDays > maxDelayDays {
			c.bad(path+"table_delay_days", "is %d; want whole days from 0 to %d", o.TableDelayDays, maxDelayDays)
		}
	}
}

func readTable(s string) (string, error) {
	if len(s) > 200 {
		return "", fmt.Errorf("want the id of a table")
	}
	return s, nil
}
