package docket

import (
	"context"
	"fmt"
)

// MaxChanges is the most changes that one answer holds.
const MaxChanges = 1000

// SyncToken is a position in an owner's history: its reader has seen everything
// before it. The zero token is the position of an owner without a history.
//
// A reader begins with a snapshot, which it reads in the order of versions: after
// After, and up to Through, which is the owner's counter when the snapshot began.
// A task that changes meanwhile leaves that range, and the reader gets it as a
// change after Through. When no snapshot is being read, Through is 0.
type SyncToken struct {
	Epoch   int64
	Through int64
	After   int64
}

// seen returns the version up to which the reader knows of all deletions. When
// later deletions were purged, the reader cannot go on.
func (t SyncToken) seen() int64 { return max(t.Through, t.After) }

// ChangesQuery says which changes to read.
type ChangesQuery struct {
	Since SyncToken // the zero token begins with a snapshot of the live tasks
	Limit int       // 1 to MaxChanges
}

// Changes is a part of an owner's history: the latest state of each task that
// changed after a token.
type Changes struct {
	Items []Task    // in the order of their versions, never nil; deleted tasks have DeletedAt
	Next  SyncToken // the position after Items
	More  bool      // there are changes after Next

	through int64 // Through of the snapshot that Items are part of; 0 without one
}

// TokenAfter returns the position after the item at index i.
func (c Changes) TokenAfter(i int) SyncToken {
	if i == len(c.Items)-1 {
		return c.Next
	}
	return SyncToken{Epoch: c.Next.Epoch, Through: c.through, After: c.Items[i].Version}
}

// ChangeRange is a range of versions of an owner.
type ChangeRange struct {
	After   int64 // the range begins after this version
	Through int64 // the last version of the range; 0 is no bound
	Live    bool  // without deleted tasks
	Limit   int   // the most tasks to read
}

// ChangePage is what a Store finds in a ChangeRange.
type ChangePage struct {
	Tasks []Task // in the order of their versions, never nil; deleted tasks have DeletedAt
	State State  // the owner's, at the same moment
	More  bool   // there are tasks in the range after the last one
}

var errTokenExpired = &Error{Kind: SyncTokenExpired, Detail: "The sync token is from before what the server still remembers. Begin again without since: that gives the tasks as they are now."}

// ExpiredToken returns the error of kind SyncTokenExpired.
func ExpiredToken() error { return errTokenExpired }

// Changes returns what changed after a token, deletions included, or the first
// or next part of a snapshot. No change is skipped, whatever is written
// meanwhile. The error is of kind Invalid, or SyncTokenExpired when the token
// belongs to another history or is older than a deletion that was purged.
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
	s.requestMaintenance()
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

// Now returns the position at the end of the owner's history.
func (s *Service) Now(ctx context.Context, owner UserID) (SyncToken, error) {
	states, err := s.store.Counters(ctx, []UserID{owner})
	return SyncToken{Epoch: states[owner].Epoch, After: states[owner].Counter}, err
}

// Counters returns the states of those owners who have a history.
func (s *Service) Counters(ctx context.Context, owners []UserID) (map[UserID]State, error) {
	return s.store.Counters(ctx, owners)
}

// eraseStep is how many tasks, and keys, one transaction of an erasure removes.
const eraseStep = 500

// Erase removes everything that is stored about owner, in small steps. After the
// first step every earlier sync token has expired. After an error, call it again.
// A task that is created meanwhile is erased too or begins a new history.
func (s *Service) Erase(ctx context.Context, owner UserID) error {
	for {
		done, err := s.store.Erase(ctx, owner, s.epoch(), eraseStep)
		s.wrote(owner, err)
		if mayBeDone(err) {
			s.keysEnded(owner)
		}
		if done || err != nil {
			return err
		}
	}
}

// wrote reports a write to WithChanged's function, unless err shows that nothing
// was committed.
func (s *Service) wrote(owner UserID, err error) {
	if mayBeDone(err) {
		s.changed(owner)
	}
}

// mayBeDone reports whether a write that ended with err was committed, or may have been.
func mayBeDone(err error) bool { return err == nil || KindOf(err) == OutcomeUnknown }
