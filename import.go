package docket

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// ImportedTask returns the task that another service kept under id, as this
// service stores it, or the faults that keep it from being stored. The new id is
// of version 7 and holds the time of creation. The same id and time always give
// the same new id, so importing a task again adds nothing.
func ImportedTask(owner UserID, id string, t NewTask, created, updated time.Time) (Task, []Fault) {
	if faults := t.Normalize(); len(faults) > 0 {
		return Task{}, faults
	}
	created, updated = created.UTC().Truncate(time.Microsecond), updated.UTC().Truncate(time.Microsecond)
	sum := sha256.Sum256([]byte(id))
	task := Task{
		ID:        uuidV7(stampOf(created), binary.BigEndian.Uint64(sum[:])),
		UserID:    owner,
		Fields:    t.Fields,
		CreatedAt: created,
		UpdatedAt: updated,
	}
	task.Settle()
	return task, nil
}
