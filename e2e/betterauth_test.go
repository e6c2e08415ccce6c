package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestBetterAuth has the users of a real Better Auth use docket, whose only setting
// is where Better Auth is.
func TestBetterAuth(t *testing.T) {
	t.Parallel()
	idp, address := useBetterAuth(t, 0)
	ada, bob := idp.SignUp("Ada Lovelace", "ada.lovelace@example.com"), idp.SignUp("Bob", "bob@example.com")
	s := besideBetterAuth(t, address)
	s.useRace(t)
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
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID), bearer(session)) // not a token for an API
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID), "Cookie: "+ada.cookie)
	wrong := exec.CommandContext(t.Context(), binary, "token", "--sub", ada.ID)
	wrong.Dir, wrong.Env = s.dir, cleanEnv()
	if text, err := wrong.CombinedOutput(); err == nil {
		t.Errorf("docket made a token beside an identity provider: %s", text)
	}

	tokens = append(tokens, rotateUnderLoad(t, idp, ada, c))
	if *torture > 0 {
		tokens = append(tokens, rotateUnderAttack(t, idp, ada, c))
	}

	s.Stop(t)
	log := s.log.String()
	private := []string{ada.ID, bob.ID, ada.name, ada.email, bob.email, session, betterAuthSecret}
	for _, token := range tokens {
		private = append(private, strings.Split(token, ".")[1:]...) // the header names no user
	}
	for _, text := range private {
		if strings.Contains(log, text) {
			t.Errorf("the log holds %q", text)
		}
	}
	if !strings.Contains(log, `"status":403`) || !strings.Contains(log, `"status":401`) || !strings.Contains(log, "BETTER_AUTH_SECRET is not used") {
		t.Error("the log lacks entries of these requests")
	}
}

// rotateUnderLoad makes the issuer use a new key while clients send requests with
// tokens of the old key and then the new one. None may fail. It returns a token of
// the new key.
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

// rotateUnderAttack is rotateUnderLoad while others send tokens of unknown keys.
// Then docket learns the new key later, but tokens of the old key are accepted
// throughout, and docket fetches the keys at a limited rate.
func rotateUnderAttack(t *testing.T, idp *betterAuth, user account, c client) string {
	began, fetched := time.Now(), idp.Fetches()
	old := user.Token()
	load := startLoad(t, c, tasksPath(user.ID), 2, func(int) string { return old })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var attack sync.WaitGroup
	var refused, unknown atomic.Int64
	for worker := range 2 {
		attack.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				a, err := c.do(ctx, http.MethodGet, tasksPath(user.ID), "", bearer(withKey(old, fmt.Sprintf("bogus-%d-%d", worker, n))))
				switch {
				case err != nil:
				case a.Status == http.StatusUnauthorized: // docket has fetched the keys for it
					unknown.Add(1)
				case a.Status != http.StatusServiceUnavailable: // docket may not fetch them again yet
					t.Errorf("a token of no key: %d %s", a.Status, a.Body)
				}
				refused.Add(1)
			}
		})
	}
	eventually(t, "bogus tokens are refused", func() bool { return refused.Load() > 100 })
	idp.Rotate()
	token, rotated := user.Token(), time.Now()
	eventually(t, "the new key is known", func() bool {
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
	if n := unknown.Load(); n > 2*int64(fetches) { // a fetch answers one request of each worker
		t.Errorf("%d tokens were called invalid after %d fetches", n, fetches)
	}
	t.Logf("%d bogus tokens, %d fetches; the new key was known after %s; %d requests meanwhile, none failed", refused.Load(), fetches, waited, served)
	return token
}

// TestBetterAuthStops stops the issuer. A docket that knows its keys accepts tokens
// that it has not seen before. One that starts later learns the keys when the
// issuer runs again.
func TestBetterAuthStops(t *testing.T) {
	t.Parallel()
	idps, err := startBetterAuths("http://localhost:{port}")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := idps.stop(); err != nil {
			t.Errorf("Better Auth: %v\n%s", err, &idps.output)
		}
	})
	idp := idps.use(t, 0)
	ada, bob := idp.SignUp("Ada", "ada@example.com"), idp.SignUp("Bob", "bob@example.com")
	s := besideBetterAuth(t, idps.urls[0])
	s.Start(t)
	c := newClient(t, s.URL, 1)
	awaitReady(t, c)
	token := ada.Token()
	if err := idps.stop(); err != nil {
		t.Fatalf("Better Auth: %v\n%s", err, &idps.output)
	}

	c.expect(t, 503, http.MethodGet, tasksPath(ada.ID), bearer(withKey(token, "unknown"))) // it may be a new key
	eventually(t, "the log says that docket could not fetch the unknown key", func() bool {
		return strings.Contains(s.log.String(), "keys could not be fetched") // the log may be later than the answer
	})
	c.expect(t, 200, http.MethodGet, tasksPath(ada.ID), bearer(token))
	c.expect(t, 403, http.MethodGet, tasksPath(bob.ID), bearer(token))
	c.expect(t, 200, http.MethodGet, "/readyz")

	later := besideBetterAuth(t, idps.urls[0])
	later.Start(t)
	c = newClient(t, later.URL, 1)
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID)) // needs no key
	c.expect(t, 503, http.MethodGet, "/readyz")
	c.expect(t, 200, http.MethodGet, "/healthz")
	if a := c.expect(t, 503, http.MethodGet, tasksPath(ada.ID), bearer(token)); a.Header.Get("Retry-After") == "" {
		t.Error("the answer does not say when to try again")
	}
	if idps, err = startBetterAuths(idps.urls[0]); err != nil {
		t.Fatal(err)
	}
	new := idps.use(t, 0).SignUp("Ada", "ada@example.com")
	eventually(t, "tokens are accepted", func() bool {
		a, err := c.do(t.Context(), http.MethodGet, tasksPath(new.ID), "", bearer(new.Token()))
		return err == nil && a.Status == http.StatusOK
	})
	c.expect(t, 401, http.MethodGet, tasksPath(ada.ID), bearer(token)) // its key does not exist any more
}

// TestBetterAuthURL starts docket with every form of BETTER_AUTH_URL that Better
// Auth accepts. docket derives from it where the keys are and what tokens name as
// their issuer, as Better Auth does.
func TestBetterAuthURL(t *testing.T) {
	alongside(t)
	for n, form := range betterAuthURLs[1:] {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			idp, address := useBetterAuth(t, n+1)
			s := besideBetterAuth(t, address)
			user := idp.SignUp("Ada", "ada@example.com")
			s.Start(t)
			newClient(t, s.URL, 1).expect(t, 200, http.MethodGet, tasksPath(user.ID), bearer(user.Token()))
		})
	}
}

// TestBetterAuthAndNone sets AUTH=none beside an identity provider. docket refuses
// to serve.
func TestBetterAuthAndNone(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"BETTER_AUTH_URL=http://localhost:3000", "BETTER_AUTH_SECRET=" + betterAuthSecret} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
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
