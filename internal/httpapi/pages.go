package httpapi

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"sync"
	"time"
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

// pages serves the reference client, the documentation and the meaning of each
// error.
func (a *api) pages() {
	a.page("/{$}", pagePolicy, file("client/index.html"))
	for _, name := range []string{"app.js", "store.js", "sync.js"} {
		a.static("/client/"+name, "text/javascript; charset=utf-8", file("client/"+name))
	}
	a.static("/client/style.css", "text/css; charset=utf-8", file("client/style.css"))

	a.page("/docs", docsPolicy, file("docs.html"))
	a.static("/docs/docs.js", "text/javascript; charset=utf-8", file("docs.js"))
	a.static("/docs/page.css", "text/css; charset=utf-8", file("page.css"))
	a.static("/docs/swagger-ui.js", "text/javascript; charset=utf-8", file("swagger-ui/swagger-ui-bundle.js"))
	a.static("/docs/swagger-ui.css", "text/css; charset=utf-8", file("swagger-ui/swagger-ui.css"))
	a.static("/docs/favicon.png", "image/png", file("swagger-ui/favicon-32x32.png"))

	problem := template.Must(template.ParseFS(files, "static/problem.html"))
	for _, t := range problemTypes {
		a.page("/problems/"+string(t.Kind), pagePolicy, func() []byte {
			var text bytes.Buffer
			if err := problem.Execute(&text, t); err != nil {
				panic("httpapi: the page of a problem cannot be written: " + err.Error())
			}
			return text.Bytes()
		})
	}
}

// page serves an HTML page.
func (a *api) page(path, policy string, content func() []byte) {
	next := staticFile("text/html; charset=utf-8", content)
	a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		next.ServeHTTP(w, r)
	})
}

// static serves bytes that do not change while the process lives. They are made
// when they are first asked for, which keeps the start short.
func (a *api) static(path, contentType string, content func() []byte) {
	a.mux.Handle("GET "+path, staticFile(contentType, content))
}

func staticFile(contentType string, content func() []byte) http.Handler {
	made := sync.OnceValues(func() ([]byte, string) {
		b := content()
		sum := sha256.Sum256(b)
		return b, `"` + hex.EncodeToString(sum[:8]) + `"`
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Range", "If-Range", "If-Match", "If-Unmodified-Since"} {
			r.Header.Del(name) // ServeContent would answer some of them in plain text
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache") // kept, and checked by its tag
		b, tag := made()
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
}

// file reads an embedded file.
func file(name string) func() []byte {
	return func() []byte {
		content, err := files.ReadFile("static/" + name)
		if err != nil {
			panic("httpapi: " + err.Error())
		}
		return content
	}
}
