package docket

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxSearch bounds the text that a list is searched for, in characters. Stores
// search in time that is linear in the text of the tasks, whatever is searched for.
const MaxSearch = 100

// MaxPageBytes bounds what the tasks of one page of a list, or of one answer of
// changes, take together, as bytes of JSON. A page ends before the task that would
// exceed it, and holds at least one.
const MaxPageBytes = 8 << 20

// MaxOffset bounds how many tasks a list skips.
const MaxOffset = 10_000

// ListQuery says which tasks of a user a list holds, and in which order. Matches and
// Sort.Compare state what that means.
type ListQuery struct {
	Limit      int            // 1 to MaxList
	Offset     int            // how many to skip, 0 to MaxOffset; 0 with After
	Completed  Optional[bool] // only tasks with this value
	Priorities []Priority     // only tasks with one of them; none is all
	Tags       []string       // only tasks with all of them, under Fold; 0 to MaxTags
	DueFrom    time.Time      // only tasks that are due then or later; zero is all
	DueBefore  time.Time      // only tasks that are due before; zero is all
	Deleted    bool           // the trash, instead of the live tasks
	Search     string         // only tasks whose title, description or a tag contains it, under Fold; "" is all
	Sort       Sort
	After      *Position // only tasks after it in that order; nil begins at the first
	Known      *State    // when this is still the owner's state, no tasks are read
	Count      bool      // also count all that the list would hold without Limit and After
}

// SortKey names what a list is ordered by.
type SortKey uint8

// The keys.
const (
	ByCreation SortKey = iota // the order of ids, which is the order of creation
	ByUpdate                  // UpdatedAt
	ByTitle                   // Title, by code point
	ByDueDate                 // the Moment of DueDate; tasks without one come last in both directions
	ByPriority                // Priority
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
	Due       time.Time // zero when there is none
	Priority  Priority
}

// PositionOf returns the position of t in a list that is ordered by s.
func (s Sort) PositionOf(t Task) Position {
	p := Position{ID: t.ID}
	switch s.Key {
	case ByUpdate:
		p.UpdatedAt = t.UpdatedAt
	case ByTitle:
		p.Title = t.Title
	case ByDueDate:
		p.Due, _ = t.DueDate.Moment()
	case ByPriority:
		p.Priority = t.Priority
	}
	return p
}

// Compare returns a negative number when a comes before b in the order s, and a
// positive one when it comes after b.
func (s Sort) Compare(a, b Task) int {
	x, y := s.PositionOf(a), s.PositionOf(b)
	if s.Key == ByDueDate && x.Due.IsZero() != y.Due.IsZero() {
		return map[bool]int{true: 1, false: -1}[x.Due.IsZero()]
	}
	order := cmp.Or(
		x.UpdatedAt.Compare(y.UpdatedAt), strings.Compare(x.Title, y.Title), x.Due.Compare(y.Due), cmp.Compare(x.Priority, y.Priority),
		bytes.Compare(x.ID[:], y.ID[:]),
	)
	if s.Descending {
		return -order
	}
	return order
}

// Matches reports whether a list holds t, of the list's owner, on one of its pages.
func (q ListQuery) Matches(t Task) bool {
	due, dated := t.DueDate.Moment()
	tags := FoldTags(t.Tags)
	return t.DeletedAt.IsZero() != q.Deleted &&
		(!q.Completed.Set || t.Completed == q.Completed.Value) &&
		(len(q.Priorities) == 0 || slices.Contains(q.Priorities, t.Priority)) &&
		!slices.ContainsFunc(q.Tags, func(tag string) bool { return !slices.Contains(tags, Fold(tag)) }) &&
		(q.DueFrom.IsZero() || dated && !due.Before(q.DueFrom)) &&
		(q.DueBefore.IsZero() || dated && due.Before(q.DueBefore)) &&
		(q.Search == "" || slices.ContainsFunc(append(tags, Fold(t.Title), Fold(optional(t.Description))),
			func(text string) bool { return strings.Contains(text, Fold(q.Search)) }))
}

func optional(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// State is the state of an owner's history. While it stays the same, every list of
// the owner's live tasks stays the same; the trash may lose tasks. An owner without a
// history has the zero State.
type State struct {
	Epoch         int64 // random: tells this history from any other of the same owner
	Counter       int64 // changes so far, and the version of the task that changed last
	PurgedThrough int64 // the highest version among the deleted tasks that were purged
}

// Pass reports whether the list costs one pass over the owner's tasks. Only the
// order of creation, without filters, reads no more tasks than it returns.
func (q ListQuery) Pass() bool {
	return q.Deleted || q.Filtered() || q.Offset > 0 || q.Sort.Key != ByCreation
}

// Filtered reports whether the list leaves out some of the owner's live tasks, or of
// the trash.
func (q ListQuery) Filtered() bool {
	return q.Completed.Set || len(q.Priorities) > 0 || len(q.Tags) > 0 || !q.DueFrom.IsZero() || !q.DueBefore.IsZero() || q.Search != ""
}

// Room is what is left of a page that a Store fills.
type Room struct {
	tasks    int
	bytes    int64
	unpaused int64 // bytes since the last pause
}

// A Store that reads a long page pauses after so many bytes of it. Go looks for arrivals
// on the network only every 10 ms while all cores are busy, so the requests of others
// would wait for the page.
const (
	pauseAfter = 512 << 10
	pause      = time.Millisecond
)

// NewRoom returns the room of a page of limit tasks and MaxPageBytes.
func NewRoom(limit int) Room { return Room{tasks: limit, bytes: MaxPageBytes} }

// Take takes room for t, the next task of the page. It returns false when the
// page ends before t. The first task always has room. Take pauses now and then while
// a page is long.
func (r *Room) Take(t *Task) bool {
	size := t.Size() + t.escapes()
	if r.tasks == 0 || r.bytes < size && r.bytes < MaxPageBytes {
		return false
	}
	r.tasks--
	r.bytes -= size
	if r.unpaused += size; r.unpaused >= pauseAfter {
		r.unpaused = 0
		time.Sleep(pause)
	}
	return true
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
	if q.Offset < 0 || q.Offset > MaxOffset {
		fault("offset", "out_of_range", "The offset must be from 0 to "+strconv.Itoa(MaxOffset)+".")
	}
	if q.Offset > 0 && q.After != nil {
		fault("offset", "not_with_cursor", "A cursor is a place already: leave offset out, or cursor.")
	}
	if len(q.Tags) > MaxTags {
		fault("tag", "too_many", "There are more than "+strconv.Itoa(MaxTags)+" tags to look for.")
	}
	if slices.ContainsFunc(q.Tags, func(tag string) bool { return strings.ContainsRune(tag, 0) }) {
		fault("tag", "nul_character", "A tag to look for holds a NUL character. Remove it.")
	}
	if utf8.RuneCountInString(q.Search) > MaxSearch {
		fault("q", "too_long", "The text to search for is longer than "+strconv.Itoa(MaxSearch)+" characters.")
	}
	if strings.ContainsRune(q.Search, 0) {
		fault("q", "nul_character", "The text to search for holds a NUL character. Remove it.")
	}
	return faults
}
