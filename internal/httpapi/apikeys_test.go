package httpapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/httpapi"
)

// apiKey is the JSON of an API key as clients see it.
type apiKey struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at"`
	ExpiresAt  *string  `json:"expires_at"`
	LastUsedOn *string  `json:"last_used_on"`
	Key        string   `json:"key"`
}

func (a answer) apiKey() (k apiKey) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), &k); err != nil {
		a.Fatalf("%v: %s", err, a.body)
	}
	return k
}

// with returns the header that authenticates by a key.
func (k apiKey) with() string { return "Authorization: Bearer " + k.Key }

// key makes a key of alice with these scopes.
func (c *client) key(scopes string) apiKey {
	c.Helper()
	list, _ := json.Marshal(strings.Fields(scopes)) // strings can always be encoded
	return c.do("POST", "/api/alice/keys", fmt.Sprintf(`{"name":"key","scopes":%s}`, list), as(c.T, "alice")).is(201).apiKey()
}

// withScope returns the header of a token of alice whose claim scope is this.
func withScope(t *testing.T, scope string) string {
	t.Helper()
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	signed := part(`{"alg":"HS256"}`) + "." + part(fmt.Sprintf(`{"sub":"alice","exp":%d,"scope":%q}`, time.Now().Add(time.Hour).Unix(), scope))
	mac := hmac.New(sha256.New, []byte(shared.Secrets[0].Reveal()))
	mac.Write([]byte(signed))
	return "Authorization: Bearer " + signed + "." + part(string(mac.Sum(nil)))
}

func TestAPIKeysAreMadeListedAndRevoked(t *testing.T) {
	c, _ := serveClosed(t)
	alice := as(t, "alice")
	if body := c.do("GET", "/api/alice/keys", "", alice).is(200).body; body != "[]" {
		t.Errorf("no keys are %s", body)
	}
	a := c.do("POST", "/api/alice/keys", `{"name":" <A> 😀 ","scopes":["tasks:write","tasks:write","tasks:read"],"expires_at":"2999-12-31t23:30:00.1234567-01:00","id":"x"}`, alice, "Idempotency-Key: one").is(201)
	first := a.apiKey()
	c.equal(a.header.Get("Cache-Control"), "no-store")
	c.equal(a.header.Get("Docket-Ignored"), `"/id"`)
	if !regexp.MustCompile("^"+docket.APIKeyPattern+"$").MatchString(first.Key) || !strings.Contains(first.Key, "."+first.ID+".") || !strings.Contains(a.body, `"<A> 😀"`) {
		t.Errorf("the key is %s", a.body)
	}
	shown := first
	shown.Key = ""
	c.equal(shown, apiKey{ID: first.ID, Name: "<A> 😀", Scopes: []string{"tasks:read", "tasks:write"}, CreatedAt: first.CreatedAt, ExpiresAt: new("3000-01-01T00:30:00.123456Z")})

	// A repetition makes another key, because no answer with a key is kept.
	again := c.do("POST", "/api/alice/keys", `{"name":" <A> 😀 ","scopes":["tasks:write","tasks:write","tasks:read"],"expires_at":"2999-12-31t23:30:00.1234567-01:00","id":"x"}`, alice, "Idempotency-Key: one").is(201)
	second := again.apiKey()
	if second.Key == first.Key || second.ID == first.ID || again.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the repetition is answered with %s", again.body)
	}
	list := c.do("GET", "/api/alice/keys", "", alice).is(200)
	var keys []apiKey
	if err := json.Unmarshal([]byte(list.body), &keys); err != nil {
		t.Fatal(err)
	}
	hidden := second
	hidden.Key = ""
	c.equal(keys, []apiKey{shown, hidden})
	c.equal(list.header.Get("Cache-Control"), "no-store")
	if strings.Contains(list.body, "dkt_") || strings.Contains(c.log.String(), "dkt_") {
		t.Error("a key is told again")
	}
	c.do("GET", "/api/bob/keys", "", as(t, "bob")).is(200).equal(c.do("GET", "/api/bob/keys", "", as(t, "bob")).body, "[]")

	c.do("GET", "/api/alice/tasks", "", first.with()).is(200)
	c.do("DELETE", "/api/bob/keys/"+first.ID, "", as(t, "bob")).is(404).problem("key-not-found")
	c.do("DELETE", "/api/alice/keys/"+strings.ToUpper(first.ID), "", alice).is(204)
	refused := c.do("GET", "/api/alice/tasks", "", first.with()).is(401)
	c.equal(refused.header.Get("WWW-Authenticate"), `Bearer realm="docket", error="invalid_token", error_description="There is no such API key, or it was revoked."`)
	for _, id := range []string{first.ID, "x", "019a4e6f-1b2c-7d3e-8f40-516273849a5b"} {
		c.do("DELETE", "/api/alice/keys/"+id, "", alice).is(404).problem("key-not-found")
	}
	c.do("GET", "/api/alice/tasks", "", second.with()).is(200)
	c.do("GET", "/api/alice/keys/"+second.ID, "", alice).is(405)
}

