package sqlite

import (
	"context"

	"docket"
)

// Reader reads the tasks of a database that another process may serve.
type Reader struct {
	pool   *readers
	health health
}

// OpenReader opens the file at path, whose schema must be that of this program.
func OpenReader(path string) (r *Reader, err error) {
	r = &Reader{}
	r.pool, err = openReaders(readOnly(path), 1, docket.StatementTimeout, &r.health)
	return r, err
}

// List returns a page of tasks, as docket.Store.List does.
func (r *Reader) List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error) {
	return atOnce(ctx, r.pool, func(r *reader) (docket.Page, error) { return r.page(owner, q) })
}

// Close releases everything.
func (r *Reader) Close() error { return r.pool.close() }
