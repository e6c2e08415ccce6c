package dispatch

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"docket"
	"docket/internal/postgres/pgerror"
)

// Policy is how a statement or a transaction is run, and when it is tried again:
// up to maxAttempts times in all, after a pause each, and never after a time limit.
type Policy struct {
	// write: once begun, it does not end with its request. It is tried again when it
	// is certain that nothing was committed.
	write bool
	// keyed: a write that finds out by its key whether it was committed. It is tried
	// again when that is unknown, too.
	keyed bool
	// harmless: it changes nothing, and is tried again after any trouble with the
	// connection or the server.
	harmless bool
	// pass: it costs a pass over the tasks of a user, and has less time.
	pass bool
	// checking: it is the check of Ready, which has a connection of its own and
	// judges the database itself.
	checking bool
}

// The policies.
var (
	Reading      = Policy{harmless: true}             // changes nothing
	Passing      = Policy{harmless: true, pass: true} // the same, and costs a pass over a user's tasks
	Checking     = Policy{harmless: true, checking: true}
	Writing      = Policy{write: true}              // commits
	WritingKeyed = Policy{write: true, keyed: true} // commits once for its key, however often it is tried
	Maintaining  = Policy{}                         // changes what no request waits for; ends when the process is to end
)

const maxAttempts = 3

// allows reports whether another attempt is sound after err, and may fare better.
func (p Policy) allows(err error) bool {
	left := pgerror.Classify(err)
	if left == pgerror.Unknown {
		return p.keyed && !errors.Is(err, pgerror.ErrUnreplicated) // a repetition would succeed, and the standby still lack it
	}
	if pgconn.Timeout(err) || errors.Is(err, pgerror.ErrAcquire) {
		return false // its time is up
	}
	if p.harmless && pgerror.Code(err) != pgerror.QueryCanceled && docket.KindOf(pgerror.Translate(err)) == docket.Unavailable {
		return true
	}
	if left == pgerror.NotSent {
		return pgerror.MayPass(err)
	}
	switch pgerror.Code(err) {
	case pgerror.SerializationFailure, pgerror.DeadlockDetected, pgerror.UndefinedStatement, pgerror.DuplicateStatement, pgerror.CannotConnectNow, pgerror.ReadOnly:
		return true
	}
	return false
}
