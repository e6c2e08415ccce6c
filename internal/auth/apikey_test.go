package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
	"docket/internal/secret"
)

// keyring is an APIKeyStore in memory that counts what is asked of it.
type keyring struct {
	mu     sync.Mutex
	keys   map[uuid.UUID]docket.APIKey
	finds  int
	marks  []string // key and day of each
	err    error
	onFind func() // called before a find returns
}

func (k *keyring) FindAPIKey(_ context.Context, owner docket.UserID, id uuid.UUID) (docket.APIKey, error) {
	k.mu.Lock()
	k.finds++
	key, found := k.keys[id]
	err, onFind := k.err, k.onFind
	k.mu.Unlock()
	if onFind != nil {
		onFind()
	}
	switch {
	case err != nil:
		return docket.APIKey{}, err
	case !found || key.Owner != owner:
		return docket.APIKey{}, docket.NoSuchAPIKey()
	}
	return key, nil
}

func (k *keyring) MarkAPIKeyUsed(_ context.Context, _ docket.UserID, id uuid.UUID, day time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	k.marks = append(k.marks, id.String()+" "+day.Format(time.RFC3339))
	key := k.keys[id]
	key.UsedOn = day
	k.keys[id] = key
	return nil
}

// found returns how often a key was looked up since the last call.
func (k *keyring) found() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.finds
	k.finds = 0
	return n
}

func (k *keyring) revoke(id uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, id)
}

// issue makes a key, and what a client presents of it.
func (k *keyring) issue(t *testing.T, owner docket.UserID, n docket.NewAPIKey) docket.PresentedAPIKey {
	t.Helper()
	n.Name = "key"
	key, text, err := docket.IssueAPIKey(owner, n, present, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key.ID] = key
	p, ok := docket.ParseAPIKey(text)
	if !ok {
		t.Fatal("the key is not read")
	}
	return p
}

// withKeys returns a Verifier of API keys, its store and its clock.
func withKeys(t *testing.T) (*Verifier, *keyring, *clock) {
	t.Helper()
	c, k := &clock{}, &keyring{keys: map[uuid.UUID]docket.APIKey{}}
	v, err := New(Options{Secrets: []secret.Text{secret.New(strings.Repeat("s", 32))}, Now: c.now, APIKeys: k})
	if err != nil {
		t.Fatal(err)
	}
	return v, k, c
}

var readOnly = docket.NewAPIKey{Scopes: docket.ReadTasks}

// bogus returns a key that does not exist.
func bogus(n int) docket.PresentedAPIKey {
	return docket.PresentedAPIKey{Owner: docket.UserID(fmt.Sprint("user ", n)), ID: uuid.Must(uuid.NewV7())}
}

