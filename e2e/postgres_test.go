package e2e

import (
	"testing"

	"docket/internal/pgtest"
)

// postgresDatabases has a function for each supported way to connect to
// PostgreSQL. It makes an empty database on the cluster that tests share, and
// returns the DATABASE_URL.
var postgresDatabases = map[string]func(testing.TB) string{
	"postgres": func(t testing.TB) string { return pgtest.Shared(t).Database(t) },
	// The 20 connections of docket share 5 connections of the server.
	"pgbouncer": func(t testing.TB) string {
		c := pgtest.Shared(t)
		return pooledURL(c.DefaultPooler(t), c.Database(t))
	},
}

// pooledURL returns a direct URL through a pooler, in the form that ORMs use.
func pooledURL(p *pgtest.Pooler, direct string) string {
	return "postgresql" + p.URL(direct)[len("postgres"):] + "&pgbouncer=true"
}
