package problem

import (
	"testing"

	"docket"
)

func TestEveryKindHasItsType(t *testing.T) {
	seen := map[docket.Kind]bool{}
	for _, p := range Types {
		if seen[p.Kind] || p.Status < 400 || p.Title == "" || p.Meaning == "" || p.Remedy == "" {
			t.Errorf("row %+v is doubled or lacks something", p)
		}
		seen[p.Kind] = true
		if got := New(Place{}, p.Example); got.Status != p.Status || got.Type != "/problems/"+string(p.Kind) {
			t.Errorf("the example of %s is a %s", p.Kind, got.Type)
		}
	}
	for _, kind := range []docket.Kind{
		docket.Internal, docket.Invalid, docket.NotFound, docket.Unavailable, docket.OutcomeUnknown, docket.StorageFull, docket.PreconditionFailed, docket.NotDeleted, docket.KeyInFlight, docket.QuotaExceeded, docket.KeptFull, docket.SyncTokenExpired, docket.APIKeyNotFound,
		Malformed, Unauthorized, Forbidden, InsufficientScope, UntrustedOrigin, RouteNotFound, MethodNotAllowed, RateLimited, UserBusy, TooManyStreams, BodyTimeout, BodyTooLarge, UnsupportedMediaType,
	} {
		if !seen[kind] {
			t.Errorf("%s has no row", kind)
		}
	}
}
