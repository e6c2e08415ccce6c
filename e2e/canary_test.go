package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// The canaries: texts that are nowhere else. Those of secrets have characters
// that encodings change.
const (
	canaryPassword = "pw-Zeisig/7+q=@Z#kanarie"
	canarySecret   = "secret-Girlitz/8+w=&Y?kanarie-0123456789"
	canaryPrevious = "previous-Stieglitz/9+e=&X?kanarie-0123456"
	canaryCookie   = "cookie-Haenfling-kanarie"
	canaryBasic    = "basic-Gimpel-kanarie"
	canaryTitle    = "title-Buchfink äöü \"kanarie\""
	canaryText     = "description-Bergfink <äöü> kanarie"
)

// canary is a text that must not be found where it does not belong.
type canary struct {
	name  string
	forms []string
}

func newCanary(name, text string) canary {
	quoted, _ := json.Marshal(text) // a string has JSON
	forms := []string{
		text, url.QueryEscape(text), url.PathEscape(text), url.UserPassword("", text).String()[1:],
		strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", text), `"`), strings.Trim(fmt.Sprintf("%+q", text), `"`),
		hex.EncodeToString([]byte(text)),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // bytes in front of it, which shift it; the characters that others share are left out
			whole := encoding.EncodeToString([]byte("xx"[:before] + text))
			forms = append(forms, whole[(8*before+5)/6:8*(before+len(text))/6])
		}
	}
	slices.Sort(forms)
	return canary{name, slices.Compact(forms)}
}

// in returns the forms in which the canary is in text.
func (c canary) in(text string) []string {
	return slices.DeleteFunc(slices.Clone(c.forms), func(form string) bool { return !strings.Contains(text, form) })
}

// TestCanaryForms shows that a canary is found whatever was done to it.
func TestCanaryForms(t *testing.T) {
	c := newCanary("password", canaryPassword)
	u := url.URL{Scheme: "postgres", User: url.UserPassword("docket", canaryPassword), Host: "h", RawQuery: url.Values{"password": {"p"}}.Encode()}
	quoted, err := json.Marshal(map[string]string{"error": canaryPassword})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"a " + canaryPassword + " b", u.String(), "x?password=" + url.QueryEscape(canaryPassword), string(quoted),
		fmt.Sprintf("%q", canaryPassword), fmt.Sprintf("%x", "ab"+canaryPassword+"c"),
	} {
		if len(c.in(text)) == 0 {
			t.Errorf("not found in %s", text)
		}
	}
	for before := range 4 {
		for after := range 4 {
			text := []byte(strings.Repeat("a", before) + canaryPassword + strings.Repeat("b", after))
			if len(c.in(base64.StdEncoding.EncodeToString(text))) == 0 || len(c.in(base64.RawURLEncoding.EncodeToString(text))) == 0 {
				t.Errorf("not found in base64 with %d bytes before and %d after", before, after)
			}
		}
	}
	if found := c.in("postgres://docket:xxxxx@h"); len(found) > 0 {
		t.Errorf("found where it is not: %q", found)
	}
}

// hunt looks for canaries in what docket says.
type hunt struct {
	t        *testing.T
	secrets  []canary // belong nowhere
	texts    []canary // belong into the bodies of successes
	statuses map[int]int
	seen     map[string]bool // texts that were found where they belong
}

func newHunt(t *testing.T) *hunt {
	h := &hunt{t: t, statuses: map[int]int{}, seen: map[string]bool{}}
	for name, text := range map[string]string{
		"database password": canaryPassword, "AUTH_SECRET": canarySecret, "AUTH_SECRET_PREVIOUS": canaryPrevious,
		"cookie": canaryCookie, "basic credentials": canaryBasic,
	} {
		h.secrets = append(h.secrets, newCanary(name, text))
	}
	h.texts = []canary{newCanary("title", canaryTitle), newCanary("description", canaryText)}
	return h
}