func TestAPIKeyFaults(t *testing.T) {
	c, _ := serveClosed(t)
	alice := as(t, "alice")
	for body, want := range map[string]string{
		`{}`:                                     "/name required, /scopes too_short",
		`{"name":null,"scopes":["tasks:read"]}`:  "/name null",
		`{"name":"","scopes":[]}`:                "/name too_short, /scopes too_short",
		`{"name":"x"}`:                           "/scopes too_short",
		`{"name":"x","scopes":null}`:             "/scopes null",
		`{"name":"x","scopes":"tasks:read"}`:     "/scopes wrong_type",
		`{"name":"x","scopes":{"tasks:read":1}}`: "/scopes wrong_type",
		`{"name":5,"scopes":["tasks:read","tasks","",7,null],"expires_at":"soon"}`:      "/name wrong_type, /scopes/1 unknown_scope, /scopes/2 unknown_scope, /scopes/3 unknown_scope, /scopes/4 unknown_scope, /expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"2020-01-01T00:00:00Z"}`:      "/expires_at past",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"2999-01-01"}`:                "/expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"2999-01-01T00:00:00"}`:       "/expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"2999-01-01T00:00:00+99:00"}`: "/expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"9999-12-31T23:00:00-02:00"}`: "/expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":"0001-01-01T00:00:00Z"}`:      "/expires_at invalid_time",
		`{"name":"x","scopes":["tasks:read"],"expires_at":4102444800}`:                  "/expires_at wrong_type",
		`{"name":"` + strings.Repeat("é", 101) + `\u0000","scopes":["tasks:read"]}`:     "/name too_long, /name nul_character",
		`["tasks:read"]`: " wrong_type",
	} {
		var got []string
		for _, f := range c.do("POST", "/api/alice/keys", body, alice).is(422).problem("invalid-input").Errors {
			got = append(got, *f.Pointer+" "+f.Code)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
	c.do("POST", "/api/alice/keys", `{"name":"x","scopes":["tasks:read"],"scope":"x"}`, alice, "Prefer: handling=strict").is(422)
	c.do("POST", "/api/alice/keys", `{"name":`, alice).is(400)
	c.do("POST", "/api/alice/keys", `{"name":"x"}`, alice, "Content-Type: text/plain").is(415)
	c.do("POST", "/api/alice/keys", `{"name":"x","scopes":["tasks:read"]}`, alice, `If-Match: "1"`).is(422)
	c.equal(c.do("GET", "/api/alice/keys", "", alice).is(200).body, "[]")

	for range docket.MaxAPIKeys {
		c.key("tasks:read")
	}
	full := c.do("POST", "/api/alice/keys", `{"name":"x","scopes":["tasks:read"]}`, alice).is(403)
	full.problem("quota-exceeded")
	if !strings.Contains(full.body, `"limit":50`) {
		t.Errorf("one key too many is answered with %s", full.body)
	}
}

// TestScopesOnEveryRoute sends to each route every scope, in a key and in a token, and
// compares what is allowed with the contract.
func TestScopesOnEveryRoute(t *testing.T) {
	c, _ := serveClosed(t)
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{ // by the scope that the contract names
		"tasks:read": {"tasks:read", "tasks:write"}, "tasks:write": {"tasks:write"}, "user:erase": {"user:erase"}, "keys:manage": {"keys:manage"},
	}
	routes := map[string]int{}
	for _, scope := range docket.ScopeNames() {
		credentials := map[string]string{"key": c.key(scope).with(), "token": withScope(t, "openid "+scope)}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				needs := regexp.MustCompile("Scope: `([a-z:]+)`").FindStringSubmatch(op.Description)
				if !strings.HasPrefix(path, "/api/") || method == http.MethodHead || path == "/api/{user_id}" || strings.HasSuffix(path, "/events") {
					continue
				}
				routes[needs[1]]++
				sent := strings.NewReplacer("{user_id}", "alice", "{id}", "019a4e6f-1b2c-7d3e-8f40-516273849a5b").Replace(path)
				for kind, header := range credentials {
					a := c.do(method, sent, "", header)
					refused := a.status == 403 && strings.Contains(a.body, "insufficient-scope")
					if refused == strings.Contains(strings.Join(allowed[needs[1]], " "), scope) {
						t.Errorf("%s %s with a %s of %s: %d", method, path, kind, scope, a.status)
					}
					if got, want := a.header.Get("WWW-Authenticate"), fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, needs[1]); refused && got != want {
						t.Errorf("%s %s: WWW-Authenticate is %q", method, path, got)
					}
				}
			}
		}
	}
	if routes["tasks:read"] < 3*4 || routes["tasks:write"] < 7*4 || routes["keys:manage"] < 3*4 {
		t.Errorf("tried are %v", routes)
	}
	for _, scope := range []string{"tasks:read tasks:write keys:manage"} {
		c.do("DELETE", "/api/alice", "", c.key(scope).with()).is(403).problem("insufficient-scope")
	}
	c.do("GET", "/api/alice/events", "", c.key("user:erase").with()).is(403).problem("insufficient-scope")
	c.do("GET", "/api/alice/nothing", "", c.key("user:erase").with()).is(404) // the route comes first
}

