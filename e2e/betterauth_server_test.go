package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	"testing"
	"time"
)

const (
	betterAuthDir    = "testdata/better-auth"
	betterAuthSecret = "b7Qe0xVtHk3ZsT9uYw2LmNpR5cJfGd8a" // of a project; docket must not use it
	// docket fetches keys because of unknown ones noSuchKeyBurst times at most, and
	// once more in each noSuchKeyDelay.
	noSuchKeyBurst = 5
	noSuchKeyDelay = 30 * time.Second
)

// betterAuth is a Better Auth server. It runs in a process of its own, with others.
type betterAuth struct {
	client

	t testing.TB // of the test that uses it
}

// account is a user of a Better Auth server who has signed in.
type account struct {
	idp             *betterAuth
	ID, name, email string
	cookie          string // of the session
}

// betterAuths is a process with Better Auth servers.
type betterAuths struct {
	urls []string // the value of BETTER_AUTH_URL of each

	cmd    *exec.Cmd
	stdin  io.Closer
	output bytes.Buffer // what it reports; read it after stop
}

// startBetterAuths starts servers with these values of BETTER_AUTH_URL, in which
// {port} stands for a free port. They end with the tests, also when these are
// killed.
func startBetterAuths(urls ...string) (*betterAuths, error) {
	if _, err := os.Stat(filepath.Join(betterAuthDir, "node_modules/better-auth")); err != nil {
		return nil, errors.New("Better Auth is not installed: run make deps")
	}
	b := &betterAuths{cmd: exec.Command("node", append([]string{"server.mjs"}, urls...)...)}
	b.cmd.Dir = betterAuthDir
	b.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BETTER_AUTH_SECRET=" + betterAuthSecret}
	b.cmd.Stderr = &b.output
	stdout, err := b.cmd.StdoutPipe()
	if err == nil {
		b.stdin, err = b.cmd.StdinPipe() // the servers end with it
	}
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("node cannot be started: %w", err)
	}
	for lines := bufio.NewScanner(stdout); len(b.urls) < len(urls); {
		if !lines.Scan() {
			return nil, fmt.Errorf("Better Auth did not start: %w\n%s", b.stop(), &b.output)
		}
		b.urls = append(b.urls, lines.Text())
	}
	return b, nil
}

// stop ends the servers, which lose all their data.
func (b *betterAuths) stop() error {
	_ = b.stdin.Close()
	return b.cmd.Wait()
}

// use returns the server with the index n for a test.
func (b *betterAuths) use(t testing.TB, n int) *betterAuth {
	u, err := url.Parse(b.urls[n])
	if err != nil {
		t.Fatal(err)
	}
	return &betterAuth{client: newClient(t, "http://"+u.Host, 1), t: t}
}

// The servers that tests share, by their values of BETTER_AUTH_URL. Each test
// uses one of its own.
var (
	betterAuthURLs = []string{
		"http://localhost:{port}",
		"http://localhost:{port}/",
		"http://127.0.0.1:{port}",
		"http://LOCALHOST:{port}",
		"http://localhost:{port}/api/auth", // a path replaces the default path
	}
	sharedBetterAuths = sync.OnceValues(func() (*betterAuths, error) {
		b, err := startBetterAuths(betterAuthURLs...)
		if err == nil {
			stopBetterAuths = func() { _ = b.stop() } // it is told to end
		}
		return b, err
	})
	stopBetterAuths = func() {}
)

// useBetterAuth returns the shared server with the index n, and its BETTER_AUTH_URL.
func useBetterAuth(t testing.TB, n int) (server *betterAuth, url string) {
	t.Helper()
	b, err := sharedBetterAuths()
	if err != nil {
		t.Fatal(err)
	}
	return b.use(t, n), b.urls[n]
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

// SignUp creates a user, who is then signed in.
func (b *betterAuth) SignUp(name, email string) account {
	b.t.Helper()
	a := b.send(http.MethodPost, "/api/auth/sign-up/email",
		fmt.Sprintf(`{"name": %q, "email": %q, "password": "correct horse battery"}`, name, email))
	var made struct{ User struct{ ID string } }
	if err := json.Unmarshal(a.Body, &made); err != nil || made.User.ID == "" {
		b.t.Fatalf("Better Auth created no user: %s", a.Body)
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

// Rotate makes the server use a new key for the next token.
func (b *betterAuth) Rotate() { b.send(http.MethodPost, "/test/rotate", "") }

// Fetches returns how often the key set was fetched.
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

// withKey returns a token that names another key than the one that signed it.
func withKey(token, key string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":%q}`, key)) + "." + rest
}

// besideBetterAuth prepares a docket with the .env file of a Better Auth project
// and no other setting for authentication.
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

// awaitReady waits until docket has the issuer's keys. A request with a token
// would wait for them too, but would use up one of the fetches for unknown keys.
func awaitReady(t *testing.T, c client) {
	t.Helper()
	eventually(t, "docket is ready", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, "/readyz", "")
		return err == nil && a.Status == http.StatusOK
	})
}