// token adds a token to the secrets: its signature, and what it says.
func (h *hunt) token(token string) string {
	h.t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		h.t.Fatalf("this is no token: %q", token)
	}
	h.secrets = append(h.secrets, canary{"token", parts[1:]})
	return token
}

// none fails the test when one of the canaries is in text.
func (h *hunt) none(where, text string, canaries ...[]canary) {
	h.t.Helper()
	for _, c := range slices.Concat(canaries...) {
		if found := c.in(text); len(found) > 0 {
			h.t.Errorf("%s: the %s is there, as %q:\n%.2000s", where, c.name, found, text)
		}
	}
}

// answered looks through an answer.
func (h *hunt) answered(where string, a answer) {
	h.t.Helper()
	h.statuses[a.Status]++
	var header strings.Builder
	_ = a.Header.Write(&header) // a Builder takes everything
	h.none(where+", header", header.String(), h.secrets, h.texts)
	h.none(where+", body", string(a.Body), h.secrets)
	if a.Status >= 400 {
		h.none(where+", body", string(a.Body), h.texts)
		return
	}
	for _, c := range h.texts {
		h.seen[c.name] = h.seen[c.name] || len(c.in(string(a.Body))) > 0
	}
}

// run runs docket with args to its end and looks through what it printed.
func (h *hunt) run(dir string, env []string, args ...string) (stdout string, code int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Error(err)
		return "", -1
	}
	where := fmt.Sprintf("%q docket %s", env, strings.Join(args, " "))
	h.none(where+", stderr", log.String(), h.secrets, h.texts)
	if args[0] != "token" {
		h.none(where+", stdout", out.String(), h.secrets, h.texts)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// withPassword returns a database's URL with the canary in it.
func withPassword(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), canaryPassword)
	return u.String()
}

// TestNothingTells provokes every kind of answer and log entry that there is,
// on a server whose secrets, tokens and tasks are canaries, and finds none of
// these where it does not belong.
func TestNothingTells(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{Unsafe: true})
	direct := cluster.Database(t)
	pgtest.Exec(t, pgtest.AsSuperuser(direct), "ALTER ROLE "+pgtest.Role+" PASSWORD '"+canaryPassword+"'")
	proxy := pgtest.NewProxy(t, direct, 0)

	h := newHunt(t)
	s := newServer(t, t.TempDir(), withPassword(t, proxy.URL(direct)))
	secrets := []string{"AUTH_SECRET=" + canarySecret, "AUTH_SECRET_PREVIOUS=" + canaryPrevious}
	s.Start(t, append(secrets, "LOG_LEVEL=debug")...)
	issue := func(secret string, args ...string) string {
		token, code := h.run(s.dir, []string{"AUTH_SECRET=" + secret}, append([]string{"token", "--sub"}, args...)...)
		if code != 0 {
			t.Fatal("docket token failed")
		}
		return h.token(strings.TrimSpace(token))
	}
	p := &provocateur{
		hunt: h, client: newClient(t, s.URL, 4),
		alice: bearer(issue(canarySecret, "alice")), bob: bearer(issue(canaryPrevious, "bob")),
		foreign: bearer(issue(strings.Repeat("another secret ", 3), "alice")),
	}
	p.successes()
	p.refusals()
	p.rawRequests(s.URL)
	p.brokenSchema(pgtest.AsSuperuser(direct))
	p.lostDatabase(proxy)

	env := append(secrets, "DATABASE_URL="+s.database)
	if out, code := h.run(s.dir, env, "config"); code != 0 || strings.Count(out, "[secret]") != 2 {
		t.Errorf("docket config ended with %d:\n%s", code, out)
	}
	if out, code := h.run(s.dir, env, "migrate", "status"); code != 0 || !strings.Contains(out, "applied") {
		t.Errorf("docket migrate status ended with %d:\n%s", code, out)
	}
	cluster.Stop(t, pgtest.Immediate)
	p.want(503, http.MethodGet, "/api/alice/tasks", "", p.alice)
	s.Stop(t)
	log := s.log.String()
	h.none("the log", log, h.secrets, h.texts)

	for _, status := range []int{200, 201, 204, 400, 401, 403, 404, 405, 413, 415, 422, 500, 503} {
		if h.statuses[status] == 0 {
			t.Errorf("no answer was a %d", status)
		}
	}
	for _, text := range []string{`"level":"DEBUG"`, `"level":"INFO"`, `"level":"ERROR"`, `"status":500`, `"status":503`, `"status":401`, `"msg":"stopped"`, "SQLSTATE"} {
		if !strings.Contains(log, text) {
			t.Errorf("the log, in which no canary was found, does not hold %s", text)
		}
	}
	for _, c := range h.texts {
		if !h.seen[c.name] {
			t.Errorf("the %s was in no answer at all", c.name)
		}
	}
	t.Logf("answers by status: %v; %d bytes of log", h.statuses, len(log))
}

