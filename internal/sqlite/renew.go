package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"docket"
)

// nextOwnersSQL and renewOwnerSQL span all users, in steps.
const (
	nextOwnersSQL = "SELECT user_id FROM owners WHERE user_id > ?1 ORDER BY user_id LIMIT 500"
	renewOwnerSQL = "UPDATE owners SET epoch = ?2, counter = counter + ?3 WHERE user_id = ?1"
)

// lostHistory is the user version of a file whose latest writes may have been lost: a
// backup, or a copy. Open renews the histories of all users and sets it to 0.
const lostHistory = 1

// Renew implements docket.Store.
func (s *Store) Renew(ctx context.Context, renewal func() (epoch, raise int64)) (owners int, err error) {
	err = s.writer.do(ctx, 1, func(q *statements) error {
		owners, err = renewAll(q, renewal)
		return err
	})
	return owners, err
}

// renewAll runs in a transaction of the writer.
func renewAll(q *statements, renewal func() (epoch, raise int64)) (owners int, err error) {
	for last := docket.UserID(""); ; {
		some, err := nextOwners(q, last)
		if err != nil || len(some) == 0 {
			return owners, err
		}
		for _, last = range some {
			epoch, raise := renewal()
			if err := q.Stmt(renewOwnerSQL).Text(string(last)).Num(epoch).Num(raise).Exec(); err != nil {
				return owners, err
			}
			owners++
		}
	}
}

func nextOwners(q *statements, after docket.UserID) (some []docket.UserID, err error) {
	n := q.Stmt(nextOwnersSQL)
	err = n.Text(string(after)).Each(func() bool {
		some = append(some, docket.UserID(n.TextAt(0)))
		return true
	})
	return some, err
}

// renewIfLost renews the histories of a file that is marked with lostHistory. It runs
// before the writer has started.
func (s *Store) renewIfLost(ctx context.Context) error {
	lost, err := s.writer.lostHistory()
	if err != nil || !lost {
		return err
	}
	q := &s.writer.stmts
	if err := q.Stmt("BEGIN IMMEDIATE").Exec(); err != nil {
		return err
	}
	owners, err := renewAll(q, randomRenewal)
	if err == nil {
		err = s.writer.conn.Run("PRAGMA user_version = 0")
	}
	if err == nil {
		err = q.Stmt("COMMIT").Exec()
	}
	if err != nil {
		return errors.Join(err, q.Stmt("ROLLBACK").Exec())
	}
	s.log.WarnContext(ctx, "the file is a backup or a copy, so its latest writes may have been lost: the histories of all users begin anew, and clients read their tasks again",
		"file", s.file.Path, "users", owners)
	return nil
}

// randomRenewal is docket.Service's: a raise from 2^32 to 2^40.
func randomRenewal() (epoch, raise int64) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	epoch = int64(binary.BigEndian.Uint64(random[:8]) >> 1)
	return epoch, 1<<32 + int64(binary.BigEndian.Uint64(random[8:])%(1<<40-1<<32))
}

// lostHistory reports whether the file is marked as one with a lost history.
func (w *writer) lostHistory() (bool, error) {
	version, err := w.conn.Number("PRAGMA user_version")
	return version == lostHistory, err
}

// markLost marks the file as one with a lost history.
func (w *writer) markLost() error { return w.conn.Run("PRAGMA user_version = 1") }
