package dispatch

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"docket"
	"docket/internal/postgres/pgerror"
)

// unsent is an error that pgx knows to have come before anything was sent.
type unsent struct{ error }

func (unsent) SafeToRetry() bool { return true }

// TestErrors holds what follows from an error: what is certain, the kind, whether
// another attempt is made, by policy, and whether the store is in trouble.
func TestErrors(t *testing.T) {
	server := func(code, severity string) error { return &pgconn.PgError{Code: code, SeverityUnlocalized: severity} }
	const none, reads, keyed, all = "", "reads", "keyed", "all"
	for name, test := range map[string]struct {
		err      error
		left     pgerror.Certainty
		kind     docket.Kind
		again    string
		troubled bool
	}{
		"no connection became free": {pgerror.Unavailable(errors.Join(pgerror.ErrAcquire, context.DeadlineExceeded)), pgerror.NotSent, docket.Unavailable, none, true},
		"nobody listens":            {&pgconn.ConnectError{}, pgerror.NotSent, docket.Unavailable, all, true},
		"nothing was sent":          {pgerror.AfterSend(unsent{io.EOF}, false), pgerror.NotSent, docket.Unavailable, all, true},

		"broken before a statement that commits": {io.EOF, pgerror.RolledBack, docket.Unavailable, reads, true},
		"broken":                                 {pgerror.AfterSend(io.EOF, false), pgerror.Unknown, docket.OutcomeUnknown, keyed, true},
		"broken, completed":                      {pgerror.AfterSend(io.EOF, true), pgerror.Unknown, docket.OutcomeUnknown, keyed, true},
		"a pooler lost a server":                 {pgerror.AfterSend(server("08P01", "FATAL"), false), pgerror.Unknown, docket.OutcomeUnknown, keyed, true},
		"ended":                                  {pgerror.AfterSend(server("57P01", "FATAL"), false), pgerror.RolledBack, docket.Unavailable, reads, true},
		"ended, completed":                       {pgerror.AfterSend(server("57P01", "FATAL"), true), pgerror.Unknown, docket.OutcomeUnknown, keyed, true},
		"its client has left":                    {context.Canceled, pgerror.RolledBack, docket.Internal, none, false},

		"lost statement":   {pgerror.AfterSend(server(pgerror.UndefinedStatement, "ERROR"), false), pgerror.RolledBack, docket.Internal, all, true},
		"serialization":    {pgerror.AfterSend(server(pgerror.SerializationFailure, "ERROR"), true), pgerror.RolledBack, docket.Unavailable, all, false},
		"deadlock":         {pgerror.AfterSend(server(pgerror.DeadlockDetected, "ERROR"), false), pgerror.RolledBack, docket.Unavailable, all, false},
		"lock timeout":     {pgerror.AfterSend(server(pgerror.LockNotAvailable, "ERROR"), false), pgerror.RolledBack, docket.Unavailable, reads, false},
		"canceled":         {pgerror.AfterSend(server(pgerror.QueryCanceled, "ERROR"), false), pgerror.RolledBack, docket.Unavailable, none, false},
		"starting":         {server(pgerror.CannotConnectNow, "FATAL"), pgerror.RolledBack, docket.Unavailable, all, true},
		"read-only":        {pgerror.AfterSend(server(pgerror.ReadOnly, "ERROR"), false), pgerror.RolledBack, docket.Unavailable, all, true},
		"disk full":        {pgerror.AfterSend(server(pgerror.DiskFull, "ERROR"), false), pgerror.RolledBack, docket.StorageFull, none, false},
		"no table":         {pgerror.AfterSend(server("42P01", "ERROR"), false), pgerror.RolledBack, docket.Internal, none, true},
		"bad value":        {pgerror.AfterSend(server("22P02", "ERROR"), false), pgerror.RolledBack, docket.Internal, none, false},
		"unreadable value": {pgerror.AfterSend(pgerror.BadResult(io.EOF), true), pgerror.RolledBack, docket.Internal, none, false},
		"decided":          {docket.NoSuchTask(), pgerror.RolledBack, docket.NotFound, none, false},
	} {
		if got := pgerror.Classify(test.err); got != test.left {
			t.Errorf("%s: certainty %d, want %d", name, got, test.left)
		}
		if got := docket.KindOf(pgerror.Translate(test.err)); got != test.kind {
			t.Errorf("%s: kind %v, want %v", name, got, test.kind)
		}
		for policy, want := range map[Policy]bool{
			Reading:      test.again == all || test.again == reads,
			Writing:      test.again == all,
			Maintaining:  test.again == all,
			WritingKeyed: test.again == all || test.again == keyed,
		} {
			if got := policy.allows(test.err); got != want {
				t.Errorf("%s: another attempt under %+v: %t", name, policy, got)
			}
		}
		var h health
		if h.observe(test.err); h.troubled.Load() != test.troubled {
			t.Errorf("%s: troubled: %t", name, h.troubled.Load())
		}
	}
}