// provocateur sends requests.
type provocateur struct {
	*hunt
	client

	alice, bob, foreign string // Authorization headers; the last is of another secret
	id                  string // of a task of alice
}

// want sends a request and looks through the answer, which must have this status.
func (p *provocateur) want(status int, method, path, body string, headers ...string) answer {
	p.t.Helper()
	a, err := p.do(p.t.Context(), method, path, body, append(headers, "Cookie: session="+canaryCookie)...)
	if err != nil || a.Status != status {
		p.t.Errorf("%s %s: %d %s (%v), not %d", method, path, a.Status, a.Body, err, status)
	}
	p.answered(fmt.Sprintf("%s %.60s %.60s: %d", method, path, body, a.Status), a)
	return a
}

// canaryTask is a JSON object of the canaries.
func canaryTask() string {
	text, _ := json.Marshal(map[string]string{"title": canaryTitle, "description": canaryText}) // strings have JSON
	return string(text)
}

func (p *provocateur) successes() {
	var made task
	if err := p.want(201, http.MethodPost, "/api/alice/tasks", canaryTask(), p.alice).decode(&made); err != nil {
		p.t.Fatal(err)
	}
	p.id = made.ID
	one := taskPath("alice", made.ID)
	p.want(200, http.MethodGet, "/api/alice/tasks", "", p.alice)
	p.want(200, http.MethodHead, "/api/alice/tasks", "", p.alice)
	p.want(200, http.MethodGet, one, "", p.alice)
	p.want(200, http.MethodPut, one, canaryTask(), p.alice)
	p.want(200, http.MethodPatch, one, `{"completed": true}`, p.alice)
	p.want(200, http.MethodPatch, one+"/complete", "", p.alice)
	var other task
	if err := p.want(201, http.MethodPost, "/api/alice/tasks", canaryTask(), p.alice).decode(&other); err != nil {
		p.t.Fatal(err)
	}
	p.want(204, http.MethodDelete, taskPath("alice", other.ID), "", p.alice)
	p.want(200, http.MethodGet, "/api/bob/tasks", "", p.bob)
	for _, path := range []string{"/", "/docs", "/openapi.yaml", "/healthz", "/readyz", "/problems/invalid-input"} {
		p.want(200, http.MethodGet, path, "", p.alice)
	}
}

