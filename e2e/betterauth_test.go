package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	betterAuthDir    = "testdata/better-auth"
	betterAuthSecret = "b7Qe0xVtHk3ZsT9uYw2LmNpR5cJfGd8a" // of a project; docket gets it too and must not use it
	noSuchKeyDelay   = 30 * time.Second                   // docket's promise: between fetches that unknown keys cause,
	noSuchKeyBurst   = 5                                  // after so many at once
)

// betterAuth is a Better Auth server, which is a process of its own.
type betterAuth struct {
	client

	t      testing.TB
	ctx    context.Context
	cmd    *exec.Cmd // nil when it does not run
	stdin  io.Closer
	output strings.Builder // read it after Stop
}

// account is a user of a Better Auth server, who is signed in.
type account struct {
	idp             *betterAuth
	ID, name, email string
	cookie          string // of the session
}

// startBetterAuth starts a server whose BETTER_AUTH_URL is url, in which {port}
// stands for its port.
func startBetterAuth(t testing.TB, url string) *betterAuth {
	if _, err := os.Stat(filepath.Join(betterAuthDir, "node_modules/better-auth")); err != nil {
		t.Fatal("Better Auth is not installed: run make deps")
	}
	ctx, cancel := untilDeadline(t)
	b := &betterAuth{t: t, ctx: ctx}
	t.Cleanup(func() {
		defer cancel()
		if b.cmd != nil {
			b.Stop()
		}
		if t.Failed() {
			t.Logf("Better Auth's output:\n%s", &b.output)
		}
	})
	b.start(url, "0")
	return b
}

func (b *betterAuth) start(url, port string) {
	cmd := exec.CommandContext(b.ctx, "node", "server.mjs")
	cmd.Dir = betterAuthDir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "BETTER_AUTH_URL=" + url, "BETTER_AUTH_SECRET=" + betterAuthSecret}
	cmd.Stderr = &b.output
	stdin, err := cmd.StdinPipe() // the server ends with it, so it does not outlive the test
	if err != nil {
		b.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatalf("node cannot be started: %v", err)
	}
	b.cmd, b.stdin = cmd, stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.t.Fatalf("Better Auth did not start: %v", err)
	}
	b.client = newClient(b.t, strings.TrimSpace(line), 1)
}

// Stop ends the server, which forgets everything.
func (b *betterAuth) Stop() {
	_ = b.stdin.Close()
	if err := b.cmd.Wait(); err != nil {
		b.t.Errorf("Better Auth ended badly: %v", err)
	}
	b.cmd = nil
}

// Restart starts the server again, at the same address.
func (b *betterAuth) Restart() {
	b.start(b.url, b.url[strings.LastIndexByte(b.url, ':')+1:])
}

// send sends a request that must succeed.
func (b *betterAuth) send(method, path, body string, headers ...string) answer {
	b.t.Helper()
	a, err := b.do(b.t.Context(), method, path, body, headers...)
	if err != nil || a.Status >= 300 {
		b.t.Fatalf("Better Auth: %s %s: %d %s (%v)", method, path, a.Status, a.Body, err)
	}
	return a
}

func (b *betterAuth) SignUp(name, email string) account {
	b.t.Helper()
	a := b.send(http.MethodPost, "/api/auth/sign-up/email",
		fmt.Sprintf(`{"name": %q, "email": %q, "password": "correct horse battery"}`, name, email))
	var made struct{ User struct{ ID string } }
	if err := json.Unmarshal(a.Body, &made); err != nil || made.User.ID == "" {
		b.t.Fatalf("Better Auth signed nobody up: %s", a.Body)
	}
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	return account{b, made.User.ID, name, email, cookie}
}

// Token returns a new token, as a front-end gets it for its session.
func (a account) Token() string {
	a.idp.t.Helper()
	var got struct{ Token string }
	answer := a.idp.send(http.MethodGet, "/api/auth/token", "", "Cookie: "+a.cookie)
	if err := json.Unmarshal(answer.Body, &got); err != nil || strings.Count(got.Token, ".") != 2 {
		a.idp.t.Fatalf("Better Auth gave no token: %s", answer.Body)
	}
	return got.Token
}

// Rotate makes the next token one of a new key.
func (b *betterAuth) Rotate() { b.send(http.MethodPost, "/test/rotate", "") }

