package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

const (
	fetchTimeout    = 5 * time.Second
	maxKeySet       = 1 << 20 // bytes
	maxKeys         = 50
	refreshInterval = 5 * time.Minute
	retryInterval   = 30 * time.Second // after a failed fetch, while cached keys are usable
	unknownCooldown = 30 * time.Second // minimum time between fetches caused by unknown key ids
	maxStale        = 24 * time.Hour   // how long keys are used after the last successful fetch
)

// remote caches the key set of an identity provider. One goroutine, run,
// fetches the set: periodically, and when a token names an unknown key. While
// the provider is down the last set stays in use.
type remote struct {
	issuer    string // for discovery, while url is empty
	client    *http.Client
	now       func() time.Time
	log       *slog.Logger
	requested chan struct{} // capacity 1: wakes run

	mu       sync.Mutex
	url      string
	set      []key
	fetched  time.Time // when set was fetched
	changes  uint64
	asked    time.Time     // when an unknown key last caused a fetch
	awaiting chan struct{} // closed when a requested fetch has ended; nil when none is pending
}

// key is a public key with the algorithms that it may verify.
type key struct {
	id         string
	algorithms []jose.SignatureAlgorithm
	public     any
}

func newRemote(o Options) (*remote, error) {
	source := o.JWKSURL
	if source == "" {
		source = o.Issuer
	}
	if err := CheckKeyURL(source); err != nil {
		return nil, fmt.Errorf("auth: %q %w", source, err)
	}
	return &remote{
		issuer: o.Issuer, url: o.JWKSURL, now: o.Now, log: o.Log,
		requested: make(chan struct{}, 1),
		client: &http.Client{
			Timeout:   fetchTimeout,
			Transport: o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("the response is a redirect; redirects are not followed")
			},
		},
	}, nil
}

// CheckKeyURL returns nil when keys may be fetched from a URL: over TLS, or from
// this machine. The error's text continues a sentence that begins with the name
// of the URL.
func CheckKeyURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("must be a URL such as https://auth.example.com/jwks")
	}
	ip := net.ParseIP(u.Hostname())
	local := strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("must begin with https:// (http:// is allowed for this machine only)")
	}
	return nil
}

func (r *remote) generation() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

func (r *remote) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.usable()
}

// usable returns nil when the set is not older than maxStale. The caller holds
// the lock.
func (r *remote) usable() error {
	if len(r.set) > 0 && r.now().Sub(r.fetched) < maxStale {
		return nil
	}
	return &docket.Error{
		Kind: docket.Unavailable, Err: errors.New("auth: the identity provider's keys have not been fetched"),
		Detail: "The keys of the identity provider cannot be fetched right now. Try again shortly.",
	}
}

func (r *remote) find(ctx context.Context, algorithm jose.SignatureAlgorithm, id string) ([]any, error) {
	for attempt := 0; ; attempt++ {
		found, known, err := r.lookup(algorithm, id)
		if len(found) > 0 {
			return found, nil
		}
		if known || attempt > 0 || !r.refetch(ctx) {
			return nil, err
		}
	}
}

// lookup returns the keys of the set that fit. Otherwise the error says why none
// fits, and known reports that a newer set would not help.
func (r *remote) lookup(algorithm jose.SignatureAlgorithm, id string) (found []any, known bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(); err != nil {
		return nil, false, err
	}
	for _, k := range r.set {
		if id != "" && k.id != id {
			continue
		}
		known = true
		if slices.Contains(k.algorithms, algorithm) {
			found = append(found, k.public)
		}
	}
	switch {
	case id == "" && len(found) > 1:
		return nil, true, errors.New("the token names no key (kid), and several keys fit")
	case !known:
		return nil, false, errors.New("the token names a key (kid) that the issuer does not publish")
	}
	return found, true, errors.New("the token's algorithm does not match its key")
}

// refetch requests a fetch because a key is unknown, and waits for its end. It
// returns false when ctx ends first, or when the last requested fetch was less
// than unknownCooldown ago.
func (r *remote) refetch(ctx context.Context) bool {
	r.mu.Lock()
	if r.awaiting == nil {
		if !r.asked.IsZero() && r.now().Sub(r.asked) < unknownCooldown {
			r.mu.Unlock()
			return false
		}
		r.asked, r.awaiting = r.now(), make(chan struct{})
		r.requested <- struct{}{} // never blocks: run receives it before awaiting is cleared
	}
	fetched := r.awaiting
	r.mu.Unlock()
	select {
	case <-fetched:
		return true
	case <-ctx.Done():
		return false
	}
}

