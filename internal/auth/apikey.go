package auth

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"docket"
)

// APIKeyStore is the part of a docket.Store that a Verifier uses.
type APIKeyStore interface {
	FindAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) (docket.APIKey, error)
	MarkAPIKeyUsed(ctx context.Context, owner docket.UserID, id uuid.UUID, day time.Time) error
}

const (
	maxAPIKeys = 10_000 // answers of the store in the cache
	// apiKeyFor is how long an answer of the store is believed, hence how long a key is
	// accepted after another instance has revoked it.
	apiKeyFor = 30 * time.Second

	// Keys that this instance did not accept before cause at most strangerBurst look-ups
	// at once, and strangerRate a second after that. The look-up of a key that turns out
	// to be valid does not count. A stranger can make up any number of keys; the burst is
	// that of all requests that a server works on at a time.
	strangerBurst = 256
	strangerRate  = 50

	maxMarks    = 256 // days of use that wait to be written
	markTimeout = 5 * time.Second
)

// InvalidKey is the error of an API key that is not accepted. It is a sentence that is
// safe to show, and says nothing that a stranger may not know.
type InvalidKey string //nolint:errname // as a sentence, not as a failure

func (e InvalidKey) Error() string { return string(e) }

const (
	errUnknownKey  InvalidKey = "There is no such API key, or it was revoked."
	errExpiredKey  InvalidKey = "The API key has expired."
	errUnaskedKeys InvalidKey = "This server takes no API keys."
	// MalformedKey is the error of a text that begins like an API key and is none.
	MalformedKey InvalidKey = "The API key is malformed: it was cut or changed on its way." //nolint:errname // as InvalidKey
)

// ErrStrangers is the error of a key that is not looked up because strangers have sent
// too many that do not exist.
var ErrStrangers = &docket.Error{Kind: docket.Unavailable, Detail: "Too many API keys that do not exist were sent to this server, so it cannot check this one right now. Try again shortly."}

// apiKeys verifies API keys. It believes an answer of the store for apiKeyFor.
type apiKeys struct {
	store APIKeyStore
	now   func() time.Time
	log   *slog.Logger
	marks chan mark
	stats Stats

	mu        sync.Mutex
	answers   cache[keyName, *answer]
	ended     uint64 // how often keys were said to have ended
	strangers budget
}

// keyName is what an API key says that it is.
type keyName struct {
	owner docket.UserID
	id    uuid.UUID
}

// answer is what the store answered about a key. The lock of apiKeys guards it.
type answer struct {
	key   docket.APIKey
	found bool
	until time.Time // when it is no longer believed
}

// proves reports whether who presents p has the secret of the key.
func (a *answer) proves(p docket.PresentedAPIKey) bool {
	return a != nil && a.found && subtle.ConstantTimeCompare(a.key.Hash[:], p.Hash[:]) == 1
}

// mark is a day on which a key was used.
type mark struct {
	keyName
	day time.Time
}

func newAPIKeys(o Options) *apiKeys {
	return &apiKeys{
		store: o.APIKeys, now: o.Now, log: o.Log, marks: make(chan mark, maxMarks),
		answers: newCache[keyName, *answer](maxAPIKeys), strangers: budget{tokens: strangerBurst},
	}
}

// verify returns the identity of a key. The error is an InvalidKey, or that of the store.
func (k *apiKeys) verify(ctx context.Context, p docket.PresentedAPIKey) (Identity, error) {
	now := k.now()
	a, ended := k.believed(p)
	if a == nil || !now.Before(a.until) {
		var err error
		if a, err = k.lookUp(ctx, p, a.proves(p), ended, now); err != nil {
			return Identity{}, err
		}
	}
	switch {
	case !a.proves(p):
		return Identity{}, errUnknownKey
	case a.key.ExpiredAt(now):
		return Identity{}, errExpiredKey
	}
	k.use(a, now)
	id := Identity{Subject: p.Owner, Scopes: a.key.Scopes, Key: p.ID, ValidUntil: a.until}
	if expires := a.key.ExpiresAt; !expires.IsZero() && expires.Before(id.ValidUntil) {
		id.ValidUntil = expires
	}
	return id, nil
}

// believed returns the last answer about a key, nil when there is none, and how often
// keys had ended by then.
func (k *apiKeys) believed(p docket.PresentedAPIKey) (a *answer, ended uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, _ = k.answers.get(keyName{p.Owner, p.ID})
	return a, k.ended
}

// lookUp asks the store about a key. Who has proved the key before is no stranger. The
// answer is kept unless keys have ended since the count ended was read: it may be from
// before that.
func (k *apiKeys) lookUp(ctx context.Context, p docket.PresentedAPIKey, proved bool, ended uint64, now time.Time) (*answer, error) {
	if !proved && !k.admit(now) {
		k.stats.Limited.Add(1)
		return nil, ErrStrangers
	}
	k.stats.LookUps.Add(1)
	a := &answer{found: true, until: now.Add(apiKeyFor)}
	var err error
	a.key, err = k.store.FindAPIKey(ctx, p.Owner, p.ID)
	if docket.KindOf(err) == docket.APIKeyNotFound {
		a.found, err = false, nil
	}
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch valid := a.proves(p); {
	case !valid:
		k.stats.Unknown.Add(1)
	case !proved:
		k.strangers.giveBack()
	}
	if k.ended == ended {
		k.answers.put(keyName{p.Owner, p.ID}, a)
	}
	return a, nil
}

func (k *apiKeys) admit(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.strangers.take(now)
}

// use has the day of a use written when the key was not used on it before. When too many
// days wait to be written, the next use tries again.
func (k *apiKeys) use(a *answer, now time.Time) {
	day := now.UTC().Truncate(24 * time.Hour)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !a.key.UsedOn.Before(day) {
		return
	}
	select {
	case k.marks <- mark{keyName{a.key.Owner, a.key.ID}, day}:
		a.key.UsedOn = day
	default:
	}
}

// run writes the days of uses until ctx ends. A day that could not be written is written
// when the key is used after its next look-up.
func (k *apiKeys) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-k.marks:
			k.write(ctx, m)
		}
	}
}

func (k *apiKeys) write(ctx context.Context, m mark) {
	ctx, cancel := context.WithTimeout(ctx, markTimeout)
	defer cancel()
	if err := k.store.MarkAPIKeyUsed(ctx, m.owner, m.id, m.day); err != nil {
		k.log.DebugContext(ctx, "the day on which an API key was used could not be written", "key", m.id, "error", err)
	}
}

// forget drops all that is known of an owner's keys.
func (k *apiKeys) forget(owner docket.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended++
	k.answers.remove(func(n keyName) bool { return n.owner == owner })
}

// budget is a bucket of up to strangerBurst tokens, which fills at strangerRate a second.
type budget struct {
	tokens float64
	at     time.Time // of the last take
}

func (b *budget) take(now time.Time) bool {
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.tokens, b.at = min(strangerBurst, b.tokens+elapsed.Seconds()*strangerRate), now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *budget) giveBack() { b.tokens = min(strangerBurst, b.tokens+1) }

// Stats counts what became of API keys since the start.
type Stats struct {
	LookUps atomic.Int64 // questions to the store
	Unknown atomic.Int64 // those whose key did not exist, or had another secret
	Limited atomic.Int64 // keys that were not looked up, because of ErrStrangers
}