// Fetches says how often the key set was fetched.
func (b *betterAuth) Fetches() int {
	n, err := strconv.Atoi(string(b.send(http.MethodGet, "/test/fetches", "").Body))
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// keyOf returns the id of the key that a token names.
func keyOf(t testing.TB, token string) string {
	t.Helper()
	text, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(text)
	var fields struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(header, &fields)
	}
	if err != nil || fields.Kid == "" {
		t.Fatalf("the token names no key: %s", header)
	}
	return fields.Kid
}

// withKey returns a token that names another key than it was signed with.
func withKey(token, key string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":%q}`, key)) + "." + rest
}

// besideBetterAuth prepares a docket that has the .env file of a Better Auth
// project and no other setting about authentication.
func besideBetterAuth(t testing.TB, url string) *server {
	s := newServer(t, t.TempDir(), defaultDatabase)
	env := "BETTER_AUTH_SECRET=" + betterAuthSecret + "\nBETTER_AUTH_URL=" + url + "\n"
	if err := os.WriteFile(filepath.Join(s.dir, ".env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// expect sends a request without a body and fails the test unless the answer
// has this status.
func (c client) expect(t testing.TB, status int, method, path string, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := c.do(ctx, method, path, "", headers...)
	if err != nil || a.Status != status {
		t.Fatalf("%s %s: %d %s (%v), not %d", method, path, a.Status, a.Body, err, status)
	}
	return a
}

// awaitReady waits until docket has the issuer's keys. A request that has to
// wait for them is served too, but uses up the one fetch of 30 s that is for
// keys which are not known.
func awaitReady(t *testing.T, c client) {
	t.Helper()
	eventually(t, startTimeout, "docket is ready", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && a.Status == http.StatusOK
	})
}

// TestBetterAuth has the users of a real Better Auth use docket, which was told
// where that is and nothing else.
func TestBetterAuth(t *testing.T) {
	idp := startBetterAuth(t, "http://localhost:{port}")
	ada, bob := idp.SignUp("Ada Lovelace", "ada.lovelace@example.com"), idp.SignUp("Bob", "bob@example.com")
	s := besideBetterAuth(t, idp.url)
	s.Start(t, "LOG_LEVEL=debug")
	c := newClient(t, s.URL, 8)
	awaitReady(t, c)
	tokens := []string{ada.Token(), bob.Token()}

	a, err := c.do(t.Context(), http.MethodPost, tasksPath(ada.ID), `{"title": "Of Ada"}`, bearer(tokens[0]))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("a task is created: %d %s (%v)", a.Status, a.Body, err)
	}
	var tasks []task
	if err := c.expect(t, 200, http.MethodGet, tasksPath(ada.ID), bearer(tokens[0])).decode(&tasks); err != nil {
		t.Fatal(err)
	}
	if len(tasks) != 1 || tasks[0].Title != "Of Ada" || tasks[0].UserID != ada.ID {
		t.Errorf("Ada's tasks are %+v", tasks)
	}
	if a := c.expect(t, 200, http.MethodGet, tasksPath(bob.ID), bearer(tokens[1])); string(a.Body) != "[]" {
		t.Errorf("Bob's tasks are %s", a.Body)
	}
	for _, path := range []string{tasksPath(ada.ID), taskPath(ada.ID, tasks[0].ID), tasksPath(strings.ToLower(bob.ID))} {
		c.expect(t, 403, http.MethodGet, path, bearer(tokens[1]))
		c.expect(t, 401, http.MethodGet, path)
	}
	session, _, _ := strings.Cut(strings.TrimPrefix(ada.cookie, "better-auth.session_token="), ".")
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID), bearer(session)) // it is not the token to send
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID), "Cookie: "+ada.cookie)
	wrong := exec.CommandContext(t.Context(), binary, "token", "--sub", ada.ID)
	wrong.Dir, wrong.Env = s.dir, cleanEnv()
	if text, err := wrong.CombinedOutput(); err == nil {
		t.Errorf("docket made a token beside an identity provider: %s", text)
	}

	tokens = append(tokens, rotateUnderLoad(t, idp, ada, c))
	if *torture {
		tokens = append(tokens, rotateUnderAttack(t, idp, ada, c))
	}

	s.Stop(t)
	log := s.log.String()
	private := []string{ada.ID, bob.ID, ada.name, ada.email, bob.email, session, betterAuthSecret}
	for _, token := range tokens {
		private = append(private, strings.Split(token, ".")[1:]...) // the header says nothing of anyone
	}
	for _, text := range private {
		if strings.Contains(log, text) {
			t.Errorf("the log holds %q", text)
		}
	}
	if !strings.Contains(log, `"status":403`) || !strings.Contains(log, `"status":401`) || !strings.Contains(log, "BETTER_AUTH_SECRET is not used") {
		t.Error("the log is not the one that these requests make")
	}
}

