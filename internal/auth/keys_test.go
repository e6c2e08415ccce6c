package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"docket"
)

func (i *issuer) token(kid string) string {
	return sign(fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, kid), good("alice"), withEd25519(i.ed))
}

// rotate gives the issuer a new Ed25519 key with this id.
func (i *issuer) rotate(t *testing.T, kid string) {
	t.Helper()
	var err error
	if _, i.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	i.publish(i.jwkEd(kid))
}

// TestRotation sends concurrent tokens of a new key: none fails, and all share
// one fetch.
func TestRotation(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	i.rotate(t, "new")
	before := i.fetches.Load()
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := v.Verify(t.Context(), i.token("new")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := i.fetches.Load() - before; n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// TestUnknownKeys sends tokens that name keys that do not exist. They cause five
// fetches at once and one each 30 s after that. Where no fetch is allowed the
// error is Unavailable, because the key may be new.
func TestUnknownKeys(t *testing.T) {
	i := newIssuer(t)
	c := &clock{}
	v := i.verifier(t, c)
	before := i.fetches.Load()
	for n := range 100 {
		_, err := v.Verify(t.Context(), i.token(fmt.Sprint("bogus", n)))
		if err == nil || (docket.KindOf(err) == docket.Unavailable) != (n >= 5) {
			t.Fatalf("token %d of an unknown key: %v", n, err)
		}
	}
	if n := i.fetches.Load() - before; n != 5 {
		t.Errorf("100 unknown keys caused %d fetches", n)
	}
	i.rotate(t, "new")
	c.advance(30*time.Second - 1)
	if _, err := v.Verify(t.Context(), i.token("new")); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("a token of the new key before the next fetch is allowed: %v", err)
	}
	c.advance(1)
	if _, err := v.Verify(t.Context(), i.token("new")); err != nil {
		t.Errorf("the new key was not fetched after 30 s: %v", err)
	}
}

// TestRotationAfterBogusKeys checks that a few tokens of a stranger do not delay
// the first use of a new key.
func TestRotationAfterBogusKeys(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	for _, kid := range []string{"bogus1", "bogus2", "bogus3", "bogus4"} {
		if _, err := v.Verify(t.Context(), i.token(kid)); err == nil {
			t.Fatal("a token of an unknown key was accepted")
		}
	}
	i.rotate(t, "new")
	if _, err := v.Verify(t.Context(), i.token("new")); err != nil {
		t.Errorf("the new key was not fetched: %v", err)
	}
}

// TestWithdrawnKey checks that the cache of tokens does not outlive their key.
func TestWithdrawnKey(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	old := i.token("ed")
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.rotate(t, "new")
	if _, err := v.Verify(t.Context(), i.token("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), old); err == nil {
		t.Error("a token of a withdrawn key was accepted")
	}
}

// TestBadSets returns each kind of invalid key set: the cached keys stay in use,
// and a token of an unknown key is neither accepted nor refused.
func TestBadSets(t *testing.T) {
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	i := newIssuer(t)
	weakKey := strings.Replace(i.jwkRSA("weak"), b64(i.rsa.N.Bytes()), b64(weak.N.Bytes()), 1)
	private := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"private","x":%q,"d":%q}`, b64(small.Public().(ed25519.PublicKey)), b64(small.Seed()))
	for name, answer := range map[string]func(http.ResponseWriter){
		"500":       func(w http.ResponseWriter) { w.WriteHeader(500) },
		"404":       func(w http.ResponseWriter) { w.WriteHeader(404) },
		"204":       func(w http.ResponseWriter) { w.WriteHeader(204) },
		"HTML":      func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
		"nothing":   func(http.ResponseWriter) {},
		"no keys":   func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":[]}`) },
		"no member": func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) },
		"null":      func(w http.ResponseWriter) { fmt.Fprint(w, `null`) },
		"list":      func(w http.ResponseWriter) { fmt.Fprint(w, `[`+i.jwkEd("x")+`]`) },
		"twice":     func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":[],"keys":[`+i.jwkEd("x")+`]}`) },
		"symmetric": func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":[{"kty":"oct","kid":"x","k":"c2VjcmV0"}]}`) },
		"private":   func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":[`+private+`]}`) },
		"weak":      func(w http.ResponseWriter) { fmt.Fprint(w, `{"keys":[`+weakKey+`]}`) },
		"encryption": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+strings.Replace(i.jwkRSA("x"), `"sig"`, `"enc"`, 1)+`]}`)
		},
		"signing only": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+i.jwkWith("x", `"key_ops":["sign"]`)+`]}`)
		},
		"no operation": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+i.jwkWith("x", `"key_ops":[]`)+`]}`)
		},
		"bad operations": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+i.jwkWith("x", `"key_ops":"verify"`)+`]}`)
		},
		"other alg": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+strings.Replace(i.jwkEd("x"), `"EdDSA"`, `"HS256"`, 1)+`]}`)
		},
		"too many": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+strings.Repeat(i.jwkEd("x")+",", 50)+i.jwkEd("x")+`]}`)
		},
		"10 MiB": func(w http.ResponseWriter) {
			fmt.Fprint(w, `{"keys":[`+i.jwkEd("x")+`],"pad":"`+strings.Repeat("x", 10<<20)+`"}`)
		},
		"redirect":     func(w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(302) },
		"disconnected": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			c := &clock{}
			v := i.verifier(t, c)
			i.do(answer)
			before := i.fetches.Load()
			if _, err := v.Verify(t.Context(), i.token("x")); docket.KindOf(err) != docket.Unavailable {
				t.Errorf("a token of an unknown key: %v", err)
			}
			if i.fetches.Load() == before {
				t.Fatal("the bad set was not fetched")
			}
			if _, err := v.Verify(t.Context(), i.token("ed")); err != nil {
				t.Errorf("a known key was lost: %v", err)
			}
		})
	}
}

