package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"docket"
)

// apiKey returns a new key of owner that has not been stored.
func (f *fixture) apiKey(owner docket.UserID, name string) docket.APIKey {
	return docket.APIKey{
		ID: newID(), Owner: owner, Name: name, Scopes: docket.ReadTasks, Hash: [32]byte{1, byte(len(name))}, CreatedAt: f.tick(),
	}
}

func (f *fixture) keep(key docket.APIKey) docket.APIKey {
	f.Helper()
	f.ok(f.store.CreateAPIKey(f.ctx, key, 7))
	return key
}

func (f *fixture) apiKeys(owner docket.UserID) []docket.APIKey {
	f.Helper()
	keys, err := f.store.APIKeys(f.ctx, owner)
	f.ok(err)
	return keys
}

func (f *fixture) findAPIKey(owner docket.UserID, id uuid.UUID) docket.APIKey {
	f.Helper()
	key, err := f.store.FindAPIKey(f.ctx, owner, id)
	f.ok(err)
	return key
}

// noAPIKey checks that no method of the store knows the key.
func (f *fixture) noAPIKey(owner docket.UserID, id uuid.UUID) {
	f.Helper()
	_, err := f.store.FindAPIKey(f.ctx, owner, id)
	f.fails(err, docket.APIKeyNotFound)
	f.fails(f.store.RevokeAPIKey(f.ctx, owner, id), docket.APIKeyNotFound)
	f.ok(f.store.MarkAPIKeyUsed(f.ctx, owner, id, f.now.Truncate(24*time.Hour)))
	for _, key := range f.apiKeys(owner) {
		if key.ID == id {
			f.Fatalf("API key %s is listed", id)
		}
	}
}

func testAPIKeys(t *testing.T, f *fixture) {
	f.equal(f.apiKeys("alice"), []docket.APIKey{})
	plain := f.keep(f.apiKey("alice", "plain"))
	full := f.apiKey("alice", strings.Repeat("😀", docket.MaxAPIKeyName))
	full.Scopes, full.ExpiresAt, full.UsedOn = docket.AllScopes, f.now.Add(time.Hour), f.now.Truncate(24*time.Hour)
	for i := range full.Hash {
		full.Hash[i] = byte(255 - i)
	}
	f.keep(full)
	his := f.keep(f.apiKey("bob", "'; -- \u2028"))
	his.ID = plain.ID // ids of two owners may be equal
	f.keep(his)

	f.equal(f.apiKeys("alice"), []docket.APIKey{plain, full})
	f.equal(len(f.apiKeys("bob")), 2)
	f.equal(f.findAPIKey("alice", full.ID), full)
	f.equal(f.findAPIKey("alice", plain.ID), plain)
	f.equal(f.findAPIKey("bob", plain.ID), his)
	f.noAPIKey("bob", full.ID)
	f.noAPIKey("Alice", plain.ID)
	f.noAPIKey("carol", plain.ID)

	f.ok(f.store.RevokeAPIKey(f.ctx, "alice", plain.ID))
	f.noAPIKey("alice", plain.ID)
	f.equal(f.apiKeys("alice"), []docket.APIKey{full})
	f.equal(f.findAPIKey("bob", plain.ID), his)
}

// testAPIKeyUse marks days of use, of which the latest stays.
func testAPIKeyUse(t *testing.T, f *fixture) {
	key := f.keep(f.apiKey("alice", "key"))
	other := f.keep(f.apiKey("alice", "other"))
	today := f.now.Truncate(24 * time.Hour)
	for _, step := range []struct{ day, want time.Time }{
		{today, today}, {today, today}, {today.AddDate(0, 0, -1), today}, {today.AddDate(0, 0, 1), today.AddDate(0, 0, 1)},
	} {
		f.ok(f.store.MarkAPIKeyUsed(f.ctx, "alice", key.ID, step.day))
		key.UsedOn = step.want
		f.equal(f.apiKeys("alice"), []docket.APIKey{key, other})
	}
}

// testAPIKeyBound fills an owner's keys, one after another and at once. Those that have
// expired give way.
func testAPIKeyBound(t *testing.T, f *fixture) {
	f.keep(f.apiKey("bob", "his"))
	expiring := f.apiKey("alice", "expiring")
	expiring.ExpiresAt = f.now.Add(time.Minute)
	f.keep(expiring)
	for len(f.apiKeys("alice")) < docket.MaxAPIKeys-5 {
		f.keep(f.apiKey("alice", "key"))
	}
	drafts, errs := make([]docket.APIKey, 16), make([]error, 16)
	for i := range drafts {
		drafts[i] = f.apiKey("alice", "at once")
	}
	together(len(drafts), func(i int) { errs[i] = f.store.CreateAPIKey(f.ctx, drafts[i], 7) })
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		f.fails(err, docket.KeptFull)
		if e, _ := errors.AsType[*docket.Error](err); e.Limit != docket.MaxAPIKeys {
			t.Errorf("the limit is %d", e.Limit)
		}
	}
	f.equal([]int{made, len(f.apiKeys("alice"))}, []int{5, docket.MaxAPIKeys})

	f.now = expiring.ExpiresAt.Add(-2 * time.Microsecond)
	f.fails(f.store.CreateAPIKey(f.ctx, f.apiKey("alice", "early"), 7), docket.KeptFull)
	f.keep(f.apiKey("alice", "late"))
	f.noAPIKey("alice", expiring.ID)
	f.equal(len(f.apiKeys("alice")), docket.MaxAPIKeys)
	f.equal(len(f.apiKeys("bob")), 1)
}

// testAPIKeysAndHistory has keys beside tasks: they begin a history, change nothing in
// one, and end with the first step of an erasure.
func testAPIKeysAndHistory(t *testing.T, f *fixture) {
	key := f.keep(f.apiKey("alice", "key"))
	states, err := f.store.Counters(f.ctx, []docket.UserID{"alice"})
	f.ok(err)
	f.equal(states["alice"], docket.State{Epoch: 7})
	for range 3 {
		f.create("alice", "task")
	}
	f.keep(f.apiKey("alice", "another"))
	f.ok(f.store.RevokeAPIKey(f.ctx, "alice", key.ID))
	states, err = f.store.Counters(f.ctx, []docket.UserID{"alice"})
	f.ok(err)
	f.equal(states["alice"], docket.State{Epoch: 7, Counter: 3})
	f.keep(f.apiKey("bob", "his"))

	if done, err := f.store.Erase(f.ctx, "alice", 8, 2); err != nil || done {
		t.Errorf("the first step returned %v, %v", done, err)
	}
	f.equal(f.apiKeys("alice"), []docket.APIKey{})
	f.keep(f.apiKey("alice", "meanwhile"))
	for done := false; !done; {
		done, err = f.store.Erase(f.ctx, "alice", 9, 2)
		f.ok(err)
	}
	f.equal(f.apiKeys("alice"), []docket.APIKey{})
	f.equal(len(f.apiKeys("bob")), 1)
	states, err = f.store.Counters(f.ctx, []docket.UserID{"alice"})
	f.ok(err)
	f.equal(len(states), 0)

	f.keep(f.apiKey("carol", "of nobody with tasks"))
	if done, err := f.store.Erase(f.ctx, "carol", 8, 2); err != nil || !done {
		t.Errorf("the erasure of keys alone returned %v, %v", done, err)
	}
	f.equal(f.apiKeys("carol"), []docket.APIKey{})
}