// TestBetterAuthStops stops the issuer, and uses tokens that docket has not seen
// before, of a key that it knows.
func TestBetterAuthStops(t *testing.T) {
	idp := startBetterAuth(t, "http://localhost:{port}")
	ada, bob := idp.SignUp("Ada", "ada@example.com"), idp.SignUp("Bob", "bob@example.com")
	s := besideBetterAuth(t, idp.url)
	s.Start(t)
	c := newClient(t, s.URL, 1)
	awaitReady(t, c)
	token := ada.Token()
	idp.Stop()
	c.expect(t, 503, http.MethodGet, tasksPath(ada.ID), bearer(withKey(token, "unknown"))) // it may be a new key
	eventually(t, time.Minute, "the log says that docket looked for the unknown key", func() bool {
		return strings.Contains(s.log.String(), "keys could not be fetched") // the log is read behind the answers
	})
	c.expect(t, 200, http.MethodGet, tasksPath(ada.ID), bearer(token))
	c.expect(t, 403, http.MethodGet, tasksPath(bob.ID), bearer(token))
	c.expect(t, 200, http.MethodGet, "/readyz")
}

// rotateUnderLoad has the issuer go over to a new key while requests with
// tokens of the old and the new one run, none of which may fail. It returns a
// token of the new key.
func rotateUnderLoad(t *testing.T, idp *betterAuth, user account, c client) string {
	old := user.Token()
	var newest atomic.Pointer[string]
	newest.Store(&old)
	load := startLoad(t, c, tasksPath(user.ID), 4, func(worker int) string {
		if worker%2 == 0 {
			return old
		}
		return *newest.Load()
	})
	load.await(t, 20)
	idp.Rotate()
	token := user.Token()
	if keyOf(t, token) == keyOf(t, old) {
		t.Fatal("Better Auth did not rotate its key")
	}
	newest.Store(&token)
	load.await(t, 20)
	t.Logf("%d requests during a rotation, none failed", load.stop())
	return token
}

// rotateUnderAttack is rotateUnderLoad while somebody sends tokens that name
// keys which never were: the new key is then known a little later, but the old
// one's tokens go on, and the issuer is not flooded.
func rotateUnderAttack(t *testing.T, idp *betterAuth, user account, c client) string {
	began, fetched := time.Now(), idp.Fetches()
	old := user.Token()
	load := startLoad(t, c, tasksPath(user.ID), 2, func(int) string { return old })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var attack sync.WaitGroup
	var refused atomic.Int64
	for worker := range 2 {
		attack.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				a, err := c.do(ctx, http.MethodGet, tasksPath(user.ID), "", bearer(withKey(old, fmt.Sprintf("bogus-%d-%d", worker, n))))
				switch {
				case err != nil:
				case a.Status == http.StatusUnauthorized: // the keys were fetched for it
				case a.Status == http.StatusServiceUnavailable: // they are not fetched again so soon
				default:
					t.Errorf("a token of no key: %d %s", a.Status, a.Body)
				}
				refused.Add(1)
			}
		})
	}
	eventually(t, time.Minute, "bogus tokens are refused", func() bool { return refused.Load() > 100 })
	idp.Rotate()
	token, rotated := user.Token(), time.Now()
	eventually(t, noSuchKeyDelay+5*time.Second, "the new key is known", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, tasksPath(user.ID), "", bearer(token))
		return err == nil && a.Status == http.StatusOK
	})
	waited := time.Since(rotated)
	cancel()
	attack.Wait()
	served := load.stop()
	fetches, most := idp.Fetches()-fetched, int(time.Since(began)/noSuchKeyDelay)+noSuchKeyBurst+1
	if fetches > most {
		t.Errorf("the issuer's keys were fetched %d times in %s, not at most %d times", fetches, time.Since(began), most)
	}
	t.Logf("%d bogus tokens, %d fetches; the new key was known after %s; %d requests meanwhile, none failed", refused.Load(), fetches, waited, served)
	return token
}

