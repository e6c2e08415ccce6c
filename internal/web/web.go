// Package web serves pages: the reference client at /, the documentation of the
// API at /docs, and the meaning of each kind of error at /problems/<kind>.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"docket/internal/problem"
)

//go:embed static
var files embed.FS

const (
	// pagePolicy lets a page load what this server serves and nothing else.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// docsPolicy is that of the documentation, which sets style attributes and
	// has images in its style sheet.
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

const (
	htmlType   = "text/html; charset=utf-8"
	javaScript = "text/javascript; charset=utf-8"
	css        = "text/css; charset=utf-8"
)

// Pages returns the handlers of all pages, of the files that they load, and of both
// formats of the contract, by ServeMux pattern.
func Pages(contractJSON, contractYAML func() ([]byte, error)) map[string]http.Handler {
	pages := map[string]http.Handler{
		"GET /{$}":              page(pagePolicy, file("client/index.html")),
		"GET /client/style.css": static(css, file("client/style.css")),

		"GET /docs":               page(docsPolicy, file("docs.html")),
		"GET /docs/docs.js":       static(javaScript, file("docs.js")),
		"GET /docs/page.css":      static(css, file("page.css")),
		"GET /docs/swagger-ui.js": static(javaScript, file("swagger-ui/swagger-ui-bundle.js")),

		"GET /openapi.json": static("application/openapi+json", contractJSON),
		"GET /openapi.yaml": static("application/openapi+yaml", contractYAML),

		"GET /docs/swagger-ui.css": static(css, file("swagger-ui/swagger-ui.css")),
		"GET /docs/favicon.png":    static("image/png", file("swagger-ui/favicon-32x32.png")),
	}
	for _, name := range []string{"app.js", "docket.js"} {
		pages["GET /client/"+name] = static(javaScript, file("client/"+name))
	}
	for _, t := range problem.Types {
		pages["GET /problems/"+string(t.Kind)] = page(pagePolicy, explanation(t))
	}
	return pages
}

// explanation returns a function that makes the page of a kind of error. For
// html/template the linker would keep all methods of all types: 4 MB.
func explanation(t problem.Type) func() ([]byte, error) {
	return func() ([]byte, error) {
		text, err := files.ReadFile("static/problem.html")
		r := strings.NewReplacer("{{.Title}}", html.EscapeString(t.Title), "{{.Status}}", strconv.Itoa(t.Status), "{{.Kind}}", html.EscapeString(string(t.Kind)),
			"{{.Meaning}}", html.EscapeString(t.Meaning), "{{.Remedy}}", html.EscapeString(t.Remedy))
		return []byte(r.Replace(string(text))), err
	}
}

// page serves an HTML page under a Content-Security-Policy.
func page(policy string, content func() ([]byte, error)) http.Handler {
	next := static(htmlType, content)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		next.ServeHTTP(w, r)
	})
}

// static serves content, which does not change while the process lives. It calls
// content at the first request, which keeps the start short, and panics when
// that fails. Clients keep the answer and revalidate it by its ETag; ranges are
// not served.
func static(contentType string, content func() ([]byte, error)) http.Handler {
	made := sync.OnceValues(func() ([]byte, string) {
		b, err := content()
		if err != nil {
			panic("web: " + err.Error())
		}
		sum := sha256.Sum256(b)
		return b, `"` + hex.EncodeToString(sum[:8]) + `"`
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, tag := made()
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", tag)
		// ServeContent would answer some of the other preconditions in plain text.
		asked := &http.Request{Method: r.Method, Header: http.Header{}}
		for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
			if values := r.Header.Values(name); len(values) > 0 {
				asked.Header[name] = values
			}
		}
		http.ServeContent(w, asked, "", time.Time{}, bytes.NewReader(b))
	})
}

// file reads an embedded file.
func file(name string) func() ([]byte, error) {
	return func() ([]byte, error) { return files.ReadFile("static/" + name) }
}
