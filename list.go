package docket

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxSearch bounds the text that a list is searched for, in characters.
const MaxSearch = MaxTitle

// MaxPageBytes bounds what the tasks of one page of a list, or of one answer of
// changes, take together, in bytes by Task.Size. A page ends before the task that
// would exceed it, and holds at least one.
const MaxPageBytes = 8 << 20

// ListQuery says which tasks of a user a list holds, and in which order.
type ListQuery struct {
	Limit     int            // 1 to MaxList
	Completed Optional[bool] // only those with this value
	Deleted   bool           // the trash, instead of the live tasks
	Search    string         // only those whose title or description contains it, under Fold; "" is all
	Sort      Sort
	After     *Position // only those behind it in that order; nil begins at the first
	Known     *State    // when this is still the owner's state, no tasks are read
	Count     bool      // also count all that the list would hold without Limit and After
}

// SortKey is what a list is ordered by.
type SortKey uint8

// The keys.
const (
	ByCreation SortKey = iota // the order of ids, which is that of creation
	ByUpdate                  // UpdatedAt
	ByTitle                   // Title, by code point
)

// Sort is the order of a list. Ties are broken by id, in the same direction.
type Sort struct {
	Key        SortKey
	Descending bool
}

// Position is the place of a task in an order. Of UpdatedAt and Title it holds
// the one that the order is by, if it is by one.
type Position struct {
	ID        uuid.UUID
	UpdatedAt time.Time
	Title     string
}

// PositionOf returns the place of t in a list that is ordered by s.
func (s Sort) PositionOf(t Task) Position {
	p := Position{ID: t.ID}
	switch s.Key {
	case ByUpdate:
		p.UpdatedAt = t.UpdatedAt
	case ByTitle:
		p.Title = t.Title
	}
	return p
}

// State is where an owner's history stands. While it is the same, so is
// everything that can be listed. An owner without tasks has the zero State.
type State struct {
	Epoch         int64
	Counter       int64
	PurgedThrough int64
}

// Page is a part of a list.
type Page struct {
	Tasks     []Task // in order, never nil; empty when Unchanged
	State     State
	Unchanged bool // the owner's state is the query's Known
	More      bool // there are tasks behind the last one
	Total     int  // how many there are in all, when the query asked
}

// Check returns every fault of q, none when it can be answered.
func (q ListQuery) Check() []Fault {
	var faults []Fault
	fault := func(name, code, detail string) {
		faults = append(faults, Fault{In: InParameter, Name: name, Code: code, Detail: detail})
	}
	if q.Limit < 1 || q.Limit > MaxList {
		fault("limit", "out_of_range", "The limit must be from 1 to "+strconv.Itoa(MaxList)+".")
	}
	if utf8.RuneCountInString(q.Search) > MaxSearch {
		fault("q", "too_long", "The text to search for is longer than "+strconv.Itoa(MaxSearch)+" characters.")
	}
	if strings.ContainsRune(q.Search, 0) {
		fault("q", "nul_character", "The text to search for holds a NUL character. Remove it.")
	}
	return faults
}
