package edge

import (
	"errors"
	"net/http"
	"strings"

	"docket"
	"docket/internal/auth"
	"docket/internal/problem"
)

// caller is who a request is from. The zero caller may act for nobody.
type caller struct {
	identity auth.Identity // zero without authentication
	anyone   bool          // there is no authentication: the request may act for every user
}

func (c caller) allows(user string) bool {
	return c.anyone || c.identity.Subject != "" && string(c.identity.Subject) == user
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

// authenticate finds out who a request under /api/ is from: an error of kind
// Unauthorized without a valid token, and of kind Forbidden when the path names
// another user, whatever else it names.
func authenticate(v *auth.Verifier, r *http.Request, user string, underAPI bool) (caller, error) {
	if v == nil {
		return caller{anyone: true}, nil
	}
	if !underAPI {
		return caller{}, nil
	}
	identity, err := verify(v, r)
	if err != nil {
		return caller{}, err
	}
	c := caller{identity: identity}
	if !c.allows(user) {
		return caller{}, problem.ErrForeignUser
	}
	return c, nil
}

// verify returns the identity in the token of a request. Every invalid token gives
// the same error; the log gets the reason.
func verify(v *auth.Verifier, r *http.Request) (auth.Identity, error) {
	token, err := bearerToken(r.Header)
	if err != nil {
		return auth.Identity{}, unauthorized(err)
	}
	identity, err := v.Verify(r.Context(), token)
	switch {
	case err == nil:
		return identity, nil
	case docket.KindOf(err) == docket.Unavailable, r.Context().Err() != nil:
		return auth.Identity{}, err
	}
	return auth.Identity{}, unauthorized(err)
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