func (p *provocateur) refusals() {
	tasks, one := "/api/alice/tasks", taskPath("alice", p.id)
	token := strings.TrimPrefix(p.alice, "Authorization: Bearer ")

	for _, header := range []string{
		"X-Nothing: to see", p.foreign, p.alice + "x", strings.Replace(p.alice, "Bearer", "Token", 1), "Authorization: " + token,
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+canaryBasic)), "Authorization: Bearer " + canaryBasic,
		"Authorization: Bearer " + strings.Repeat(canaryBasic, 400),
	} {
		p.want(401, http.MethodPost, tasks, canaryTask(), header)
	}
	p.want(401, http.MethodGet, tasks+"?access_token="+token, "")
	p.want(403, http.MethodGet, one, "", p.bob)
	p.want(403, http.MethodPut, one, canaryTask(), p.bob)
	p.want(404, http.MethodPut, one[:len(one)-4]+"0000", canaryTask(), p.alice)
	p.want(404, http.MethodPost, tasks+"/no-such/route", canaryTask(), p.alice)
	p.want(404, http.MethodGet, "/no-such-route?token="+token, "", p.alice)
	p.want(405, http.MethodDelete, tasks, canaryTask(), p.alice)
	p.want(405, http.MethodPost, one, canaryTask(), p.alice)
	large, _ := json.Marshal(map[string]string{"title": canaryTitle, "description": strings.Repeat(canaryText, 10_000)}) // strings have JSON
	p.want(413, http.MethodPost, tasks, string(large), p.alice)
	p.want(415, http.MethodPost, tasks, canaryTask(), p.alice, "Content-Type: text/plain; charset="+canaryBasic)
	p.want(415, http.MethodPost, tasks, canaryTask(), p.alice, "Content-Encoding: gzip")
	p.want(422, http.MethodGet, tasks+"?access_token="+token, "", p.alice)
	p.want(422, http.MethodGet, "/api/alice/tasks?limit="+url.QueryEscape(canaryText), "", p.alice)

	title, err := json.Marshal(canaryTitle)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, body := range []string{
		canaryTask() + canaryTask(), canaryTask()[1:], canaryTask()[:20], canaryTitle, canaryTask() + "\xff",
		fmt.Sprintf(`{"title": %s, "title": %[1]s}`, title), `{"title": "` + canaryText + `\ud800"}`, fmt.Sprintf(`{"title": %s, %[1]s}`, title),
	} {
		p.want(400, http.MethodPost, tasks, body, p.alice)
		p.want(400, http.MethodPatch, one+"/complete", body, p.alice)
	}
	for _, body := range []string{
		string(title), fmt.Sprintf("[%s]", title), fmt.Sprintf(`{"title": {"x": %s}}`, title), fmt.Sprintf(`{"title": [%s]}`, title),
		fmt.Sprintf(`{"title": %s, "completed": %[1]s}`, title), fmt.Sprintf(`{"titel": %s}`, title), fmt.Sprintf(`{"title": "", "description": %s}`, title),
		strings.Replace(canaryTask(), "kanarie", "kanarie\\u0000", 1), fmt.Sprintf(`{"title": "%s"}`, strings.Repeat(canaryText, 100)),
	} {
		p.want(422, http.MethodPost, tasks, body, p.alice)
		p.want(422, http.MethodPut, one, body, p.alice)
	}
}

// rawRequests sends what net/http refuses by itself.
func (p *provocateur) rawRequests(server string) {
	address := strings.TrimPrefix(server, "http://")
	for _, request := range []string{
		"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\n" + p.alice + "\r\nBad Header " + canaryCookie + "\r\n\r\n",
		"GET /api/alice/tasks?" + canaryCookie + " HTTP/9.9\r\nHost: x\r\n" + p.alice + "\r\n\r\n",
		"GET /%zz?" + canaryCookie + " HTTP/1.1\r\nHost: x\r\n" + p.alice + "\r\n\r\n",
		canaryCookie + "\r\n\r\n",
		"POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\n" + p.alice + "\r\nTransfer-Encoding: " + canaryCookie + "\r\n\r\n" + canaryTask(),
		"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\nExpect: " + canaryCookie + "\r\nConnection: close\r\n" + p.alice + "\r\n\r\n",
		"GET /api/alice/tasks HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat(canaryCookie, 2000) + "\r\n\r\n",
		"POST /api/alice/tasks HTTP/1.1\r\nHost: x\r\n" + p.alice + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"tit\r\n" + canaryCookie + "\r\n",
		"GET http://u:" + canaryBasic + "@x/api/alice/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			p.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(conn, request); err != nil {
			p.t.Errorf("%.60q: %v", request, err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			p.t.Errorf("%.60q: %v", request, err)
		} else {
			body, _ := io.ReadAll(response.Body) // what came before a reset counts
			_ = response.Body.Close()
			p.answered(fmt.Sprintf("%.60q", request), answer{response.StatusCode, response.Header, body})
		}
		_ = conn.Close()
	}
}

