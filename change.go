package docket

import (
	"context"
	"fmt"
)

// MaxChanges is the most changes that one answer holds.
const MaxChanges = 1000

// SyncToken is a place in an owner's history, up to which a reader has seen
// everything. The zero token is that of an owner without a history, of which
// there is nothing to see.
//
// The snapshot that a reader begins with is read in the order of versions:
// behind After and up to Through, where the history stood when it began. A task
// that is changed meanwhile leaves that range, and comes as a change behind
// Through. Without a snapshot under way Through is 0.
type SyncToken struct {
	Epoch   int64
	Through int64
	After   int64
}

// seen is the number up to which nothing that the reader needs may be purged.
func (t SyncToken) seen() int64 { return max(t.Through, t.After) }

// ChangesQuery says which changes to read.
type ChangesQuery struct {
	Since SyncToken // the zero token begins with a snapshot of the live tasks
	Limit int       // 1 to MaxChanges
}

// Changes is a part of an owner's history: the latest state of each task that
// changed behind a token.
type Changes struct {
	Items []Task    // in the order of their versions, never nil; with DeletedAt where the task is deleted
	Next  SyncToken // the place behind them
	More  bool      // there are changes behind Next

	through int64 // of the snapshot that Items are part of
}

// TokenAfter returns the place behind the item at index i.
func (c Changes) TokenAfter(i int) SyncToken {
	if i == len(c.Items)-1 {
		return c.Next
	}
	return SyncToken{Epoch: c.Next.Epoch, Through: c.through, After: c.Items[i].Version}
}

// ChangeRange is a range of versions of an owner.
type ChangeRange struct {
	After   int64
	Through int64 // 0: no bound
	Live    bool  // without deleted tasks
	Limit   int   // the most tasks to read
}

// ChangePage is what a Store finds in a ChangeRange.
type ChangePage struct {
	Tasks []Task // in the order of their versions, never nil; with DeletedAt where the task is deleted
	State State  // the owner's, at the same moment
	More  bool   // there are tasks in the range behind the last one
}

var errTokenExpired = &Error{Kind: SyncTokenExpired, Detail: "The sync token is from before what the server still remembers. Begin again without since: that gives the tasks as they are now."}

// ExpiredToken returns the error of kind SyncTokenExpired.
func ExpiredToken() error { return errTokenExpired }

// Changes returns what changed behind a token, deletions included, or the
// first or next part of a snapshot. No change is skipped, whatever is written
// meanwhile. Invalid; SyncTokenExpired when the token is of another history or
// is older than a deletion that has been purged.
func (s *Service) Changes(ctx context.Context, owner UserID, q ChangesQuery) (Changes, error) {
	if q.Limit < 1 || q.Limit > MaxChanges {
		return Changes{}, InvalidInput(Fault{In: InParameter, Name: "limit", Code: "out_of_range", Detail: fmt.Sprintf("The limit must be a whole number from 1 to %d.", MaxChanges)})
	}
	begins := q.Since == SyncToken{}
	page, err := s.store.Changes(ctx, owner, ChangeRange{
		After: q.Since.After, Through: q.Since.Through, Live: begins || q.Since.Through != 0, Limit: q.Limit,
	})
	if err != nil {
		return Changes{}, err
	}
	s.tidy()
	if state := page.State; !begins && (q.Since.Epoch != state.Epoch || q.Since.seen() > state.Counter || q.Since.seen() < state.PurgedThrough) {
		return Changes{}, errTokenExpired
	}
	c := Changes{Items: page.Tasks, More: page.More, through: q.Since.Through, Next: SyncToken{Epoch: page.State.Epoch, After: page.State.Counter}}
	if begins {
		c.through = page.State.Counter
	}
	switch {
	case page.More:
		c.Next.Through, c.Next.After = c.through, page.Tasks[len(page.Tasks)-1].Version
	case c.through != 0:
		c.Next.After = c.through
		c.More = c.through < page.State.Counter
	}
	return c, nil
}

// Now returns the place where the owner's history stands.
func (s *Service) Now(ctx context.Context, owner UserID) (SyncToken, error) {
	states, err := s.store.Counters(ctx, []UserID{owner})
	return SyncToken{Epoch: states[owner].Epoch, After: states[owner].Counter}, err
}

// Counters returns where the histories of owners stand, but of those who have none.
func (s *Service) Counters(ctx context.Context, owners []UserID) (map[UserID]State, error) {
	return s.store.Counters(ctx, owners)
}

// eraseStep is how many tasks, and keys, one transaction of an erasure removes.
const eraseStep = 500

// Erase removes everything that is held about owner, in small steps. From the
// first one on no earlier token is taken. When it fails it is to be called
// again. A task that is created meanwhile is erased too or begins a new history.
func (s *Service) Erase(ctx context.Context, owner UserID) error {
	for {
		done, err := s.store.Erase(ctx, owner, s.epoch(), eraseStep)
		s.wrote(owner, err)
		if done || err != nil {
			return err
		}
	}
}

// wrote tells of a write that was committed, or may have been.
func (s *Service) wrote(owner UserID, err error) {
	if err == nil || KindOf(err) == OutcomeUnknown {
		s.changed(owner)
	}
}
