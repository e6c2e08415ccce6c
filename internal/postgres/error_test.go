package postgres

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"docket"
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
		left     certainty
		kind     docket.Kind
		again    string
		troubled bool
	}{
		"no connection became free": {unavailable(errors.Join(errAcquire, context.DeadlineExceeded)), notSent, docket.Unavailable, none, true},
		"nobody listens":            {&pgconn.ConnectError{}, notSent, docket.Unavailable, all, true},
		"nothing was sent":          {afterSend(unsent{io.EOF}, false), notSent, docket.Unavailable, all, true},

		"broken before a statement that commits": {io.EOF, rolledBack, docket.Unavailable, reads, true},
		"broken":                                 {afterSend(io.EOF, false), unknown, docket.OutcomeUnknown, keyed, true},
		"broken, completed":                      {afterSend(io.EOF, true), unknown, docket.OutcomeUnknown, keyed, true},
		"a pooler lost a server":                 {afterSend(server("08P01", "FATAL"), false), unknown, docket.OutcomeUnknown, keyed, true},
		"ended":                                  {afterSend(server("57P01", "FATAL"), false), rolledBack, docket.Unavailable, reads, true},
		"ended, completed":                       {afterSend(server("57P01", "FATAL"), true), unknown, docket.OutcomeUnknown, keyed, true},
		"its client has left":                    {context.Canceled, rolledBack, docket.Internal, none, false},

		"lost statement":   {afterSend(server(undefinedStatement, "ERROR"), false), rolledBack, docket.Internal, all, true},
		"serialization":    {afterSend(server(serializationFailure, "ERROR"), true), rolledBack, docket.Unavailable, all, false},
		"deadlock":         {afterSend(server(deadlockDetected, "ERROR"), false), rolledBack, docket.Unavailable, all, false},
		"lock timeout":     {afterSend(server(lockNotAvailable, "ERROR"), false), rolledBack, docket.Unavailable, reads, false},
		"canceled":         {afterSend(server(queryCanceled, "ERROR"), false), rolledBack, docket.Unavailable, none, false},
		"starting":         {server(cannotConnectNow, "FATAL"), rolledBack, docket.Unavailable, all, true},
		"read-only":        {afterSend(server(readOnly, "ERROR"), false), rolledBack, docket.Unavailable, all, true},
		"disk full":        {afterSend(server(diskFull, "ERROR"), false), rolledBack, docket.StorageFull, none, false},
		"no table":         {afterSend(server("42P01", "ERROR"), false), rolledBack, docket.Internal, none, true},
		"bad value":        {afterSend(server("22P02", "ERROR"), false), rolledBack, docket.Internal, none, false},
		"unreadable value": {afterSend(badResult(io.EOF), true), rolledBack, docket.Internal, none, false},
		"decided":          {docket.NoSuchTask(), rolledBack, docket.NotFound, none, false},
	} {
		if got := classify(test.err); got != test.left {
			t.Errorf("%s: certainty %d, want %d", name, got, test.left)
		}
		if got := docket.KindOf(translate(test.err)); got != test.kind {
			t.Errorf("%s: kind %v, want %v", name, got, test.kind)
		}
		for policy, want := range map[policy]bool{
			reading:      test.again == all || test.again == reads,
			writing:      test.again == all,
			maintaining:  test.again == all,
			writingKeyed: test.again == all || test.again == keyed,
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
