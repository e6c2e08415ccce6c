package connect

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/pgerror"
)

// ExecModes are pgx's query execution modes that are safe here, by name. Of the
// others, describe_exec mixes up the statements of clients behind a pooler, and
// simple_protocol interpolates arguments on the client.
var ExecModes = map[string]pgx.QueryExecMode{
	"cache_statement": pgx.QueryExecModeCacheStatement, // fastest; needs a session, so not behind a pooler
	"cache_describe":  pgx.QueryExecModeCacheDescribe,
	"exec":            pgx.QueryExecModeExec,
}

// Way is how connections reach their server.
type Way int

// The ways.
const (
	Direct     Way = iota
	Pinned         // through a pooler that gives each connection a server of its own
	Keeping        // through one that shares servers, and keeps prepared statements
	Forgetting     // through one that shares servers, and does not
	Unproven       // through one that has shown neither
)

func (w Way) String() string {
	return [...]string{
		"direct", "a pooler in session mode", "a pooler that keeps prepared statements",
		"a pooler that keeps no prepared statements", "a pooler that may keep no prepared statements",
	}[w]
}

// ExecMode returns the name of the fastest of ExecModes that is right.
func (w Way) ExecMode() string {
	if w == Forgetting || w == Unproven {
		return "cache_describe"
	}
	return "cache_statement"
}

// Detect connects to a database and returns the exec mode in which it is used unless
// DATABASE_EXEC_MODE says otherwise, and how it is reached: a phrase for an operator.
func Detect(ctx context.Context, t Target) (execMode, how string, err error) {
	found, err := Probe(ctx, t, slog.New(slog.DiscardHandler))
	return found.Way.ExecMode(), found.Way.String(), err
}

const (
	// exploreRounds is how often a pooler gets the opportunity to share a server. A
	// pooler in session mode takes none of them.
	exploreRounds = 5
	// holdLimit bounds how long a server is held while another is awaited. A pooler may
	// have only one, or need time to connect to another.
	holdLimit = time.Second
	// exploreTimeout bounds all rounds. A pooler in session mode may have no server left.
	exploreTimeout = 4 * time.Second
)

// errHeld is the error of a round in which conn has got no server until other gave up
// its own.
var errHeld = errors.New("postgres: the pooler has no second server")

// explore finds out what the pooler behind conn does with prepared statements. When one
// is carried out by two servers, the pooler has kept it: it was prepared once, under a
// name that nobody else uses. So in each round another connection holds a server in a
// transaction, often the one that conn has just used.
func explore(ctx context.Context, t Target, conn *pgx.Conn) (Way, error) {
	other, err := connect(ctx, t)
	if err != nil {
		return Unproven, nil // the database can be used, as conn has shown
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	ctx, cancel := context.WithTimeout(ctx, exploreTimeout)
	defer cancel()
	p := poolerProbe{conn: conn, other: other, name: "docket_" + rand.Text()}
	_, err = conn.PgConn().Prepare(ctx, p.name, "SELECT pg_backend_pid()::text", nil)
	if err == nil {
		err = p.execute(ctx)
	}
	for n := 0; err == nil && len(p.ran) == 1 && n < exploreRounds; n++ {
		err = p.round(ctx)
	}
	switch {
	case pgerror.Code(err) == pgerror.UndefinedStatement:
		return Forgetting, nil
	case pgerror.Code(err) == pgerror.ProtocolViolation && p.held == nil:
		return Unproven, fmt.Errorf("the pooler of the database %s allows no transactions, which Docket needs: set its pool_mode to transaction", t)
	case err != nil:
		return Unproven, nil // as above
	case len(p.ran) > 1:
		return Keeping, nil
	case slices.Contains(p.held, p.ran[0]): // it shares servers, but each time the same one was free
		return Unproven, nil
	}
	return Pinned, nil
}

// poolerProbe is the state of explore.
type poolerProbe struct {
	conn, other *pgx.Conn
	name        string   // of the statement that conn has prepared
	ran, held   []string // the servers that have carried it out, and those that other has held
}

// execute carries out the statement.
func (p *poolerProbe) execute(ctx context.Context) error {
	result := p.conn.PgConn().ExecPrepared(ctx, p.name, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if server := string(result.Rows[0][0]); !slices.Contains(p.ran, server) {
		p.ran = append(p.ran, server)
	}
	return nil
}

// round has other hold a server while the statement is carried out. When the pooler
// keeps no statements, it removes this one from the server that is held.
func (p *poolerProbe) round(ctx context.Context) error {
	results, err := p.other.PgConn().Exec(ctx, "BEGIN; SELECT pg_backend_pid()").ReadAll()
	if err != nil {
		return err
	}
	p.held = append(p.held, string(results[1].Rows[0][0]))
	var late error
	done := make(chan error, 1)
	go func() { done <- p.execute(ctx) }()
	limit := time.NewTimer(holdLimit)
	defer limit.Stop()
	end := "ROLLBACK"
	select {
	case err = <-done:
		if pgerror.Code(err) == pgerror.UndefinedStatement {
			end = `DEALLOCATE "` + p.name + `"; ROLLBACK`
		}
		done <- err
	case <-limit.C:
		late = errHeld
	}
	_, failed := p.other.PgConn().Exec(ctx, end).ReadAll()
	return cmp.Or(<-done, failed, late)
}
