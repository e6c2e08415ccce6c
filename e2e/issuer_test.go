package e2e

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// issuer is an identity provider that can fail.
type issuer struct {
	mu      sync.Mutex
	keys    map[string]ed25519.PrivateKey // those in its set, by id
	illness http.HandlerFunc              // answers in place of the set; nil while it is well
	fetches atomic.Int64
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.fetches.Add(1)
	i.mu.Lock()
	illness := i.illness
	i.mu.Unlock()
	if illness != nil {
		illness(w, r)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	set := struct {
		Keys []map[string]string `json:"keys"`
	}{}
	for id, key := range i.keys {
		public, _ := key.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": base64.RawURLEncoding.EncodeToString(public)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(set) // docket reports what it cannot read
}

// fall makes the issuer answer with an illness, or well when that is nil.
func (i *issuer) fall(illness http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.illness = illness
}

// add puts a new key in the set, and returns a token of "u" that it signs.
func (i *issuer) add(t testing.TB, id string) (token string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	i.keys[id] = key
	i.mu.Unlock()
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "EdDSA", "kid": id}) + "." + part(map[string]any{"sub": "u", "exp": time.Now().Add(time.Hour).Unix()})
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

// TestIllIssuer has the issuer be down, slow, wrong, empty and huge when docket
// fetches its keys, because a token names an unknown key. No token of a known key
// is refused. When the issuer is well again docket learns its new key.
func TestIllIssuer(t *testing.T) {
	alongside(t)
	for name, illness := range kindsOf(map[string]http.HandlerFunc{
		"down":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"wrong": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Sign in</html>") },
		"empty": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[`, strings.Repeat(" ", 10<<20), `]}`)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}, "down") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := &issuer{keys: map[string]ed25519.PrivateKey{}}
			known := i.add(t, "known")
			endpoint := httptest.NewServer(i)
			defer endpoint.Close()
			s := startServer(t, "AUTH_JWKS_URL="+endpoint.URL)
			c := newClient(t, s.URL, 20)
			awaitReady(t, c)
			strangers := long(2, 500) // so few that docket may still fetch the keys once more
			if name == "down" {
				strangers = max(20, strangers)
			}
			served := serveWhileIll(t, c, i, known, strangers, illness)

			i.fall(nil)
			fresh, rotated := i.add(t, "fresh"), time.Now()
			eventually(t, "the new key is known", func() bool {
				time.Sleep(100 * time.Millisecond)
				return ask(t, c, fresh) == http.StatusOK
			})
			pickup := time.Since(rotated)
			s.Stop(t)
			showf(t, "Issuer "+name, "no known token refused, a bounded number of fetches", "%d requests served, 0 refused; a new key known after %s",
				served, pickup.Round(100*time.Millisecond))
		})
	}
}

// ask lists the tasks of "u" and returns the status.
func ask(t *testing.T, c client, token string) int {
	t.Helper()
	a, err := c.do(t.Context(), http.MethodGet, tasksPath("u"), "", bearer(token))
	if err != nil {
		t.Error(err)
	}
	return a.Status
}

// serveWhileIll lets the issuer fall ill, and has strangers send tokens of an
// unknown key, so that docket fetches the keys. Users with a known token are served
// before the issuer answers, and after. It returns how many of their requests there
// were.
func serveWhileIll(t *testing.T, c client, i *issuer, known string, strangers int, illness http.HandlerFunc) (served int64) {
	t.Helper()
	stranger := (&issuer{keys: map[string]ed25519.PrivateKey{}}).add(t, "stranger")
	begun, before := time.Now(), i.fetches.Load()
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	i.fall(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		<-answer
		illness(w, r)
	})
	users := startLoad(t, c, tasksPath("u"), 4, func(int) string { return known })
	refused := make(chan int, 1)
	go func() { refused <- ask(t, c, stranger) }()
	<-asked
	users.await(t, 10)
	close(answer)
	if status := <-refused; status != http.StatusServiceUnavailable { // it may be a new key
		t.Errorf("a token of an unknown key is answered with %d", status)
	}
	for range strangers {
		if status := ask(t, c, stranger); status != http.StatusServiceUnavailable {
			t.Errorf("a token of an unknown key is answered with %d", status)
		}
	}
	users.await(t, 10)
	served = users.stop()
	// Each noSuchKeyDelay allows one more fetch for an unknown key, and one because
	// the last fetch failed.
	if fetches, most := i.fetches.Load()-before, noSuchKeyBurst+2*int64(time.Since(begun)/noSuchKeyDelay); fetches > most {
		t.Errorf("the keys were fetched %d times, not at most %d times", fetches, most)
	}
	return served
}