// TestNobodyGivesScopesThatTheyLack makes keys with keys and with narrowed tokens.
func TestNobodyGivesScopesThatTheyLack(t *testing.T) {
	c, _ := serveClosed(t)
	const body = `{"name":"x","scopes":["tasks:write","user:erase"]}`
	c.do("POST", "/api/alice/keys", body, c.key("keys:manage tasks:write user:erase").with()).is(403).problem("forbidden")
	a := c.do("POST", "/api/alice/keys", body, withScope(t, "keys:manage tasks:write")).is(403)
	a.problem("insufficient-scope")
	c.equal(a.header.Get("WWW-Authenticate"), `Bearer error="insufficient_scope", scope="user:erase"`)
	c.do("POST", "/api/alice/keys", `{"name":"x","scopes":["tasks:read"]}`, withScope(t, "keys:manage tasks:write")).is(201)
	c.do("POST", "/api/alice/keys", body, withScope(t, "keys:manage tasks:write user:erase")).is(201)
	c.do("DELETE", "/api/alice/keys/"+c.key("tasks:read").ID, "", c.key("keys:manage").with()).is(204)
}

// TestForeignPathsAskNothingOfTheStore sends keys on the paths of others, real ones and
// made-up ones.
func TestForeignPathsAskNothingOfTheStore(t *testing.T) {
	c, store := serveClosed(t)
	real := c.key("tasks:write keys:manage user:erase")
	madeUp := apiKey{Key: strings.Replace(real.Key, real.ID, uuid.Must(uuid.NewV7()).String(), 1)}
	before := store.calls.Load()
	for _, key := range []apiKey{real, madeUp} {
		for _, user := range []string{"bob", "Alice", "alice%20", "..", "%2e%2e", "alic", "%ff"} {
			for _, rest := range []string{"", "/tasks", "/tasks/" + real.ID, "/keys", "/events", "/nothing"} {
				for _, method := range []string{"GET", "POST", "DELETE"} {
					c.do(method, "/api/"+user+rest, "", key.with()).is(403).problem("forbidden")
				}
			}
		}
	}
	for _, bad := range []string{"dkt_", real.Key + "x", real.Key[:len(real.Key)-1], strings.Replace(real.Key, ".", "..", 1), strings.ToUpper(real.Key)} {
		c.do("GET", "/api/alice/tasks", "", "Authorization: Bearer "+bad).is(401)
	}
	if n := store.calls.Load() - before; n != 0 {
		t.Errorf("requests on foreign paths and malformed keys called the store %d times", n)
	}
	for n := range 3 {
		c.do("GET", "/api/alice/tasks", "", real.with()).is(200)
		if calls, want := store.calls.Load()-before, int64(n+2); calls != want { // one look-up, and each list
			t.Errorf("%d requests called the store %d times", n+1, calls)
		}
	}
}

