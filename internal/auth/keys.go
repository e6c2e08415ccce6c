package auth

import (
	"context"
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
	"golang.org/x/time/rate"

	"docket"
)

const (
	fetchTimeout    = 5 * time.Second
	maxKeySet       = 1 << 20 // bytes
	refreshInterval = 5 * time.Minute
	retryInterval   = 30 * time.Second // after a failed fetch, while cached keys are usable
	maxStale        = 24 * time.Hour   // how long keys are used after the last successful fetch

	// Unknown key ids cause at most unknownBurst fetches at once, and one each
	// unknownInterval after that. A stranger can name any number of key ids; the
	// burst keeps a few of them from delaying a key that the issuer has added.
	unknownBurst    = 5
	unknownInterval = 30 * time.Second
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
	unknown   *rate.Limiter // of the fetches that unknown key ids cause

	mu       sync.Mutex
	url      string
	set      []key
	fetched  time.Time // when set was fetched
	changes  uint64
	awaiting *request // the requested fetch that has not ended; nil when there is none
}

// request is a fetch that callers of refetch wait for.
type request struct {
	done chan struct{} // closed when the fetch has ended
	err  error         // the result of the fetch, set before done is closed
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
		requested: make(chan struct{}, 1), unknown: rate.NewLimiter(rate.Every(unknownInterval), unknownBurst),
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
	return unavailable(errors.New("auth: the identity provider's keys have not been fetched"))
}

// unavailable returns an error of kind docket.Unavailable.
func unavailable(reason error) error {
	return &docket.Error{Kind: docket.Unavailable, Err: reason, Detail: "The keys of the identity provider cannot be fetched right now. Try again shortly."}
}

func (r *remote) find(ctx context.Context, algorithm jose.SignatureAlgorithm, id string) ([]any, error) {
	found, known, err := r.lookup(algorithm, id)
	if err == nil || known {
		return found, err
	}
	if err := r.refetch(ctx); err != nil {
		return nil, err
	}
	found, _, err = r.lookup(algorithm, id)
	return found, err
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
	case len(found) == 0:
		return nil, true, errors.New("the token's algorithm does not match its key")
	}
	return found, true, nil
}

// refetch requests a fetch because a key is unknown, and waits for its end. It
// returns nil when the fetch succeeded. The error is of kind docket.Unavailable
// when it failed or the limit of such fetches is reached, because the issuer may
// have added the key; it is ctx's when ctx ends first.
func (r *remote) refetch(ctx context.Context) error {
	pending := r.request()
	if pending == nil {
		return unavailable(errors.New("auth: the token names an unknown key (kid), and unknown keys have caused too many fetches"))
	}
	select {
	case <-pending.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if pending.err != nil {
		return unavailable(fmt.Errorf("auth: the token names an unknown key (kid), and the keys cannot be fetched: %w", pending.err))
	}
	return nil
}

// request returns the pending fetch, or starts one. It returns nil when the
// limit is reached.
func (r *remote) request() *request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.awaiting == nil {
		if !r.unknown.AllowN(r.now(), 1) {
			return nil
		}
		r.awaiting = &request{done: make(chan struct{})}
		r.requested <- struct{}{} // never blocks: run receives it before awaiting is cleared
	}
	return r.awaiting
}

// run fetches the set at once, then periodically and on request.
func (r *remote) run(ctx context.Context) {
	backoff := time.Second
	for {
		wait := refreshInterval
		err := r.fetch(ctx)
		if ctx.Err() != nil {
			r.fetchEnded(ctx.Err())
			return
		}
		if err != nil {
			r.log.Warn("the identity provider's keys could not be fetched", "error", err)
			if wait = backoff; r.ready() == nil {
				wait = retryInterval
			}
			backoff = min(2*backoff, retryInterval)
		}
		r.fetchEnded(err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.requested:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// fetchEnded passes the result of a fetch to the callers of refetch, unless their
// request came after the fetch had begun.
func (r *remote) fetchEnded(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.awaiting != nil && len(r.requested) == 0 {
		r.awaiting.err = err
		close(r.awaiting.done)
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

// discover returns the URL of the issuer's key set (OpenID Connect Discovery 1.0,
// section 4.1: a trailing slash of the issuer is not part of the URL).
func (r *remote) discover(ctx context.Context) (string, error) {
	text, err := r.get(ctx, strings.TrimSuffix(r.issuer, "/")+"/.well-known/openid-configuration")
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