// TestIssuerDown checks how long cached keys are used while the issuer is down.
func TestIssuerDown(t *testing.T) {
	i := newIssuer(t)
	c := &clock{}
	v := i.verifier(t, c)
	i.Close()
	token := func() string {
		return sign(`{"alg":"EdDSA","kid":"ed"}`, fmt.Sprintf(`{"sub":"alice","iss":"https://issuer.example","aud":"docket","exp":%d}`, c.now().Add(time.Minute).Unix()), withEd25519(i.ed))
	}
	c.advance(24*time.Hour - 1)
	if _, err := v.Verify(t.Context(), token()); err != nil {
		t.Errorf("after nearly a day: %v", err)
	}
	c.advance(time.Second)
	if _, err := v.Verify(t.Context(), token()); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("after a day: %v", err)
	}
	if docket.KindOf(v.Ready()) != docket.Unavailable {
		t.Errorf("Ready returned %v", v.Ready())
	}
}

// TestLateIssuer starts the verifier before its issuer.
func TestLateIssuer(t *testing.T) {
	i := newIssuer(t)
	i.say(503, "")
	v := i.started(t, &clock{})
	if _, err := v.Verify(t.Context(), i.token("ed")); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("without keys: %v", err)
	}
	if docket.KindOf(v.Ready()) != docket.Unavailable {
		t.Errorf("Ready returned %v", v.Ready())
	}
	i.publish(i.jwkEd("ed"))
	eventually(t, func() bool { return v.Ready() == nil })
	if _, err := v.Verify(t.Context(), i.token("ed")); err != nil {
		t.Error(err)
	}
}

// TestSlowIssuer checks that the wait for keys ends with the request's context.
func TestSlowIssuer(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	release := make(chan struct{})
	i.do(func(http.ResponseWriter) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := v.Verify(ctx, i.token("x")); err == nil {
		t.Error("a token of an unknown key was accepted")
	}
	if _, err := v.Verify(t.Context(), i.token("ed")); err != nil { // needs no fetch
		t.Error(err)
	}
}

func TestDiscovery(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{}, func(o *Options) { o.JWKSURL, o.Issuer = "", i.URL })
	token := sign(`{"alg":"EdDSA","kid":"ed"}`, strings.Replace(good("alice"), "https://issuer.example", i.URL, 1), withEd25519(i.ed))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	missing := i.started(t, &clock{}, func(o *Options) { o.JWKSURL, o.Issuer = "", i.URL+"/x" })
	if _, err := missing.Verify(t.Context(), token); docket.KindOf(err) != docket.Unavailable {
		t.Errorf("an issuer without OpenID configuration: %v", err)
	}
}

// TestDiscoveryWithSlash checks that a trailing slash of the issuer is not part of
// the discovery URL, but is part of the claim iss.
func TestDiscoveryWithSlash(t *testing.T) {
	i := newIssuer(t)
	i.slash = "/"
	v := i.verifier(t, &clock{}, func(o *Options) { o.JWKSURL, o.Issuer = "", i.URL+"/" })
	for issuer, ok := range map[string]bool{i.URL + "/": true, i.URL: false} {
		token := sign(`{"alg":"EdDSA","kid":"ed"}`, strings.Replace(good("alice"), "https://issuer.example", issuer, 1), withEd25519(i.ed))
		if _, err := v.Verify(t.Context(), token); (err == nil) != ok {
			t.Errorf("iss %s: %v", issuer, err)
		}
	}
}