// TestRevocationReachesOtherInstances has two instances on one store, and a stream on the
// one that does not revoke.
func TestRevocationReachesOtherInstances(t *testing.T) {
	store := backends["sqlite"](t)
	var ahead atomic.Int64
	c, _ := serveClosedAt(t, store, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	other := docket.NewService(store)
	key, alice := c.key("tasks:read"), as(t, "alice")
	c.do("GET", "/api/alice/tasks", "", key.with()).is(200)
	s := c.listen("", key.with())
	s.begins()

	if err := other.RevokeAPIKey(t.Context(), "alice", uuid.MustParse(key.ID)); err != nil {
		t.Fatal(err)
	}
	c.do("GET", "/api/alice/tasks", "", key.with()).is(200) // believed
	made := c.do("POST", "/api/alice/tasks", `{"title":"believed"}`, alice).is(201).task()
	if _, got := s.task(); got.ID != made.ID {
		t.Errorf("the stream told %+v", got)
	}
	ahead.Store(int64(30 * time.Second))
	c.do("GET", "/api/alice/tasks", "", key.with()).is(401)
	c.do("POST", "/api/alice/tasks", `{"title":"not told"}`, alice).is(201)
	if e := s.next(); len(e) != 1 || e["retry"] == "" {
		t.Errorf("after 30 s the stream tells %v", e)
	}
	c.equal(s.next(), event(nil))
}

// TestStreamsEndWithTheirKey ends keys by a revocation, an erasure and their expiry.
func TestStreamsEndWithTheirKey(t *testing.T) {
	c, _ := serveClosed(t)
	alice := as(t, "alice")
	for name, end := range map[string]func(k apiKey){
		"revoked": func(k apiKey) { c.do("DELETE", "/api/alice/keys/"+k.ID, "", alice).is(204) },
		"erased":  func(apiKey) { c.do("DELETE", "/api/alice", "", alice).is(204) },
		"expired": nil,
	} {
		key := c.key("tasks:read")
		if end == nil {
			key = c.do("POST", "/api/alice/keys", fmt.Sprintf(`{"name":"x","scopes":["tasks:read"],"expires_at":%q}`, time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)), alice).is(201).apiKey()
		}
		s := c.listen("", key.with())
		s.begins()
		if end != nil {
			end(key)
		}
		if e := s.next(); len(e) != 1 || e["retry"] == "" {
			t.Errorf("%s: the stream tells %v", name, e)
		}
		if e := s.next(); e != nil {
			t.Errorf("%s: the stream goes on with %v", name, e)
		}
		c.do("GET", "/api/alice/tasks", "", key.with()).is(401)
	}
}

// TestServerWithoutAuthenticationMakesNoKeys shows what such a server does.
func TestServerWithoutAuthenticationMakesNoKeys(t *testing.T) {
	store := backends["sqlite"](t)
	key, text, err := docket.NewService(store).CreateAPIKey(t.Context(), "alice", docket.NewAPIKey{Name: "x", Scopes: docket.ReadTasks})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, store, httpapi.Options{})
	c.do("POST", "/api/alice/keys", `{"name":"x","scopes":["tasks:read"]}`).is(403).problem("forbidden")
	c.do("POST", "/api/alice/tasks", `{"title":"x"}`, "Authorization: Bearer "+text).is(201) // nobody is asked
	if body := c.do("GET", "/api/alice/keys", "").is(200).body; !strings.Contains(body, key.ID.String()) || strings.Contains(body, "dkt_") {
		t.Errorf("the keys are %s", body)
	}
	c.do("DELETE", "/api/alice/keys/"+key.ID.String(), "").is(204)
}
