package edge

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"

	"docket/internal/problem"
)

// newCORS lets the pages of origins call the API from a browser, with every request
// header that a preflight asks for. Without origins it returns nil, and no answer has
// CORS headers.
func newCORS(origins []string) *cors.Cors {
	if len(origins) == 0 {
		return nil
	}
	return cors.New(cors.Options{
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			return slices.Contains(origins, strings.ToLower(origin)) && (!isPreflight(r) || namesHeaders(r.Header["Access-Control-Request-Headers"])), nil
		},
		AllowedMethods:   []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
		AllowedHeaders:   []string{"*"}, // the answer repeats those asked for
		ExposedHeaders:   []string{"ETag", "Link", "Location", "Retry-After", "X-Total-Count", "Preference-Applied", "Idempotent-Replayed", "Docket-Ignored", "RateLimit", "RateLimit-Policy", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           600,
	})
}

// namesHeaders reports whether lines are the names of header fields (RFC 9110, section
// 5.1), as the answer to a preflight may repeat them.
func namesHeaders(lines []string) bool {
	const mostNames, mostBytes = 100, 4096
	text := strings.Join(lines, ",")
	if len(text) > mostBytes || strings.Count(text, ",") >= mostNames {
		return false
	}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.Trim(name, " \t"); strings.ContainsFunc(name, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
		}) {
			return false
		}
	}
	return true
}

// isPreflight reports whether r is a preflight (Fetch, section 4.8), which
// carries no token and reaches no route.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// localOnly protects a server without authentication from web pages: it refuses Host
// names other than this machine's (DNS rebinding), and writes from an Origin that is
// neither the server's nor in origins. A nil localOnly refuses nothing.
type localOnly struct{ origins []string }

func (l *localOnly) check(r *http.Request) error {
	if l == nil {
		return nil
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	origin := r.Header.Get("Origin")
	read := slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method)
	switch {
	case !slices.Contains([]string{"localhost", "127.0.0.1", "::1", "[::1]"}, strings.ToLower(host)):
		return problem.ErrUnknownHost
	case !read && origin != "" && origin != "http://"+r.Host && !slices.Contains(l.origins, origin):
		return problem.ErrForeignOrigin
	}
	return nil
}