// run fetches the set at once, then periodically and on request.
func (r *remote) run(ctx context.Context) {
	defer r.fetchEnded()
	backoff := time.Second
	for {
		wait := refreshInterval
		if err := r.fetch(ctx); ctx.Err() != nil {
			return
		} else if err != nil {
			r.log.Warn("the identity provider's keys could not be fetched", "error", err)
			if wait = backoff; r.ready() == nil {
				wait = retryInterval
			}
			backoff = min(2*backoff, retryInterval)
		}
		r.fetchEnded()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.requested:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// fetchEnded wakes the callers of refetch, unless their request came after the
// fetch had begun.
func (r *remote) fetchEnded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.awaiting != nil && len(r.requested) == 0 {
		close(r.awaiting)
		r.awaiting = nil
	}
}

// fetch replaces the set by the one that the provider publishes. An invalid set
// replaces nothing.
func (r *remote) fetch(ctx context.Context) error {
	r.mu.Lock()
	source := r.url
	r.mu.Unlock()
	if source == "" {
		var err error
		if source, err = r.discover(ctx); err != nil {
			return err
		}
	}
	text, err := r.get(ctx, source)
	if err != nil {
		return err
	}
	set, err := parseKeySet(text)
	if err != nil {
		return fmt.Errorf("the key set at %s %w", source, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.EqualFunc(set, r.set, sameKey) {
		r.changes++
		r.log.Info("the identity provider's keys have changed", "count", len(set))
	}
	r.url, r.set, r.fetched = source, set, r.now()
	return nil
}

// discover returns the URL of the issuer's key set (OpenID Connect Discovery 1.0).
func (r *remote) discover(ctx context.Context) (string, error) {
	text, err := r.get(ctx, r.issuer+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var found struct {
		Issuer  string `json:"issuer"`
		JWKSURL string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return "", errors.New("the issuer's OpenID configuration is not a valid JSON document")
	}
	if found.Issuer != r.issuer {
		return "", fmt.Errorf("the issuer's OpenID configuration names the issuer %q, but AUTH_ISSUER is %q: they must be equal", found.Issuer, r.issuer)
	}
	if err := CheckKeyURL(found.JWKSURL); err != nil {
		return "", fmt.Errorf("the issuer's jwks_uri %w", err)
	}
	return found.JWKSURL, nil
}

func (r *remote) get(ctx context.Context, source string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", source, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err == nil && len(text) > maxKeySet {
		err = fmt.Errorf("the response of %s is larger than %d bytes", source, maxKeySet)
	}
	return text, err
}

// parseKeySet parses a JSON Web Key Set (RFC 7517). It skips keys that cannot
// verify tokens here, and fails when none remains.
func parseKeySet(text []byte) ([]key, error) {
	var document struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, errors.New("is not a valid JSON document")
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("has more than %d keys", maxKeys)
	}
	var set []key
	for _, text := range document.Keys {
		var jwk jose.JSONWebKey
		if jwk.UnmarshalJSON(text) != nil || !jwk.IsPublic() || !jwk.Valid() || jwk.Use != "" && jwk.Use != "sig" || len(jwk.KeyID) > maxKeyID {
			continue
		}
		algorithms := algorithmsOf(jwk)
		if len(algorithms) > 0 {
			set = append(set, key{id: jwk.KeyID, algorithms: algorithms, public: jwk.Key})
		}
	}
	if len(set) == 0 {
		return nil, errors.New("has no usable key")
	}
	return set, nil
}

// algorithmsOf returns the algorithms that a key may verify: those of its type,
// restricted to its own alg when it has one.
func algorithmsOf(jwk jose.JSONWebKey) []jose.SignatureAlgorithm {
	var fit []jose.SignatureAlgorithm
	switch public := jwk.Key.(type) {
	case ed25519.PublicKey:
		fit = []jose.SignatureAlgorithm{jose.EdDSA}
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			fit = []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			fit = []jose.SignatureAlgorithm{jose.ES384}
		}
	case *rsa.PublicKey:
		if public.N.BitLen() >= 2048 {
			fit = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}
		}
	}
	if jwk.Algorithm == "" {
		return fit
	}
	return slices.DeleteFunc(fit, func(a jose.SignatureAlgorithm) bool { return string(a) != jwk.Algorithm })
}

func sameKey(a, b key) bool {
	public, ok := a.public.(interface{ Equal(x any) bool })
	return ok && a.id == b.id && slices.Equal(a.algorithms, b.algorithms) && public.Equal(b.public)
}
