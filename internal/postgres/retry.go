package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"docket"
)

// policy is how a statement or a transaction is run, and when it is tried again:
// up to maxAttempts times in all, after a pause each, and never after a time limit.
type policy struct {
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

var (
	reading      = policy{harmless: true}
	passing      = policy{harmless: true, pass: true}
	checking     = policy{harmless: true, checking: true}
	writing      = policy{write: true}
	writingKeyed = policy{write: true, keyed: true}
	maintaining  = policy{} // changes what no request waits for; ends when the process is to end
)

const maxAttempts = 3

// allows reports whether another attempt is sound after err, and may fare better.
func (p policy) allows(err error) bool {
	left := classify(err)
	if left == unknown {
		return p.keyed && !errors.Is(err, errUnreplicated) // a repetition would succeed, and the standby still lack it
	}
	if pgconn.Timeout(err) || errors.Is(err, errAcquire) {
		return false // its time is up
	}
	if p.harmless && sqlState(err) != queryCanceled && docket.KindOf(translate(err)) == docket.Unavailable {
		return true
	}
	if left == notSent {
		return mayPass(err)
	}
	switch sqlState(err) {
	case serializationFailure, deadlockDetected, undefinedStatement, duplicateStatement, cannotConnectNow, readOnly:
		return true
	}
	return false
}