// brokenSchema changes the schema under the server's feet, as its owner could.
func (p *provocateur) brokenSchema(super string) {
	tasks := "/api/alice/tasks"
	for _, change := range []struct{ breaks, mends string }{
		{"ALTER TABLE docket.tasks ADD CONSTRAINT no_more CHECK (length(title) < 0) NOT VALID", "ALTER TABLE docket.tasks DROP CONSTRAINT no_more"},
		{"ALTER TABLE docket.tasks ADD CONSTRAINT numbers CHECK (title::integer > 0) NOT VALID", "ALTER TABLE docket.tasks DROP CONSTRAINT numbers"}, // the message quotes the title
		{"CREATE UNIQUE INDEX one_title ON docket.tasks (title) WHERE deleted_at IS NULL", "DROP INDEX docket.one_title"},
		{"ALTER TABLE docket.tasks RENAME COLUMN title TO titel", "ALTER TABLE docket.tasks RENAME COLUMN titel TO title"},
		{"ALTER TABLE docket.tasks RENAME TO gone", "ALTER TABLE docket.gone RENAME TO tasks"},
		{"REVOKE INSERT ON docket.tasks FROM " + pgtest.Role, "GRANT INSERT ON docket.tasks TO " + pgtest.Role},
	} {
		pgtest.Exec(p.t, super, change.breaks)
		a := p.want(500, http.MethodPost, tasks, canaryTask(), p.alice)
		if !strings.Contains(string(a.Body), `"detail":"Something went wrong on our side. Give the request id when you report it."`) {
			p.t.Errorf("%s: %s", change.breaks, a.Body)
		}
		pgtest.Exec(p.t, super, change.mends)
	}
	p.want(201, http.MethodPost, tasks, canaryTask(), p.alice)
}

// lostDatabase has the database fail in several ways.
func (p *provocateur) lostDatabase(proxy *pgtest.Proxy) {
	tasks := "/api/alice/tasks"
	proxy.Freeze(true)
	p.want(503, http.MethodPost, tasks, canaryTask(), p.alice) // sent, and never answered
	proxy.Refuse(p.t, true)
	proxy.Cut()
	proxy.Freeze(false)
	p.want(503, http.MethodPost, tasks, canaryTask(), p.alice)
	p.want(503, http.MethodGet, tasks, "", p.alice)
	p.want(503, http.MethodGet, "/readyz", "")
	proxy.Refuse(p.t, false)
	eventually(p.t, time.Minute, "the database is back", func() bool {
		a, err := p.do(p.t.Context(), http.MethodGet, tasks, "", p.alice)
		return err == nil && a.Status == http.StatusOK
	})
}

