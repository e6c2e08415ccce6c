package httpapi

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"docket"
	"docket/internal/auth"
)

var (
	errNoToken      = &docket.Error{Kind: unauthorized, Detail: "This request needs a valid token in its Authorization header."}
	errForeignUser  = &docket.Error{Kind: forbidden, Detail: "This token does not speak for the user in the path."}
	errUnknownHost  = &docket.Error{Kind: untrustedOrigin, Detail: "Without authentication this server answers only to localhost, 127.0.0.1 and [::1]."}
	errOtherOrigins = &docket.Error{Kind: untrustedOrigin, Detail: "Without authentication this server takes no writes from the pages of other origins. CORS_ORIGINS lists those that may."}
)

// allows reports whether a request may act for a user. A request that nobody
// has looked at may act for none.
func (r *request) allows(user string) bool {
	return r.anyone || r.identity.Subject != "" && string(r.identity.Subject) == user
}

// authenticate finds out who a request under /api/ is from, before anything
// else is asked of it: 401 without a valid token, 403 when the path is another
// user's, whatever else it names. Without a verifier everybody is everyone.
func authenticate(v *auth.Verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := requestOf(r.Context())
		user, ok := userOf(r.URL)
		switch {
		case v == nil:
			req.anyone = true
		case ok:
			identity, err := verify(v, r)
			if err != nil {
				writeProblem(w, r, err)
				return
			}
			if req.identity = identity; !req.allows(user) {
				writeProblem(w, r, errForeignUser)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// verify returns who the token of a request speaks for. All faults of a token
// are one error to the client; the reason is for the log.
func verify(v *auth.Verifier, r *http.Request) (auth.Identity, error) {
	token, err := bearerToken(r.Header)
	if err != nil {
		return auth.Identity{}, &docket.Error{Kind: unauthorized, Detail: errNoToken.Detail, Err: err}
	}
	identity, err := v.Verify(r.Context(), token)
	switch {
	case err == nil:
		return identity, nil
	case docket.KindOf(err) == docket.Unavailable, r.Context().Err() != nil:
		return auth.Identity{}, err
	}
	return auth.Identity{}, &docket.Error{Kind: unauthorized, Detail: errNoToken.Detail, Err: err}
}

// bearerToken returns the token of the one Authorization header that there
// must be (RFC 6750, section 2.1). Tokens in other places are not looked at.
func bearerToken(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) != 1 {
		return "", errors.New("there is not one Authorization header")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("the Authorization header is not of the scheme Bearer")
	}
	return strings.TrimLeft(token, " "), nil
}

// userOf returns the user that a path names, and whether the path lies under
// /api/. It splits the path as ServeMux does: first at slashes, then each part
// is decoded.
func userOf(u *url.URL) (user string, under bool) {
	parts := strings.SplitN(u.EscapedPath(), "/", 4) // "", "api", user, the rest
	if first, err := url.PathUnescape(parts[min(1, len(parts)-1)]); err != nil || first != "api" {
		return "", strings.HasPrefix(u.Path, "/api/")
	}
	if len(parts) > 2 {
		if user, err := url.PathUnescape(parts[2]); err == nil {
			return user, true
		}
	}
	return "", true
}

// localOnly protects a server without authentication, which listens on this
// machine alone, from the pages that its user's browser shows: those that made
// their name resolve to this machine, and those that send it writes. Origins
// are those that may.
func localOnly(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		origin := r.Header.Get("Origin")
		read := slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method)
		switch {
		case !slices.Contains([]string{"localhost", "127.0.0.1", "::1", "[::1]"}, strings.ToLower(host)):
			writeProblem(w, r, errUnknownHost)
		case !read && origin != "" && origin != "http://"+r.Host && !slices.Contains(origins, origin):
			writeProblem(w, r, errOtherOrigins)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
