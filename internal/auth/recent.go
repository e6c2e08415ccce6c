package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	maxRecent = 10_000           // tokens in the cache
	recentFor = 60 * time.Second // lifetime of an entry; shorter when the token expires earlier
)

// recent caches valid tokens by their hashes, so that the signature of a token
// is verified once a minute instead of once a request.
type recent struct {
	mu     sync.Mutex
	tokens cache[[sha256.Size]byte, remembered]
}

type remembered struct {
	id         Identity
	generation uint64 // of the keys
	until      time.Time
}

func hashOf(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

func newRecent(most int) *recent {
	return &recent{tokens: newCache[[sha256.Size]byte, remembered](most)}
}

// get returns the identity of a token that was valid with this generation of keys.
func (r *recent) get(hash [sha256.Size]byte, generation uint64, now time.Time) (Identity, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.tokens.get(hash)
	return found.id, ok && found.generation == generation && now.Before(found.until)
}

func (r *recent) put(hash [sha256.Size]byte, generation uint64, id Identity, now time.Time) {
	until := now.Add(recentFor)
	if id.ValidUntil.Before(until) {
		until = id.ValidUntil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens.put(hash, remembered{id, generation, until})
}