// TestAPIKeyIsBelievedFor30Seconds counts look-ups, and revokes a key as another
// instance does and as this one does.
func TestAPIKeyIsBelievedFor30Seconds(t *testing.T) {
	v, k, c := withKeys(t)
	p := k.issue(t, "alice", docket.NewAPIKey{Scopes: docket.ReadTasks | docket.ManageKeys})
	for n := range 3 {
		id, err := v.VerifyAPIKey(t.Context(), p)
		want := Identity{Subject: "alice", Scopes: docket.ReadTasks | docket.ManageKeys, Key: p.ID, ValidUntil: present.Add(apiKeyFor)}
		if err != nil || id != want {
			t.Errorf("use %d: %+v, %v", n, id, err)
		}
	}
	if n := k.found(); n != 1 {
		t.Errorf("three uses caused %d look-ups", n)
	}
	k.revoke(p.ID)
	c.Store(int64(apiKeyFor - 1))
	if _, err := v.VerifyAPIKey(t.Context(), p); err != nil || k.found() != 0 {
		t.Errorf("within 30 s of its look-up: %v", err)
	}
	c.Store(int64(apiKeyFor))
	for range 3 {
		if _, err := v.VerifyAPIKey(t.Context(), p); !errors.Is(err, errUnknownKey) {
			t.Errorf("revoked 30 s ago, the key is %v", err)
		}
	}
	if n := k.found(); n != 1 {
		t.Errorf("three uses of a revoked key caused %d look-ups", n)
	}

	here, other := k.issue(t, "alice", readOnly), k.issue(t, "bob", readOnly)
	for _, p := range []docket.PresentedAPIKey{here, other} {
		if _, err := v.VerifyAPIKey(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
	k.revoke(here.ID)
	v.APIKeysEnded("alice")
	if _, err := v.VerifyAPIKey(t.Context(), here); !errors.Is(err, errUnknownKey) {
		t.Errorf("revoked here, the key is %v", err)
	}
	k.found()
	if _, err := v.VerifyAPIKey(t.Context(), other); err != nil || k.found() != 0 {
		t.Errorf("the key of another user: %v", err)
	}
}

// TestAPIKeyRevokedDuringItsLookUp has the store answer with a key that is revoked before
// the answer arrives. The answer is not kept.
func TestAPIKeyRevokedDuringItsLookUp(t *testing.T) {
	v, k, _ := withKeys(t)
	p := k.issue(t, "alice", readOnly)
	k.onFind = func() {
		k.revoke(p.ID)
		v.APIKeysEnded("alice")
	}
	if _, err := v.VerifyAPIKey(t.Context(), p); err != nil {
		t.Errorf("a request beside the revocation: %v", err)
	}
	k.onFind = nil
	if _, err := v.VerifyAPIKey(t.Context(), p); !errors.Is(err, errUnknownKey) {
		t.Errorf("after the revocation: %v", err)
	}
}

func TestAPIKeysThatAreRefused(t *testing.T) {
	v, k, c := withKeys(t)
	good := k.issue(t, "alice", docket.NewAPIKey{Scopes: docket.ReadTasks, ExpiresAt: present.Add(time.Minute)})
	secret, user, id := good, good, good
	secret.Hash[31] ^= 1
	user.Owner = "bob"
	id.ID[15] ^= 1
	for name, p := range map[string]docket.PresentedAPIKey{"another secret": secret, "another user": user, "another id": id} {
		for range 2 {
			if _, err := v.VerifyAPIKey(t.Context(), p); !errors.Is(err, errUnknownKey) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	k.found()
	if _, err := v.VerifyAPIKey(t.Context(), good); err != nil || k.found() != 0 {
		t.Errorf("the key, after its look-up with another secret: %v", err)
	}
	c.Store(int64(45 * time.Second))
	if id, err := v.VerifyAPIKey(t.Context(), good); err != nil || !id.ValidUntil.Equal(present.Add(time.Minute)) {
		t.Errorf("before its expiry: %+v, %v", id, err)
	}
	c.Store(int64(time.Minute))
	if _, err := v.VerifyAPIKey(t.Context(), good); !errors.Is(err, errExpiredKey) {
		t.Errorf("expired: %v", err)
	}
	broken := &docket.Error{Kind: docket.Unavailable}
	k.err = broken
	if _, err := v.VerifyAPIKey(t.Context(), bogus(1)); !errors.Is(err, broken) {
		t.Errorf("while the store is down: %v", err)
	}
	without := verifierOf(t, strings.Repeat("s", 32))
	if _, err := without.VerifyAPIKey(t.Context(), good); !errors.Is(err, errUnaskedKeys) {
		t.Errorf("without a store: %v", err)
	}
	without.APIKeysEnded("alice")
}

// TestStrangersBurdenTheStoreLittle floods a Verifier with keys that do not exist. Those
// who proved theirs go on, and so does one that is new as soon as there is room.
func TestStrangersBurdenTheStoreLittle(t *testing.T) {
	v, k, c := withKeys(t)
	known := k.issue(t, "alice", readOnly)
	if _, err := v.VerifyAPIKey(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	k.found()
	limited := 0
	for second := range 100 {
		c.Store(int64(second) * int64(time.Second))
		for n := range 1000 {
			switch _, err := v.VerifyAPIKey(t.Context(), bogus(n)); {
			case errors.Is(err, ErrStrangers):
				limited++
			case !errors.Is(err, errUnknownKey):
				t.Fatal(err)
			}
		}
		if _, err := v.VerifyAPIKey(t.Context(), known); err != nil {
			t.Fatalf("a known key in second %d: %v", second, err)
		}
	}
	// Those of the flood, and those of the known key each 30 s.
	if n := k.found(); n != strangerBurst+99*strangerRate+3 {
		t.Errorf("100,000 bogus keys caused %d look-ups", n)
	}
	if stats := v.APIKeyStats(); stats.Limited.Load() != int64(limited) || stats.Unknown.Load() != strangerBurst+99*strangerRate {
		t.Errorf("counted are %d limited and %d unknown", stats.Limited.Load(), stats.Unknown.Load())
	}
	fresh := k.issue(t, "carol", readOnly)
	if _, err := v.VerifyAPIKey(t.Context(), fresh); !errors.Is(err, ErrStrangers) {
		t.Errorf("a new key in the flood: %v", err)
	}
	c.Store(int64(100 * time.Second))
	for n := range 1000 { // valid keys do not use up the budget
		if _, err := v.VerifyAPIKey(t.Context(), k.issue(t, "carol", readOnly)); err != nil {
			t.Fatalf("new key %d after the flood: %v", n, err)
		}
	}
	if n := len(v.apiKeys.answers.young) + len(v.apiKeys.answers.old); n > maxAPIKeys {
		t.Errorf("%d answers are kept", n)
	}
}

// TestLastUseIsWrittenOnceADay uses keys for two days while the uses are written.
func TestLastUseIsWrittenOnceADay(t *testing.T) {
	v, k, c := withKeys(t)
	a, b := k.issue(t, "alice", readOnly), k.issue(t, "bob", readOnly)
	ctx, end := context.WithCancel(t.Context())
	var worker sync.WaitGroup
	worker.Go(func() { v.Run(ctx) })
	used := map[time.Time]bool{}
	for hour := range 48 {
		c.Store(int64(hour) * int64(time.Hour))
		used[c.now().Truncate(24*time.Hour)] = true
		for range 3 {
			for _, p := range []docket.PresentedAPIKey{a, b} {
				if _, err := v.VerifyAPIKey(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
		}
		eventually(t, func() bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return len(k.marks) >= 2*len(used)
		})
	}
	end()
	worker.Wait()
	days := map[string]int{}
	for _, mark := range k.marks {
		days[mark]++
	}
	for _, p := range []docket.PresentedAPIKey{a, b} {
		for _, day := range []string{"2026-01-31", "2026-02-01", "2026-02-02"} {
			if n := days[fmt.Sprintf("%s %sT00:00:00Z", p.ID, day)]; n != 1 {
				t.Errorf("the use of %s on %s was written %d times", p.ID, day, n)
			}
		}
	}
	if len(k.marks) != 6 {
		t.Errorf("written were %v", k.marks)
	}
}

// TestFullQueueOfUsesHoldsUpNobody uses more keys than uses may wait, with no worker.
func TestFullQueueOfUsesHoldsUpNobody(t *testing.T) {
	v, k, c := withKeys(t)
	for range maxMarks + 10 {
		if _, err := v.VerifyAPIKey(t.Context(), k.issue(t, "alice", readOnly)); err != nil {
			t.Fatal(err)
		}
		c.Add(int64(time.Second))
	}
	if n := len(v.apiKeys.marks); n != maxMarks {
		t.Errorf("%d uses wait", n)
	}
}

func TestScopesOfTokens(t *testing.T) {
	v := verifierOf(t, strings.Repeat("s", 32))
	for claims, want := range map[string]docket.Scopes{
		``:             docket.AllScopes,
		`"scope":""`:   docket.AllScopes,
		`"scope":null`: docket.AllScopes,
		`"scope":"openid tasks email","scp":["profile"]`:          docket.AllScopes,
		`"scope":"Tasks:read tasks:* tasks:readers"`:              docket.AllScopes,
		`"scope":5,"scp":{"tasks:read":true}`:                     docket.AllScopes,
		`"scope":"tasks:read"`:                                    docket.ReadTasks,
		`"scope":"openid tasks:write"`:                            docket.WriteTasks,
		`"scp":["user:erase","x"]`:                                docket.EraseUser,
		`"scp":["keys:manage",5,null]`:                            docket.ManageKeys,
		`"scp":"tasks:read tasks:write"`:                          docket.ReadTasks | docket.WriteTasks,
		`"scope":["tasks:read"]`:                                  docket.ReadTasks,
		`"scope":"tasks:read","scp":["keys:manage"]`:              docket.ReadTasks | docket.ManageKeys,
		`"scope":"openid","scp":["tasks:read"]`:                   docket.ReadTasks,
		`"scope":"tasks:read tasks:write user:erase keys:manage"`: docket.AllScopes,
	} {
		payload := strings.TrimSuffix(good("alice"), "}")
		if claims != "" {
			payload += "," + claims
		}
		id, err := v.identity([]byte(payload+"}"), present)
		if err != nil || id.Scopes != want {
			t.Errorf("%s: %q, %v", claims, id.Scopes, err)
		}
	}
}
