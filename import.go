package docket

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// ImportedTask returns a task that another service kept under its own id, as
// this one stores it, or the faults that make it impossible to store. The new
// id is of version 7 and of the time of creation, and the same each time for
// the same task, so that importing again adds nothing.
func ImportedTask(owner UserID, id string, t NewTask, created, updated time.Time) (Task, []Fault) {
	if faults := t.Normalize(); len(faults) > 0 {
		return Task{}, faults
	}
	created, updated = created.UTC().Truncate(time.Microsecond), updated.UTC().Truncate(time.Microsecond)
	sum := sha256.Sum256([]byte(id))
	return Task{
		ID:          uuidV7(stampOf(created), binary.BigEndian.Uint64(sum[:])),
		UserID:      owner,
		Title:       t.Title,
		Description: t.Description,
		Completed:   t.Completed,
		CreatedAt:   created,
		UpdatedAt:   updated,
	}, nil
}
