package e2e

import (
	"testing"

	"docket/internal/pgtest"
)

// postgresDatabases are the ways to PostgreSQL that Docket promises. Each makes
// an empty database for a test, on the cluster that tests share, and returns
// its DATABASE_URL.
var postgresDatabases = map[string]func(testing.TB) string{
	"postgres": func(t testing.TB) string { return pgtest.Shared(t).Database(t) },
	// Docket's 20 connections (its default) share 5 of the server (pgtest's).
	"pgbouncer": func(t testing.TB) string {
		c := pgtest.Shared(t)
		return pooledURL(c.DefaultPooler(t), c.Database(t))
	},
}

// pooledURL is the database of a direct URL through a pooler, as an ORM's users
// write it.
func pooledURL(p *pgtest.Pooler, direct string) string {
	return "postgresql" + p.URL(direct)[len("postgres"):] + "&pgbouncer=true"
}
