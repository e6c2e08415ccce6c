package docket

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
)

// Draft is a task as another service, or a file, has it.
type Draft struct {
	// ID names the task in its source, and there is no other task of that name. When it
	// is a UUID of version 7 in canonical form, the task keeps it.
	ID string
	NewTask

	// A time is zero when the source does not say it.
	CreatedAt, UpdatedAt, CompletedAt time.Time
	DeletedAt                         time.Time // of a task in the trash
}

// maxAhead is how far the times of a draft may be ahead of the clock.
const maxAhead = 24 * time.Hour

// ImportedTask returns the task of a draft as this service stores it, or the faults
// that keep it from being stored. An id that is made for it is of version 7 and holds
// the time of creation, 1970 when the draft does not say it. The same ID and time
// always give the same new id, so importing a task again adds nothing.
//
// Times are kept, to the microsecond. A task of which nothing is said was made when it
// was imported.
func (s *Service) ImportedTask(owner UserID, d Draft) (Task, []Fault) {
	now := s.Time()
	faults := d.Normalize()
	for _, at := range []struct {
		name string
		time *time.Time
	}{{"created_at", &d.CreatedAt}, {"updated_at", &d.UpdatedAt}, {"completed_at", &d.CompletedAt}, {"deleted_at", &d.DeletedAt}} {
		*at.time = at.time.UTC().Truncate(time.Microsecond)
		if !at.time.IsZero() && (at.time.Year() < 1 || at.time.After(now.Add(maxAhead))) {
			faults = append(faults, bodyFault("/"+at.name, "out_of_range", fmt.Sprintf("The time %s is before the year 1, or more than a day ahead of the server's clock.", at.name)))
		}
	}
	if !d.DeletedAt.IsZero() && d.DeletedAt.Before(now.Add(-s.retention)) {
		faults = append(faults, bodyFault("/deleted_at", "expired", "The task was deleted so long ago that it would be purged from the trash."))
	}
	if len(faults) > 0 {
		return Task{}, faults
	}
	t := Task{
		ID: d.newID(), UserID: owner, Fields: d.Fields,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, CompletedAt: d.CompletedAt, DeletedAt: d.DeletedAt,
	}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = now
		if !t.UpdatedAt.IsZero() {
			t.CreatedAt = t.UpdatedAt
		}
	}
	if t.UpdatedAt.IsZero() {
		t.UpdatedAt = t.CreatedAt
	}
	t.Settle()
	return t, nil
}

// newID returns the id of the task of a draft.
func (d *Draft) newID() uuid.UUID {
	if id, err := ParseTaskID(d.ID); err == nil && ValidNewID(id) {
		return id
	}
	sum := sha256.Sum256([]byte(d.ID))
	return uuidV7(stampOf(d.CreatedAt), binary.BigEndian.Uint64(sum[:]))
}

// Import is what Store.Import adds.
type Import struct {
	Tasks []Task // all the owner's, at most MaxImport; those with DeletedAt go to the trash
	Epoch int64  // of the owner's history, if this import begins it
	// MaxTasks bounds the owner's live tasks, and the trash. 0 is no bound.
	MaxTasks int64
	DryRun   bool     // nothing is written
	Before   Imported // what earlier dry runs of the same import would have added
}

// Imported is what an import did, or would do.
type Imported struct {
	Added     int   // tasks, of which
	Deleted   int   // went to the trash
	Unchanged int   // tasks whose ids the owner had, in the trash too, or that came twice
	NoRoom    []int // the indexes of the deleted tasks for which the trash has no room
}

// Choose returns the tasks to add, and what the import then did. Of the owner it is
// told which ids are known, in the trash too, and how many tasks are live and deleted.
// The error is of kind QuotaExceeded.
//
// It is the rule that every Store follows.
func (i Import) Choose(known map[uuid.UUID]bool, live, trash int64) (add []Task, done Imported, err error) {
	limit := int64(math.MaxInt64)
	if i.MaxTasks > 0 {
		limit = i.MaxTasks
	}
	live += int64(i.Before.Added - i.Before.Deleted)
	trash += int64(i.Before.Deleted)
	before := live
	seen := make(map[uuid.UUID]bool, len(i.Tasks))
	for n, t := range i.Tasks {
		switch deleted := !t.DeletedAt.IsZero(); {
		case known[t.ID] || seen[t.ID]:
			done.Unchanged++
			continue
		case deleted && trash >= limit:
			done.NoRoom = append(done.NoRoom, n)
			continue
		case deleted:
			trash++
			done.Deleted++
		default:
			live++
		}
		seen[t.ID] = true
		done.Added++
		add = append(add, t)
	}
	if live > limit && live > before {
		return nil, Imported{}, &Error{Kind: QuotaExceeded, Limit: limit, Detail: fmt.Sprintf(
			"With this import the user would have more than %d tasks, which is as many as there may be.", limit)}
	}
	return add, done, nil
}

// Import adds those tasks whose ids their owner does not have, in the trash too, or, in
// a dry run, says what that would do after earlier dry runs. Tasks come from
// ImportedTask; there are at most MaxImport. The error is of kind QuotaExceeded, or as
// Store.Import says.
func (s *Service) Import(ctx context.Context, owner UserID, tasks []Task) (Imported, error) {
	done, err := s.store.Import(ctx, owner, Import{Tasks: tasks, Epoch: s.epoch(), MaxTasks: s.quota})
	s.wrote(owner, err)
	s.requestMaintenance()
	return done, err
}

// TryImport says what Import would do with tasks after earlier calls of TryImport, whose
// results together are before. It writes nothing. The error is of kind QuotaExceeded.
func (s *Service) TryImport(ctx context.Context, owner UserID, tasks []Task, before Imported) (Imported, error) {
	return s.store.Import(ctx, owner, Import{Tasks: tasks, MaxTasks: s.quota, DryRun: true, Before: before})
}