// load is requests that run continuously and must all succeed.
type load struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	each   []atomic.Int64 // requests of each worker
}

func startLoad(t *testing.T, c client, path string, workers int, token func(worker int) string) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, each: make([]atomic.Int64, workers)}
	t.Cleanup(func() { l.stop() })
	for worker := range workers {
		l.wg.Go(func() {
			for ctx.Err() == nil {
				a, err := c.do(ctx, http.MethodGet, path, "", bearer(token(worker)))
				if ctx.Err() != nil {
					return
				}
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("a request among many: %d %s (%v)", a.Status, a.Body, err)
					return
				}
				l.each[worker].Add(1)
			}
		})
	}
	return l
}

// await waits until every worker has sent more requests.
func (l *load) await(t *testing.T, more int64) {
	t.Helper()
	for worker := range l.each {
		goal := l.each[worker].Load() + more
		eventually(t, time.Minute, "requests run", func() bool { return t.Failed() || l.each[worker].Load() >= goal })
	}
}

// stop returns how many requests there were.
func (l *load) stop() (total int64) {
	l.cancel()
	l.wg.Wait()
	for worker := range l.each {
		total += l.each[worker].Load()
	}
	return total
}

// TestBetterAuthStartsLater starts docket while the issuer does not run, as when
// both are started together.
func TestBetterAuthStartsLater(t *testing.T) {
	idp := startBetterAuth(t, "http://localhost:{port}")
	early := idp.SignUp("Ada", "ada@example.com")
	token := early.Token()
	idp.Stop()
	s := besideBetterAuth(t, idp.url)
	s.Start(t)
	c := newClient(t, s.URL, 1)
	c.expect(t, 401, http.MethodGet, tasksPath(early.ID)) // this much is known
	c.expect(t, 503, http.MethodGet, "/readyz")
	c.expect(t, 200, http.MethodGet, "/healthz")
	if a := c.expect(t, 503, http.MethodGet, tasksPath(early.ID), bearer(token)); a.Header.Get("Retry-After") == "" {
		t.Error("the answer does not say when to try again")
	}

	idp.Restart()
	late := idp.SignUp("Ada", "ada@example.com")
	eventually(t, 40*time.Second, "tokens are accepted", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, tasksPath(late.ID), "", bearer(late.Token()))
		return err == nil && a.Status == http.StatusOK
	})
	c.expect(t, 401, http.MethodGet, tasksPath(early.ID), bearer(token)) // of a key that is no more
}

// TestBetterAuthURL holds docket to what Better Auth makes of its BETTER_AUTH_URL:
// where the keys are, and what the tokens say.
func TestBetterAuthURL(t *testing.T) {
	for _, text := range []string{
		"http://localhost:{port}/",
		"http://127.0.0.1:{port}",
		"http://LOCALHOST:{port}",
		"http://localhost:{port}/api/auth", // a path stands for the default one
	} {
		t.Run(text, func(t *testing.T) {
			idp := startBetterAuth(t, text)
			s := besideBetterAuth(t, idp.url)
			u, err := url.Parse(idp.url)
			if err != nil {
				t.Fatal(err)
			}
			idp.url = "http://" + u.Host // for its routes and those of the test
			user := idp.SignUp("Ada", "ada@example.com")
			s.Start(t)
			newClient(t, s.URL, 1).expect(t, 200, http.MethodGet, tasksPath(user.ID), bearer(user.Token()))
		})
	}
}

// TestBetterAuthAndNone asks for no tokens beside an identity provider, which
// docket refuses to serve with.
func TestBetterAuthAndNone(t *testing.T) {
	for _, set := range []string{"BETTER_AUTH_URL=http://localhost:3000", "BETTER_AUTH_SECRET=" + betterAuthSecret} {
		ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, binary, "serve")
		cmd.Dir, cmd.Env = t.TempDir(), append(cleanEnv(), "PORT=0", "AUTH=none", set)
		text, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(text), "AUTH=none together") {
			t.Errorf("AUTH=none %s: %v\n%s", set, err, text)
		}
		if strings.Contains(string(text), betterAuthSecret) {
			t.Errorf("the secret is shown:\n%s", text)
		}
	}
}
