package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"docket/internal/pgtest"
)

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

// TestSecretsStaySecret provokes every kind of answer and log entry on a server
// whose secrets, tokens and tasks are canaries. None of them appears outside its
// place.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
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
	p.apiKeys(func() string {
		out, code := h.run(s.dir, append(secrets, "DATABASE_URL="+s.database), "key", "create", "--sub", "alice", "--scope", "tasks:read")
		if code != 0 {
			t.Fatal("docket key create failed")
		}
		return strings.TrimSpace(out)
	})
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
			t.Errorf("the log, which has no canary, lacks %s", text)
		}
	}
	for _, c := range h.texts {
		if !h.seen[c.name] {
			t.Errorf("no answer contained the %s", c.name)
		}
	}
	t.Logf("answers by status: %v; %d bytes of log", h.statuses, len(log))
}

// provocateur sends requests and searches their answers.
type provocateur struct {
	*hunt
	client

	alice, bob, foreign string // Authorization headers; the last is signed with another secret
	key                 string // that of an API key of alice
	id                  string // of a task of alice
}

// want sends a request and searches the answer, which must have this status.
func (p *provocateur) want(status int, method, path, body string, headers ...string) answer {
	p.t.Helper()
	a, err := p.do(p.t.Context(), method, path, body, append(headers, "Cookie: session="+canaryCookie)...)
	if err != nil || a.Status != status {
		p.t.Errorf("%s %s: %d %s (%v), not %d", method, path, a.Status, a.Body, err, status)
	}
	p.answered(fmt.Sprintf("%s %.60s %.60s: %d", method, path, body, a.Status), a)
	return a
}

// canaryTask returns a JSON object with the canaries of a task.
func canaryTask() string {
	text, _ := json.Marshal(map[string]any{
		"title": canaryTitle, "description": canaryText, "tags": []string{canaryTitle}, "metadata": map[string]string{canaryTitle: canaryText},
	}) // strings can always be encoded
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
	p.want(200, http.MethodDelete, taskPath("alice", other.ID), "", p.alice)
	p.want(200, http.MethodPost, taskPath("alice", other.ID)+"/restore", "", p.alice)
	p.want(204, http.MethodDelete, taskPath("alice", other.ID), "", p.alice, minimal)
	p.want(200, http.MethodGet, "/api/bob/tasks", "", p.bob)
	for _, path := range []string{"/", "/docs", "/openapi.yaml", "/healthz", "/readyz", "/problems/invalid-input"} {
		p.want(200, http.MethodGet, path, "", p.alice)
	}
}

// apiKeys makes keys by both ways, and uses and misuses them.
func (p *provocateur) apiKeys(command func() string) {
	var made struct{ ID, Key string }
	if err := p.want(201, http.MethodPost, "/api/alice/keys", `{"name":"key","scopes":["tasks:write"]}`, p.alice).decodeLoosely(&made); err != nil {
		p.t.Fatal(err)
	}
	revoked := bearer(p.hunt.key(made.Key))
	p.key = bearer(p.hunt.key(command()))
	for _, key := range []string{p.key, revoked} {
		p.want(200, http.MethodGet, "/api/alice/tasks", "", key)
		p.want(403, http.MethodGet, "/api/bob/tasks", "", key)
		p.want(401, http.MethodGet, "/api/alice/tasks", "", key[:len(key)-1])
		p.want(401, http.MethodGet, "/api/alice/tasks", "", strings.Replace(key, "dkt_", "dkt_dkt_", 1))
		p.want(422, http.MethodGet, "/api/alice/tasks?access_token="+strings.TrimPrefix(key, "Authorization: Bearer "), "", p.alice, strict)
	}
	p.want(403, http.MethodPost, "/api/alice/tasks", canaryTask(), p.key)
	p.want(200, http.MethodGet, "/api/alice/keys", "", p.alice)
	p.want(204, http.MethodDelete, "/api/alice/keys/"+made.ID, "", p.alice)
	p.want(401, http.MethodGet, "/api/alice/tasks", "", revoked)
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
	large, _ := json.Marshal(map[string]string{"title": canaryTitle, "description": strings.Repeat(canaryText, 10_000)}) // strings can always be encoded
	p.want(413, http.MethodPost, tasks, string(large), p.alice)
	p.want(415, http.MethodPost, tasks, canaryTask(), p.alice, "Content-Type: text/plain; charset="+canaryBasic)
	p.want(415, http.MethodPost, tasks, canaryTask(), p.alice, "Content-Encoding: gzip")
	p.want(200, http.MethodGet, tasks+"?access_token="+token, "", p.alice) // ignored, and named without its value
	p.want(422, http.MethodGet, tasks+"?access_token="+token, "", p.alice, strict)
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
		fmt.Sprintf(`{"title": %s, "completed": %[1]s}`, title), fmt.Sprintf(`{"title": %s, "due_date": %[1]s, "priority": %[1]s, "metadata": %[1]s, "tags": %[1]s}`, title),
		fmt.Sprintf(`{"titel": %s}`, title), fmt.Sprintf(`{"title": "", "description": %s}`, title),
		strings.Replace(canaryTask(), "kanarie", "kanarie\\u0000", 1), fmt.Sprintf(`{"title": "%s"}`, strings.Repeat(canaryText, 100)),
	} {
		p.want(422, http.MethodPost, tasks, body, p.alice, strict)
		p.want(422, http.MethodPut, one, body, p.alice, strict)
	}
}

// rawRequests sends requests that net/http itself refuses.
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
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, request); err != nil {
			p.t.Errorf("%.60q: %v", request, err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			p.t.Errorf("%.60q: %v", request, err)
		} else {
			body, _ := io.ReadAll(response.Body) // a reset ends the body
			_ = response.Body.Close()
			p.answered(fmt.Sprintf("%.60q", request), answer{response.StatusCode, response.Header, body})
		}
		_ = conn.Close()
	}
}

// brokenSchema changes the schema while the server runs, as its owner could.
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
	pgtest.Exec(p.t, super, "ALTER TABLE docket.api_keys RENAME COLUMN hash TO hush")
	unseen := strings.Replace(p.key, p.key[len(p.key)-80:len(p.key)-44], "019a4e6f-1b2c-7d3e-8f40-516273849a5b", 1)
	p.want(500, http.MethodGet, tasks, "", unseen)
	pgtest.Exec(p.t, super, "ALTER TABLE docket.api_keys RENAME COLUMN hush TO hash")
}

// lostDatabase makes the database fail in several ways.
func (p *provocateur) lostDatabase(proxy *pgtest.Proxy) {
	tasks := "/api/alice/tasks"
	proxy.Freeze(true)
	p.want(503, http.MethodPost, tasks, canaryTask(), p.alice) // sent, and never answered
	proxy.Refuse(p.t, true)
	proxy.Cut()
	proxy.Freeze(false)
	p.want(503, http.MethodPost, tasks, canaryTask(), p.alice)
	p.want(503, http.MethodGet, tasks, "", p.alice)
	p.want(503, http.MethodGet, tasks, "", p.key)
	p.want(503, http.MethodGet, "/readyz", "")
	proxy.Refuse(p.t, false)
	eventually(p.t, "the database is back", func() bool {
		a, err := p.do(p.t.Context(), http.MethodGet, tasks, "", p.alice)
		return err == nil && a.Status == http.StatusOK
	})
}
