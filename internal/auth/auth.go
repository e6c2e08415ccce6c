// Package auth verifies bearer tokens and API keys, and returns the user that each
// names, with what it allows.
//
// go-jose verifies signatures. claims.go has the rules for headers and claims,
// keys.go the cache of an identity provider's keys, apikey.go that of API keys.
package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"docket"
	"docket/internal/secret"
)

// MinSecret is the minimum length of a shared secret in bytes: the size of the
// hash that HS256 uses (RFC 7518, section 3.2).
const MinSecret = 32

// maxToken is the maximum length of a token in bytes.
const maxToken = 8 << 10

// Options configure a Verifier. There is one source of keys: Secrets, JWKSURL,
// or OpenID discovery at Issuer.
type Options struct {
	Secrets  []secret.Text // for HS256; the first one signs, all of them verify; each has at least MinSecret bytes
	JWKSURL  string        // URL of a JSON Web Key Set (RFC 7517)
	Issuer   string        // when set, the claim iss must equal it; when it is the only source, discovery starts here
	Audience string        // when set, the claim aud must equal or contain it

	APIKeys APIKeyStore // nil: API keys are refused

	Now       func() time.Time  // nil: time.Now
	Transport http.RoundTripper // nil: http.DefaultTransport
	Log       *slog.Logger      // nil discards
}

// Identity is the result of a valid token or API key.
type Identity struct {
	Subject docket.UserID
	Scopes  docket.Scopes
	Key     uuid.UUID // of an API key; uuid.Nil of a token
	// ValidUntil is when a token expires, and when an API key has to be verified again.
	ValidUntil time.Time
}

// Verifier verifies tokens and API keys. It is safe for concurrent use.
type Verifier struct {
	keys       keys
	algorithms []jose.SignatureAlgorithm
	issuer     string
	audience   string
	now        func() time.Time
	recent     *recent
	apiKeys    *apiKeys // nil: they are refused
}

// keys supplies the keys that tokens are verified with.
type keys interface {
	// find returns the keys that may have signed a token with this algorithm and
	// key id ("" when the token has none). An error of kind docket.Unavailable
	// means that keys cannot be fetched now; any other error says why none fits.
	find(ctx context.Context, algorithm jose.SignatureAlgorithm, id string) ([]any, error)
	// generation changes whenever a key is added or removed.
	generation() uint64
	run(ctx context.Context)
	ready() error
}

// New returns a Verifier. Run must be running while Verify is called.
func New(o Options) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the clock when none is injected
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{issuer: o.Issuer, audience: o.Audience, now: o.Now, recent: newRecent(maxRecent)}
	if o.APIKeys != nil {
		v.apiKeys = newAPIKeys(o)
	}
	if len(o.Secrets) > 0 {
		if o.JWKSURL != "" {
			return nil, errors.New("auth: a shared secret and a key set exclude each other")
		}
		v.algorithms = []jose.SignatureAlgorithm{jose.HS256}
		var list shared
		for _, s := range o.Secrets {
			if len(s.Reveal()) < MinSecret {
				return nil, fmt.Errorf("auth: a shared secret has fewer than %d bytes", MinSecret)
			}
			list = append(list, []byte(s.Reveal()))
		}
		v.keys = list
		return v, nil
	}
	remote, err := newRemote(o)
	if err != nil {
		return nil, err
	}
	v.keys = remote
	v.algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.ES384, jose.RS256, jose.PS256}
	return v, nil
}

// Run refreshes the keys, and notes the uses of API keys, until ctx ends. It returns when
// its work has ended.
func (v *Verifier) Run(ctx context.Context) {
	var workers sync.WaitGroup
	if v.apiKeys != nil {
		workers.Go(func() { v.apiKeys.run(ctx) })
	}
	v.keys.run(ctx)
	workers.Wait()
}

// Ready returns nil when tokens can be verified, otherwise an error of kind
// docket.Unavailable.
func (v *Verifier) Ready() error { return v.keys.ready() }

// Verify returns the identity of a valid token. An error of kind
// docket.Unavailable means that the token could not be checked because keys are
// missing. Any other error says what is wrong with the token. It is meant for
// the log and contains no part of the token.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	now := v.now()
	hash := hashOf(token)
	if id, ok := v.recent.get(hash, v.keys.generation(), now); ok {
		return id, nil
	}
	header, err := inspect(token)
	if err != nil {
		return Identity{}, err
	}
	signed, err := jose.ParseSignedCompact(token, v.algorithms)
	if err != nil {
		return Identity{}, errors.New("the token is malformed, or its algorithm is not accepted")
	}
	generation := v.keys.generation()
	candidates, err := v.keys.find(ctx, jose.SignatureAlgorithm(header.Algorithm), header.KeyID)
	if err != nil {
		return Identity{}, err
	}
	payload, err := verifyAny(signed, candidates)
	if err != nil {
		return Identity{}, err
	}
	id, err := v.identity(payload, now)
	if err == nil {
		v.recent.put(hash, generation, id, now)
	}
	return id, err
}

// VerifyAPIKey returns the identity of a valid API key. The error is an InvalidKey, or of
// a kind that docket.Store names: the key could not be checked.
//
// It asks the store about a key at most once in 30 s, and not at all about many keys that
// do not exist: ErrStrangers.
func (v *Verifier) VerifyAPIKey(ctx context.Context, p docket.PresentedAPIKey) (Identity, error) {
	if v.apiKeys == nil {
		return Identity{}, errUnaskedKeys
	}
	return v.apiKeys.verify(ctx, p)
}

// Now returns the time by which ValidUntil is meant.
func (v *Verifier) Now() time.Time { return v.now() }

// APIKeysEnded has the owner's API keys looked up again before they are next accepted.
func (v *Verifier) APIKeysEnded(owner docket.UserID) {
	if v.apiKeys != nil {
		v.apiKeys.forget(owner)
	}
}

// APIKeyStats returns the figures about API keys; nil when they are refused.
func (v *Verifier) APIKeyStats() *Stats {
	if v.apiKeys == nil {
		return nil
	}
	return &v.apiKeys.stats
}

func verifyAny(signed *jose.JSONWebSignature, candidates []any) ([]byte, error) {
	for _, key := range candidates {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("the signature is wrong")
}

// inspect checks the encoding of a token and returns its header.
func inspect(token string) (header, error) {
	switch {
	case len(token) > maxToken:
		return header{}, fmt.Errorf("the token is longer than %d bytes", maxToken)
	case strings.Count(token, ".") != 2:
		return header{}, errors.New("the token does not have three parts")
	}
	parts := strings.Split(token, ".")
	for _, part := range parts {
		// Strict, so that each token has exactly one encoding.
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return header{}, errors.New("a part of the token is not base64url")
		}
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return header{}, err
	}
	return parseHeader(text)
}

// shared is a fixed list of shared secrets.
type shared [][]byte

func (s shared) find(context.Context, jose.SignatureAlgorithm, string) ([]any, error) {
	list := make([]any, len(s))
	for i, key := range s {
		list[i] = key
	}
	return list, nil
}

func (shared) generation() uint64 { return 0 }

func (shared) run(ctx context.Context) { <-ctx.Done() }

func (shared) ready() error { return nil }
