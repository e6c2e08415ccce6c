// Package auth finds out who a bearer token speaks for.
//
// Signatures are go-jose's; what is asked of a token around them, and how the
// keys of an identity provider are kept, is ours: claims.go and keys.go.
package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket"
	"docket/internal/secret"
)

// MinSecret is the fewest bytes that a shared secret may have: the size of the
// hash that it keys (RFC 7518, section 3.2).
const MinSecret = 32

// maxToken is the longest token that is looked at, in bytes.
const maxToken = 8 << 10

// Options are where the keys come from, which is one of Secrets, JWKSURL and
// discovery at Issuer, and what tokens must say.
type Options struct {
	Secrets  []secret.Text // for HS256: the current one, then those still accepted; each of at least MinSecret bytes
	JWKSURL  string        // of a JSON Web Key Set (RFC 7517)
	Issuer   string        // the claim iss must equal it when it is set; without another source of keys, its OpenID discovery names one
	Audience string        // the claim aud must be or hold it when it is set

	Now       func() time.Time  // nil: time.Now
	Transport http.RoundTripper // nil: http.DefaultTransport
	Log       *slog.Logger      // nil discards
}

// Identity is what a valid token says.
type Identity struct {
	Subject docket.UserID
	Expires time.Time
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	keys       keys
	algorithms []jose.SignatureAlgorithm
	issuer     string
	audience   string
	now        func() time.Time
	recent     *recent
}

// keys are where a Verifier finds the key of a token.
type keys interface {
	// find returns the keys that a token may be signed with. The error is a
	// reason, or of kind docket.Unavailable when there are no keys to look among.
	find(ctx context.Context, algorithm jose.SignatureAlgorithm, id string) ([]any, error)
	// generation changes whenever a key has been added or withdrawn.
	generation() uint64
	run(ctx context.Context)
	ready() error
}

// New returns a Verifier, whose Run must be running while it verifies.
func New(o Options) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the clock when none is injected
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{issuer: o.Issuer, audience: o.Audience, now: o.Now, recent: newRecent(maxRecent)}
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

// Run keeps the keys fresh until ctx ends, and returns when it has finished.
func (v *Verifier) Run(ctx context.Context) { v.keys.run(ctx) }

// Ready returns nil when tokens can be verified; else an error of kind
// docket.Unavailable.
func (v *Verifier) Ready() error { return v.keys.ready() }

// Verify returns who the token speaks for. An error of kind docket.Unavailable
// means that nothing is known of the token, for lack of keys; any other says
// what is wrong with it and is for the log: it holds nothing of the token.
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
		return Identity{}, errors.New("the token is malformed, or of an algorithm that is not accepted")
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

func verifyAny(signed *jose.JSONWebSignature, candidates []any) ([]byte, error) {
	for _, key := range candidates {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("the signature is wrong")
}

// inspect checks the outer form of a token and returns its header.
func inspect(token string) (header, error) {
	switch {
	case len(token) > maxToken:
		return header{}, fmt.Errorf("the token is longer than %d bytes", maxToken)
	case strings.Count(token, ".") != 2:
		return header{}, errors.New("the token does not have three parts")
	}
	parts := strings.Split(token, ".")
	for _, part := range parts {
		// Strict, so that no two texts are the same token.
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

// shared are secrets that both sides know.
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
