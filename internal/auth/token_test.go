package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"docket/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// present is the time of the tests.
var present = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sign makes a compact token of exactly this header and payload.
func sign(header, payload string, signature func(input []byte) []byte) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(signature([]byte(input)))
}

func withHMAC(key []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write(input)
		return mac.Sum(nil)
	}
}

func withEd25519(key ed25519.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte { return ed25519.Sign(key, input) }
}

func withRSA(key *rsa.PrivateKey, pss bool) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		var out []byte
		var err error
		if pss {
			out, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}
		if err != nil {
			panic(err)
		}
		return out
	}
}

func withES256(key *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

// good is a payload that is valid now.
func good(sub string) string {
	return fmt.Sprintf(`{"sub":%q,"iss":"https://issuer.example","aud":"docket","iat":%d,"exp":%d}`, sub, present.Unix(), present.Add(time.Minute).Unix())
}

// issuer is an identity provider with one key of each kind. It counts fetches.
type issuer struct {
	*httptest.Server
	ed      ed25519.PrivateKey
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	slash   string // at the end of its name in the OpenID configuration
	fetches atomic.Int64

	mu     sync.Mutex
	answer func(w http.ResponseWriter) // serves the key set
}

var slowKeys = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{ed: ed, ec: ec, rsa: slowKeys()}
	i.publish(i.jwkEd("ed"), i.jwkEC("ec"), i.jwkRSA("rsa"))
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w)
	})
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"response_types_supported":["code"]}`, i.URL+i.slash, i.URL+"/jwks")
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) jwkEd(id string) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":%q,"x":%q}`, id, b64(i.ed.Public().(ed25519.PublicKey)))
}

// jwkWith is jwkEd with more members.
func (i *issuer) jwkWith(id, members string) string {
	return strings.Replace(i.jwkEd(id), "{", "{"+members+",", 1)
}

func (i *issuer) jwkEC(id string) string {
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, id, b64(i.ec.X.FillBytes(make([]byte, 32))), b64(i.ec.Y.FillBytes(make([]byte, 32))))
}

func (i *issuer) jwkRSA(id string) string {
	return fmt.Sprintf(`{"kty":"RSA","use":"sig","kid":%q,"n":%q,"e":%q}`, id, b64(i.rsa.N.Bytes()), b64(big.NewInt(int64(i.rsa.E)).Bytes()))
}

func (i *issuer) publish(keys ...string) { i.say(200, `{"keys":[`+strings.Join(keys, ",")+`]}`) }

