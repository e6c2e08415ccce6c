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

// ListQuery says which tasks of a user a list holds, and in which order.
type ListQuery struct {
	Limit     int            // 1 to MaxList
	Completed Optional[bool] // only tasks with this value
	Deleted   bool           // the trash, instead of the live tasks
	Search    string         // only tasks whose title or description contains it, under Fold; "" is all
	Sort      Sort
	After     *Position // only tasks after it in that order; nil begins at the first
	Known     *State    // when this is still the owner's state, no tasks are read
	Count     bool      // also count all that the list would hold without Limit and After
}

// SortKey names what a list is ordered by.
type SortKey uint8

// The keys.
const (
	ByCreation SortKey = iota // the order of ids, which is the order of creation
	ByUpdate                  // UpdatedAt
	ByTitle                   // Title, by code point
)

// Sort is the order of a list. Ties are broken by id, in the same direction.
type Sort struct {
	Key        SortKey
	Descending bool
}

// Position is the place of a task in an order. Only the field that the order's
// key names is set besides ID.
type Position struct {
	ID        uuid.UUID
	UpdatedAt time.Time
	Title     string
}

// PositionOf returns the position of t in a list that is ordered by s.
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

// State is the state of an owner's history. While it stays the same, every list
// of the owner's tasks stays the same. An owner without a history has the zero
// State.
type State struct {
	Epoch         int64 // random: tells this history from any other of the same owner
	Counter       int64 // changes so far, and the version of the task that changed last
	PurgedThrough int64 // the highest version among the deleted tasks that were purged
}

// Page is a part of a list.
type Page struct {
	Tasks     []Task // in order, never nil; empty when Unchanged
	State     State
	Unchanged bool // the owner's state is the query's Known
	More      bool // there are tasks after the last one
	Total     int  // how many tasks there are in all, when the query asks for it
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
