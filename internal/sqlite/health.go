package sqlite

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"docket"
	"docket/internal/migrate"
	"docket/internal/sqlite/engine"
)

// health is what the last requests met.
type health struct {
	troubled atomic.Bool
	checking sync.Mutex
}

// met records the outcome of a request or of maintenance. An error that concerns its rows
// or its limits says nothing about the store, and neither does a success: other
// statements may still fail.
func (h *health) met(err error) {
	if errors.Is(err, engine.ErrDeadline) {
		return
	}
	switch code(err) {
	case sqlite.ResultOK, sqlite.ResultConstraint, sqlite.ResultTooBig, sqlite.ResultMismatch, sqlite.ResultInterrupt:
	default:
		h.troubled.Store(true)
	}
}

// Ready implements docket.Store. It reports what the last requests met, and checks the
// schema only when that was a failure of the store.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.writer.place.check(); err != nil {
		return err
	}
	if !s.health.troubled.Load() {
		return nil
	}
	s.health.checking.Lock()
	defer s.health.checking.Unlock()
	if !s.health.troubled.Load() { // another check has succeeded meanwhile
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, docket.StatementTimeout)
	defer cancel()
	if err := s.check(ctx); err != nil {
		return unavailable(err)
	}
	s.health.troubled.Store(false)
	return nil
}

// check returns nil when this program serves the schema of the file: the steps are
// those that it knows, and every statement can be prepared. It uses a connection of its
// own.
func (s *Store) check(ctx context.Context) (err error) {
	conn, err := s.file.Open("query_only = 1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	defer conn.Until(ctx)()
	records, err := readRecords(conn)
	if err != nil {
		return err
	}
	if err := (migrate.Status{Records: records, Known: migrations}).Check(); err != nil {
		return err
	}
	for _, text := range every {
		if err := conn.Stmt(text).Err(); err != nil {
			return err
		}
	}
	return nil
}

// every holds the texts of all statements that read or write tables.
var every = slices.Concat(slices.Collect(maps.Values(listSQL)), slices.Collect(maps.Values(sizesSQL)), []string{
	getSQL, findTrashSQL, insertSQL, updateSQL, insertTrashSQL, deleteSQL, undeleteSQL, addSQL, settleSQL, settledSQL, bumpSQL, hasSQL, roomSQL, burySQL,
	stateSQL, countSQL, countTrashSQL, changesSQL, snapshotSQL, countersSQL,
	findKeySQL, keptSQL, resultSQL, raiseKeptSQL, keepKeySQL, lowerKeptSQL, expireKeysSQL,
	raisePurgedSQL, purgeSQL, purgeFirstSQL, overflowSQL, renewSQL, eraseTasksSQL, eraseTrashSQL, eraseKeysSQL, eraseOwnerSQL,
	apiKeysSQL, findAPIKeySQL, insertAPIKeySQL, countAPIKeysSQL, expireAPIKeysSQL, revokeAPIKeySQL, eraseAPIKeysSQL, markAPIKeySQL,
	nextOwnersSQL, renewOwnerSQL, advanceClockSQL, pageSQL, writePageSQL,
})

// Warnings implements docket.Store. A file whose history may have been lost is renewed
// when it is opened, so there is nothing to warn of.
func (s *Store) Warnings() []string { return nil }
