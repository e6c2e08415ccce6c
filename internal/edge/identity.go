package edge

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/auth"
	"docket/internal/problem"
)

// caller is who a request is from. The zero caller may act for nobody.
type caller struct {
	identity auth.Identity          // zero without authentication
	key      docket.PresentedAPIKey // of an identity that has one
	anyone   bool                   // there is no authentication: the request may act for every user
}

func (c caller) allows(user string) bool {
	return c.anyone || c.identity.Subject != "" && string(c.identity.Subject) == user
}

func (c caller) scopes() docket.Scopes {
	if c.anyone {
		return docket.AllScopes
	}
	return c.identity.Scopes
}

// charged is the user whose rate limit the request counts against: the verified
// subject or, where nobody is verified, the user whom the path names. It is
// empty when there is neither.
func (c caller) charged(user string, underAPI bool) docket.UserID {
	if !c.anyone || !underAPI {
		return c.identity.Subject
	}
	id, err := docket.ParseUserID(user)
	if err != nil {
		return ""
	}
	return id
}

// AgentsPath is the path of the tools for agents, where the caller acts for itself.
const AgentsPath = "/mcp"

// authenticate finds out who a request under /api/, or to AgentsPath, is from: an error
// of kind Unauthorized without a valid token or API key, and of kind Forbidden when the
// path names another user, whatever else it names. An API key says whose it is, so that
// is found out before anything is asked of the store.
func authenticate(v *auth.Verifier, r *http.Request, user string, underAPI bool) (caller, error) {
	agent := r.URL.Path == AgentsPath
	if v == nil {
		return caller{anyone: true}, nil
	}
	if !underAPI && !agent {
		return caller{}, nil
	}
	token, err := bearerToken(r.Header)
	if err != nil && isCalendar(r) {
		token, err = basicKey(r)
	}
	if err != nil {
		return caller{}, unauthorized(err)
	}
	var c caller
	if strings.HasPrefix(token, docket.APIKeyPrefix) {
		var parsed bool
		if c.key, parsed = docket.ParseAPIKey(token); !parsed {
			return caller{}, problem.InvalidKey(string(auth.MalformedKey))
		}
		if string(c.key.Owner) != user && !agent {
			return caller{}, problem.ErrForeignUser
		}
		c.identity, err = verifyKey(r.Context(), v, c.key)
	} else {
		c.identity, err = verify(r.Context(), v, token)
	}
	switch {
	case err != nil:
		return caller{}, err
	case agent:
		return c, nil
	case c.identity.ForAgents:
		return caller{}, unauthorized(errors.New("the token is for " + AgentsPath + " alone (aud)"))
	}
	if !c.allows(user) {
		return caller{}, problem.ErrForeignUser
	}
	return c, nil
}

// verify returns the identity in a token. Every invalid token gives the same error; the
// log gets the reason.
func verify(ctx context.Context, v *auth.Verifier, token string) (auth.Identity, error) {
	identity, err := v.Verify(ctx, token)
	switch {
	case err == nil:
		return identity, nil
	case docket.KindOf(err) == docket.Unavailable, ctx.Err() != nil:
		return auth.Identity{}, err
	}
	return auth.Identity{}, unauthorized(err)
}

// verifyKey returns the identity of an API key.
func verifyKey(ctx context.Context, v *auth.Verifier, key docket.PresentedAPIKey) (auth.Identity, error) {
	identity, err := v.VerifyAPIKey(ctx, key)
	if reason, invalid := errors.AsType[auth.InvalidKey](err); invalid {
		err = problem.InvalidKey(string(reason))
	}
	return identity, err
}

// forever is longer than any request lasts.
const forever = math.MaxInt64 * time.Nanosecond

// Reverify verifies the API key of the request that ctx belongs to once more, as a
// stream does that lasts. It returns for how long the request may go on before that is
// due again. The error is of kind Unauthorized when the key has ended or the token has
// expired; otherwise the key could not be checked.
func Reverify(ctx context.Context) (time.Duration, error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok || x.info.caller.anyone {
		return forever, nil
	}
	v, identity := x.edge.verifier, x.info.caller.identity
	if identity.Key != uuid.Nil {
		var err error
		if identity, err = verifyKey(ctx, v, x.info.caller.key); err != nil {
			return 0, err
		}
		return identity.ValidUntil.Sub(v.Now()), nil
	}
	left := identity.ValidUntil.Sub(v.Now())
	if left <= 0 {
		return 0, problem.ErrNoToken
	}
	return left, nil
}

func unauthorized(reason error) error {
	return &docket.Error{Kind: problem.Unauthorized, Detail: problem.ErrNoToken.Detail, Err: reason}
}

// bearerToken returns the token from the Authorization header, which must occur
// exactly once (RFC 6750, section 2.1). It reads no other place.
func bearerToken(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", errors.New("there is not one Authorization header")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("the Authorization header does not have the scheme Bearer")
	}
	return strings.TrimLeft(token, " "), nil
}

// isCalendar reports whether a request is for the calendar of a user's tasks. Calendar
// applications know no other credentials than a name and a password.
func isCalendar(r *http.Request) bool {
	parts := strings.Split(strings.TrimSuffix(r.URL.EscapedPath(), "/"), "/") // "", "api", user, "tasks.ics"
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(parts) == 4 && parts[3] == "tasks.ics"
}

// basicKey returns the API key that a request has as its password (RFC 7617), under any
// name.
func basicKey(r *http.Request) (string, error) {
	_, password, ok := r.BasicAuth()
	if !ok || len(r.Header["Authorization"]) != 1 || !strings.HasPrefix(password, docket.APIKeyPrefix) {
		return "", errors.New("the Authorization header has neither a bearer token nor an API key as its password")
	}
	return password, nil
}
