package e2e

import (
	"context"
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

// issuer is an identity provider that can fall ill.
type issuer struct {
	mu      sync.Mutex
	keys    map[string]ed25519.PrivateKey // those in its set, by id
	illness http.HandlerFunc              // what answers in place of the set; nil: it is well
	fetches atomic.Int64
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.fetches.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.illness != nil {
		i.illness(w, r)
		return
	}
	set := struct {
		Keys []map[string]string `json:"keys"`
	}{}
	for id, key := range i.keys {
		public, _ := key.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": base64.RawURLEncoding.EncodeToString(public)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(set)
}

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

// TestIllIssuer has the issuer be down, slow, wrong and huge, while users with
// tokens of known keys go on and strangers knock: no known token is refused,
// and the issuer is hardly asked. When it is well again its new key is known.
func TestIllIssuer(t *testing.T) {
	t.Parallel()
	i := &issuer{keys: map[string]ed25519.PrivateKey{}}
	known := i.add(t, "known")
	endpoint := httptest.NewServer(i)
	defer endpoint.Close()
	s := startServer(t, "AUTH_JWKS_URL="+endpoint.URL)
	c := newClient(t, s.URL, 20)
	ask := func(token string) int {
		a, err := c.do(t.Context(), http.MethodGet, tasksPath("u"), "", "Authorization: Bearer "+token)
		if err != nil {
			t.Error(err)
		}
		return a.Status
	}
	eventually(t, startTimeout, "the keys are known", func() bool { return ask(known) == http.StatusOK })

	var served, refused atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if status := ask(known); status != http.StatusOK {
					t.Errorf("a token of a known key is answered with %d", status)
					return
				}
				served.Add(1)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	stranger := (&issuer{keys: map[string]ed25519.PrivateKey{}}).add(t, "stranger")
	begin, before := time.Now(), i.fetches.Load()
	slow := make(chan struct{})
	for name, illness := range map[string]http.HandlerFunc{
		"down":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"wrong": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Sign in</html>") },
		"empty": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[`, strings.Repeat(" ", 10<<20), `]}`)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-slow:
			case <-r.Context().Done():
			}
		},
	} {
		i.fall(illness)
		for until := time.Now().Add(long(300*time.Millisecond, 8*time.Second)); time.Now().Before(until); {
			asked := time.Now()
			if status := ask(stranger); status != http.StatusServiceUnavailable { // it may be a new key
				t.Errorf("%s: a stranger is answered with %d", name, status)
			}
			if took := time.Since(asked); took > 6*time.Second { // the issuer has 5 s
				t.Errorf("%s: a stranger waited %s", name, took)
			}
			refused.Add(1)
		}
	}
	i.fall(nil)
	close(slow)
	fresh := i.add(t, "fresh")
	rotated := time.Now()
	eventually(t, time.Minute, "the new key is known", func() bool {
		time.Sleep(100 * time.Millisecond)
		return ask(fresh) == http.StatusOK
	})
	pickup := time.Since(rotated)
	stop()
	wait.Wait()
	minutes := time.Since(begin).Minutes()
	fetches := i.fetches.Load() - before
	if most := int64(2*minutes) + 6; fetches > most {
		t.Errorf("the issuer was asked %d times in %.1f minutes", fetches, minutes)
	}
	s.Stop(t)
	showf(t, "Issuer down, slow, wrong, empty, huge", "0 known tokens refused, at most 2 fetches a minute after 5", "%d requests served, 0 refused; %d strangers refused; %d fetches in %.1f min; a new key known after %s",
		served.Load(), refused.Load(), fetches, minutes, pickup.Round(100*time.Millisecond))
}