// TestWrongConfigurationTellsNothing starts docket with secrets that are typed
// wrong or in the wrong place.
func TestWrongConfigurationTellsNothing(t *testing.T) {
	h := newHunt(t)
	dir := t.TempDir()
	var running sync.WaitGroup
	slots := make(chan struct{}, 16) // at once: some wait for a database, and do nothing else
	missing := filepath.Join(dir, "no-such-file")
	escaped := url.UserPassword("docket", canaryPassword).String()
	for name, env := range map[string][]string{
		"nobody listens":           {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable"},
		"no such host":             {"DATABASE_URL=postgres://" + escaped + "@no-such-host.invalid/db?sslmode=disable"},
		"not encoded":              {"DATABASE_URL=postgres://docket:" + canaryPassword + "@127.0.0.1/db"},
		"not encoded, slash first": {"DATABASE_URL=postgres://docket:/" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, digit first": {"DATABASE_URL=postgres://docket:1/" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, hash first":  {"DATABASE_URL=postgres://docket:#" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, percent":     {"DATABASE_URL=postgres://docket:%zz" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, question":    {"DATABASE_URL=postgres://docket:?" + canarySecret + "@127.0.0.1:1/db"},
		"port":                     {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:port/db"},
		"bracket":                  {"DATABASE_URL=postgres://" + escaped + "@[::1/db"},
		"no slashes":               {"DATABASE_URL=postgres:" + escaped + "@127.0.0.1:1/db"},
		"scheme":                   {"DATABASE_URL=postgress://" + escaped + "@127.0.0.1:1/db"},
		"other scheme":             {"DATABASE_URL=mysql://" + escaped + "@127.0.0.1:1/db"},
		"upper case":               {"DATABASE_URL=POSTGRES://" + escaped + "@127.0.0.1:1/db"},
		"keywords":                 {"DATABASE_URL=host=127.0.0.1 user=docket password=" + canaryPassword},
		"unknown parameter":        {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?nothing=" + url.QueryEscape(canarySecret)},
		"wrong parameter":          {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=" + url.QueryEscape(canarySecret)},
		"wrong timeout":            {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?connect_timeout=soon"},
		"no certificate":           {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=verify-full&sslpassword=" + url.QueryEscape(canarySecret) + "&sslrootcert=" + missing},
		"password as a parameter":  {"DATABASE_URL=postgres://docket@127.0.0.1:1/db?sslmode=disable&password=" + url.QueryEscape(canaryPassword)},
		"direct URL":               {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable", "DIRECT_DATABASE_URL=postgres://" + escaped + "@127.0.0.1:2/db?sslmode=disable"},
		"wrong direct URL":         {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db", "DIRECT_DATABASE_URL=postgres://" + escaped + "@127.0.0.1:port/db"},
		"short secret":             {"AUTH_SECRET=" + canaryBasic},
		"secret and key set":       {"AUTH_SECRET=" + canarySecret, "AUTH_JWKS_URL=https://auth.example.com/jwks"},
		"secret without a use":     {"AUTH=none", "AUTH_SECRET=" + canarySecret, "BETTER_AUTH_SECRET=" + canaryPrevious},
		"secret twice":             {"AUTH_SECRET=" + canarySecret, "AUTH_SECRET_FILE=" + missing},
		"secret file":              {"AUTH_SECRET_FILE=" + missing},
		"secret file is a folder":  {"AUTH_SECRET_FILE=" + dir},
		"secret as AUTH":           {"AUTH=" + canarySecret},
		"secret as PORT":           {"PORT=" + canarySecret},
		"secret as LOG_LEVEL":      {"LOG_LEVEL=" + canarySecret},
		"secret as LOG_FORMAT":     {"LOG_FORMAT=" + canarySecret},
		"secret as MIGRATE":        {"MIGRATE=" + canarySecret},
		"secret as exec mode":      {"DATABASE_EXEC_MODE=" + canarySecret},
		"secret as pool size":      {"DATABASE_MAX_CONNS=" + canarySecret},
		"password of the key set":  {"AUTH_JWKS_URL=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com/jwks"},
		"password of the issuer":   {"AUTH_ISSUER=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com"},
		"password of Better Auth":  {"BETTER_AUTH_URL=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com"},
		"line of a .env file":      nil,
		"quote of a .env file":     nil,
		"password of a .env file":  nil,
	} {
		dir := t.TempDir()
		if env == nil {
			text := map[string]string{
				"line of a .env file":     "AUTH_SECRET: " + canarySecret + "\n" + canaryPassword + "\n",
				"quote of a .env file":    "AUTH_SECRET=\"" + canarySecret + "\nPORT=1\n",
				"password of a .env file": "DATABASE_URL='postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable\n",
			}[name]
			if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]string{{"serve"}, {"config"}, {"migrate", "status"}, {"import"}} {
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if _, code := h.run(dir, append([]string{"PORT=0", "LOG_LEVEL=debug"}, env...), command...); code == 0 && command[0] == "serve" {
					t.Errorf("%s: docket served", name)
				}
			})
		}
	}
	running.Wait()
}