// TestKeyUse checks which keys may verify tokens.
func TestKeyUse(t *testing.T) {
	i := newIssuer(t)
	i.publish(
		i.jwkEd("absent"), i.jwkWith("verify", `"key_ops":["verify"]`), i.jwkWith("both", `"key_ops":["sign","verify"],"use":"sig"`),
		i.jwkWith("sign", `"key_ops":["sign"]`), i.jwkWith("none", `"key_ops":[]`), i.jwkWith("encrypt", `"use":"enc","key_ops":["verify"]`))
	v := i.verifier(t, &clock{})
	for kid, ok := range map[string]bool{"absent": true, "verify": true, "both": true, "sign": false, "none": false, "encrypt": false} {
		if _, err := v.Verify(t.Context(), i.token(kid)); (err == nil) != ok {
			t.Errorf("%s: %v", kid, err)
		}
	}
}

func TestCheckKeyURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://a.example/jwks": true, "http://localhost:3000/x": true, "http://127.0.0.1": true, "http://[::1]:1": true,
		"http://a.example": false, "ftp://a.example": false, "": false, "a.example": false, "https://": false, "https://u:p@a.example": false, "file:///etc/passwd": false, "http://localhost.evil.example": false,
	} {
		if err := CheckKeyURL(text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent(100)
	for n := range 1000 {
		r.put(hashOf(fmt.Sprint(n)), 0, Identity{ValidUntil: present.Add(time.Hour)}, present)
	}
	if n := len(r.tokens.young) + len(r.tokens.old); n > 100 {
		t.Errorf("%d tokens are cached", n)
	}
	if _, ok := r.get(hashOf("999"), 0, present.Add(time.Minute-1)); !ok {
		t.Error("the last token is not cached")
	}
	for _, wrong := range []struct {
		generation uint64
		at         time.Duration
	}{{1, 0}, {0, time.Minute}} {
		if _, ok := r.get(hashOf("999"), wrong.generation, present.Add(wrong.at)); ok {
			t.Errorf("a token is cached at %+v", wrong)
		}
	}
}

func FuzzVerify(f *testing.F) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	key := strings.Repeat("k", 32)
	for _, seed := range []string{
		"", "..", "a.b.c", sign(`{"alg":"HS256"}`, good("alice"), withHMAC([]byte(key))), sign(`{"alg":"EdDSA","kid":"ed"}`, good("alice"), withEd25519(ed)), sign(`{"alg":"none"}`, good("alice"), func([]byte) []byte { return nil }),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		v := verifierOf(t, key)
		id, err := v.Verify(t.Context(), token)
		if err == nil && !strings.HasSuffix(token, "."+b64(withHMAC([]byte(key))([]byte(token[:strings.LastIndex(token, ".")])))) {
			t.Fatalf("%q was accepted as %+v without a valid signature", token, id)
		}
	})
}

func FuzzParseKeySet(f *testing.F) {
	for _, seed := range []string{`{"keys":[]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, `[]`, `{"keys":[{}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeySet(text)
		if err == nil && len(set) == 0 {
			t.Fatalf("%q: an empty set and no error", text)
		}
		for _, k := range set {
			if len(k.algorithms) == 0 || k.public == nil {
				t.Fatalf("%q has the key %+v", text, k)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	i := newBenchIssuer(b)
	for name, uncached := range map[string]bool{"cached": false, "verified": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if uncached {
					i.v.recent = newRecent(1)
				}
				if _, err := i.v.Verify(b.Context(), i.token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// newBenchIssuer returns a verifier with one Ed25519 key, and a token of that key.
func newBenchIssuer(b *testing.B) (i struct {
	v     *Verifier
	token string
},
) {
	b.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	v, err := New(Options{JWKSURL: "https://issuer.example/jwks", Now: (&clock{}).now})
	if err != nil {
		b.Fatal(err)
	}
	set, err := parseKeySet([]byte(fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":%q}]}`, b64(public))))
	if err != nil {
		b.Fatal(err)
	}
	r := v.keys.(*remote)
	r.set, r.fetched = set, present
	i.v, i.token = v, sign(`{"alg":"EdDSA","kid":"ed"}`, good("alice"), withEd25519(private))
	return i
}
