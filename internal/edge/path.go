package edge

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"docket"
	"docket/internal/problem"
)

// userOf returns the user that a path names, and whether the path lies under
// /api/. It splits the path as ServeMux does: first at slashes, then it decodes
// each part.
func userOf(u *url.URL) (user string, underAPI bool) {
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

// strictPath returns an error of kind RouteNotFound for a path that ServeMux would
// redirect to a cleaned one, which may name another user, and Malformed for one that
// is not UTF-8. It removes one trailing slash under /api/.
func strictPath(r *http.Request) error {
	if !utf8.ValidString(r.URL.Path) {
		return &docket.Error{Kind: problem.Malformed, Detail: "The path is not valid UTF-8. Percent-encode it as UTF-8."}
	}
	escaped := r.URL.EscapedPath()
	if strings.HasPrefix(escaped, "/api/") && strings.HasSuffix(escaped, "/") {
		u := *r.URL
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
		escaped = strings.TrimSuffix(escaped, "/")
		r.URL = &u
	}
	if !strings.HasPrefix(escaped, "/") || escaped != path.Clean(escaped) {
		return problem.ErrNoRoute
	}
	return nil
}