func (i *issuer) say(status int, body string) {
	i.do(func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func (i *issuer) do(answer func(http.ResponseWriter)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// clock is a settable clock.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return present.Add(time.Duration(c.Load())) }

func (c *clock) advance(d time.Duration) { c.Add(int64(d)) }

// verifier returns a running Verifier of the issuer's tokens that has fetched its keys.
func (i *issuer) verifier(t *testing.T, c *clock, adjust ...func(*Options)) *Verifier {
	t.Helper()
	v := i.started(t, c, adjust...)
	eventually(t, func() bool { return v.Ready() == nil })
	return v
}

func (i *issuer) started(t *testing.T, c *clock, adjust ...func(*Options)) *Verifier {
	t.Helper()
	o := Options{JWKSURL: i.URL + "/jwks", Issuer: "https://issuer.example", Audience: "docket", Now: c.now, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, f := range adjust {
		f(&o)
	}
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { v.Run(t.Context()) })
	t.Cleanup(running.Wait) // t.Context ends before cleanups run
	return v
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition did not become true")
		}
	}
}

func TestTokensOfEachAlgorithm(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	for name, token := range map[string]string{
		"EdDSA":         sign(`{"alg":"EdDSA","kid":"ed"}`, good("alice"), withEd25519(i.ed)),
		"ES256":         sign(`{"alg":"ES256","kid":"ec","typ":"JWT"}`, good("alice"), withES256(i.ec)),
		"RS256":         sign(`{"alg":"RS256","kid":"rsa","typ":"at+jwt"}`, good("alice"), withRSA(i.rsa, false)),
		"PS256":         sign(`{"alg":"PS256","kid":"rsa"}`, good("alice"), withRSA(i.rsa, true)),
		"without a kid": sign(`{"alg":"EdDSA"}`, good("alice"), withEd25519(i.ed)), // one key fits
		"audiences":     sign(`{"alg":"EdDSA","kid":"ed"}`, strings.Replace(good("alice"), `"docket"`, `["web","docket"]`, 1), withEd25519(i.ed)),
		"more claims":   sign(`{"alg":"EdDSA","kid":"ed"}`, strings.Replace(good("alice"), "{", `{"name":"A","nested":{"sub":"x"},`, 1), withEd25519(i.ed)),
	} {
		for range 2 { // the second time from the cache
			id, err := v.Verify(t.Context(), token)
			if err != nil || id.Subject != "alice" || !id.ValidUntil.Equal(present.Add(time.Minute)) {
				t.Errorf("%s: %+v, %v", name, id, err)
			}
		}
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// TestAttacks sends forged and malformed tokens; libraries are known to have
// accepted many of them.
func TestAttacks(t *testing.T) {
	i := newIssuer(t)
	var outside atomic.Int64
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { outside.Add(1) }))
	defer listener.Close()
	v := i.verifier(t, &clock{})
	shared := verifierOf(t, strings.Repeat("s", 32))

	ed := withEd25519(i.ed)
	public, err := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(i.ed.Public().(ed25519.PublicKey))})
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ownJWK := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"ed","x":%q}`, b64(own.Public().(ed25519.PublicKey)))
	valid := sign(`{"alg":"EdDSA","kid":"ed"}`, good("alice"), ed)
	none := func([]byte) []byte { return nil }
	claims := func(old, replacement string) string {
		return sign(`{"alg":"EdDSA","kid":"ed"}`, strings.Replace(good("alice"), old, replacement, 1), ed)
	}
	header := func(text string) string { return sign(text, good("alice"), ed) }
	exp := fmt.Sprintf(`"exp":%d`, present.Add(time.Minute).Unix())
	iat := fmt.Sprintf(`"iat":%d`, present.Unix())
	at := func(d time.Duration) int64 { return present.Add(d).Unix() }

	for name, token := range map[string]string{
		"nothing": "", "one part": "x", "dots": "..", "two parts": valid[:strings.LastIndex(valid, ".")], "four parts": valid + ".x",
		"missing signature": valid[:strings.LastIndex(valid, ".")+1], "padding": valid + "=", "newline": valid + "\n", "space": " " + valid, "line in it": valid[:20] + "\n" + valid[20:],
		"malleable end": valid[:len(valid)-1] + string(rune(valid[len(valid)-1])+1), "standard base64": strings.Replace(valid, ".", "+.", 1), "5 MiB": valid + strings.Repeat("A", 5<<20),
		"8 KiB": claims(`"alice"`, `"alice","pad":"`+strings.Repeat("x", 8<<10)+`"`),

		"none": sign(`{"alg":"none"}`, good("alice"), none), "nOnE": sign(`{"alg":"nOnE"}`, good("alice"), none), "none, signed": header(`{"alg":"none","kid":"ed"}`),
		"HS256 with the public key": sign(`{"alg":"HS256","kid":"ed"}`, good("alice"), withHMAC(i.ed.Public().(ed25519.PublicKey))),
		"HS256 with the JWK":        sign(`{"alg":"HS256","kid":"ed"}`, good("alice"), withHMAC(public)),
		"HS256 with nothing":        sign(`{"alg":"HS256"}`, good("alice"), withHMAC(nil)),
		"Alg":                       header(`{"Alg":"EdDSA","kid":"ed"}`), "alg 1": header(`{"alg":1,"kid":"ed"}`), "alg list": header(`{"alg":["EdDSA"],"kid":"ed"}`), "no alg": header(`{"kid":"ed"}`),
		"alg twice": header(`{"alg":"none","alg":"EdDSA","kid":"ed"}`), "kid twice": header(`{"alg":"EdDSA","kid":"x","kid":"ed"}`), "other algorithm": header(`{"alg":"RS256","kid":"ed"}`),
		"ES256 with the key of EdDSA": sign(`{"alg":"ES256","kid":"ed"}`, good("alice"), withES256(i.ec)),

		"crit": header(`{"alg":"EdDSA","kid":"ed","crit":["exp"]}`), "crit empty": header(`{"alg":"EdDSA","kid":"ed","crit":[]}`), "crit null": header(`{"alg":"EdDSA","kid":"ed","crit":null}`),
		"b64": header(`{"alg":"EdDSA","kid":"ed","b64":false}`), "zip": header(`{"alg":"EdDSA","kid":"ed","zip":"DEF"}`), "logout": header(`{"alg":"EdDSA","kid":"ed","typ":"logout+jwt"}`), "typ 1": header(`{"alg":"EdDSA","kid":"ed","typ":1}`),
		"own jwk": sign(`{"alg":"EdDSA","kid":"ed","jwk":`+ownJWK+`}`, good("alice"), withEd25519(own)), "own jwk, no kid": sign(`{"alg":"EdDSA","jwk":`+ownJWK+`}`, good("alice"), withEd25519(own)),
		"own jku": sign(`{"alg":"EdDSA","kid":"ed","jku":"`+listener.URL+`"}`, good("alice"), withEd25519(own)), "own x5u": sign(`{"alg":"EdDSA","kid":"ed","x5u":"`+listener.URL+`"}`, good("alice"), withEd25519(own)),
		"own jku, own kid": sign(`{"alg":"EdDSA","kid":"own","jku":"`+listener.URL+`"}`, good("alice"), withEd25519(own)),
		"kid path":         header(`{"alg":"EdDSA","kid":"../../ed"}`), "kid file": header(`{"alg":"EdDSA","kid":"/dev/null"}`), "kid SQL": header(`{"alg":"EdDSA","kid":"ed' OR '1'='1"}`), "kid long": header(`{"alg":"EdDSA","kid":"` + strings.Repeat("e", 201) + `"}`), "kid 1": header(`{"alg":"EdDSA","kid":1}`),
		"kid case": header(`{"alg":"EdDSA","kid":"ED"}`), "header list": header(`[]`), "header null": header(`null`), "header text": header(`x`),

		"another's signature": sign(`{"alg":"EdDSA","kid":"ed"}`, good("alice"), withEd25519(own)), "changed claims": valid[:strings.Index(valid, ".")+1] + b64([]byte(good("bob"))) + valid[strings.LastIndex(valid, "."):],
		"sub twice": claims(`"sub":"alice"`, `"sub":"bob","sub":"alice"`), "Sub": claims(`"sub"`, `"Sub"`), "sub 5": claims(`"alice"`, `5`), "sub null": claims(`"alice"`, `null`), "sub list": claims(`"alice"`, `["alice"]`), "no sub": claims(`"sub":"alice",`, ``), "sub empty": claims(`"alice"`, `""`),
		"sub dots": claims(`"alice"`, `".."`), "sub NUL": claims(`"alice"`, `"a\u0000"`), "sub long": claims(`"alice"`, `"`+strings.Repeat("x", 256)+`"`), "sub surrogate": claims(`"alice"`, `"\ud800"`),
		"no exp": claims(","+exp, ``), "exp text": claims(exp, `"exp":"`+fmt.Sprint(at(time.Minute))+`"`), "exp null": claims(exp, `"exp":null`), "expired": claims(exp, fmt.Sprintf(`"exp":%d`, at(-30*time.Second))), "exp negative": claims(exp, `"exp":-1`),
		"iat ahead": claims(iat, fmt.Sprintf(`"iat":%d`, at(300*time.Second))), "nbf ahead": claims(iat, fmt.Sprintf(`"nbf":%d`, at(31*time.Second))), "nbf text": claims(iat, `"nbf":"0"`),
		"no iss": claims(`"iss":"https://issuer.example",`, ``), "iss slash": claims(`issuer.example"`, `issuer.example/"`), "iss case": claims(`issuer.example"`, `Issuer.example"`), "iss list": claims(`"https://issuer.example"`, `["https://issuer.example"]`),
		"no aud": claims(`"aud":"docket",`, ``), "aud other": claims(`"docket"`, `"docket2"`), "aud others": claims(`"docket"`, `["a","b"]`), "aud part": claims(`"docket"`, `"my docket"`), "aud mixed": claims(`"docket"`, `["docket",1]`),
		"payload list": sign(`{"alg":"EdDSA","kid":"ed"}`, `[]`, ed), "payload null": sign(`{"alg":"EdDSA","kid":"ed"}`, `null`, ed), "payload text": sign(`{"alg":"EdDSA","kid":"ed"}`, `x`, ed), "payload empty": sign(`{"alg":"EdDSA","kid":"ed"}`, ``, ed),
	} {
		if id, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("%s: accepted as %+v", name, id)
		} else if strings.Contains(err.Error(), "alice") || len(token) > 0 && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error contains a part of the token: %v", name, err)
		}
		if id, err := shared.Verify(t.Context(), token); err == nil {
			t.Errorf("%s: accepted by a verifier with a shared secret as %+v", name, id)
		}
	}
	if n := outside.Load(); n != 0 {
		t.Errorf("URLs from tokens were fetched %d times", n)
	}
	if _, err := v.Verify(t.Context(), valid); err != nil {
		t.Errorf("the valid token that the attacks are derived from: %v", err)
	}
}

func TestTypes(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t, &clock{})
	for typ, ok := range map[string]bool{
		"JWT": true, "jwt": true, "at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/JWT": true,
		"": false, "logout+jwt": false, "application/": false, "application/application/jwt": false, "text/jwt": false, "jwt;x=y": false,
	} {
		token := sign(fmt.Sprintf(`{"alg":"EdDSA","kid":"ed","typ":%q}`, typ), good("alice"), withEd25519(i.ed))
		if _, err := v.Verify(t.Context(), token); (err == nil) != ok {
			t.Errorf("typ %q: %v", typ, err)
		}
	}
}

func verifierOf(t *testing.T, secrets ...string) *Verifier {
	t.Helper()
	o := Options{Now: (&clock{}).now}
	for _, s := range secrets {
		o.Secrets = append(o.Secrets, secret.New(s))
	}
	v, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLeeway(t *testing.T) {
	i := newIssuer(t)
	c := &clock{}
	v := i.verifier(t, c)
	token := sign(`{"alg":"EdDSA","kid":"ed"}`, fmt.Sprintf(`{"sub":"alice","iss":"https://issuer.example","aud":"docket","nbf":%d,"exp":%d}`,
		present.Add(30*time.Second).Unix(), present.Add(40*time.Second).Unix()), withEd25519(i.ed))
	for _, step := range []struct {
		at    time.Duration
		valid bool
	}{{-time.Second, false}, {0, true}, {70*time.Second - 1, true}, {70 * time.Second, false}} {
		c.Store(int64(step.at))
		if _, err := v.Verify(t.Context(), token); (err == nil) != step.valid {
			t.Errorf("at %s: %v", step.at, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	current, previous := strings.Repeat("c", 32), strings.Repeat("p", 32)
	v := verifierOf(t, current, previous)
	for key, valid := range map[string]bool{current: true, previous: true, strings.Repeat("x", 32): false, "": false} {
		token := sign(`{"alg":"HS256"}`, good("alice"), withHMAC([]byte(key)))
		if _, err := v.Verify(t.Context(), token); (err == nil) != valid {
			t.Errorf("a token of %q: %v", key, err)
		}
	}
	if _, err := New(Options{Secrets: []secret.Text{secret.New(strings.Repeat("x", 31))}}); err == nil {
		t.Error("a short secret was accepted")
	}
	if _, err := New(Options{Secrets: []secret.Text{secret.New(current)}, JWKSURL: "https://a.example"}); err == nil {
		t.Error("a secret together with a key set was accepted")
	}
	o := Options{Secrets: []secret.Text{secret.New(current)}, Issuer: "me", Audience: "you", Now: (&clock{}).now}
	token, err := Sign(o, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	v, err = New(o)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := v.Verify(t.Context(), token); err != nil || id.Subject != "alice" {
		t.Errorf("a token of Sign: %+v, %v", id, err)
	}
}
