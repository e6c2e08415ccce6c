package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"docket/internal/auth"
	"docket/internal/secret"
)

// AuthConfig is the part of Config that says who is asked for a token, and what
// it must be.
type AuthConfig struct {
	Mode             string      `env:"AUTH"`
	JWKSURL          string      `env:"AUTH_JWKS_URL"`
	Issuer           string      `env:"AUTH_ISSUER"`
	Audience         string      `env:"AUTH_AUDIENCE"`
	Secret           secret.Text `env:"AUTH_SECRET"`
	SecretPrevious   secret.Text `env:"AUTH_SECRET_PREVIOUS"`
	BetterAuthURL    string      `env:"BETTER_AUTH_URL"`
	BetterAuthSecret secret.Text `env:"BETTER_AUTH_SECRET"`
}

// The values of AUTH.
const (
	authJWKS   = "jwks"
	authSecret = "secret"
	authNone   = "none"
)

// placeholders are secrets that come with documentation, which everybody has.
var placeholders = []string{"better-auth-secret-12345678901234567890", "your-secret-key-at-least-32-characters-long"}

// mode is AUTH, or what follows from what else is set: AUTH_* before
// BETTER_AUTH_*, and a key set before a secret.
func (c *AuthConfig) mode() string {
	switch {
	case c.Mode != "":
		return c.Mode
	case c.JWKSURL != "":
		return authJWKS
	case c.Secret.IsSet():
		return authSecret
	case c.Issuer != "", c.BetterAuthURL != "":
		return authJWKS
	case c.BetterAuthSecret.IsSet():
		return authSecret
	}
	return authNone
}

// validate returns a line for each fault.
func (c *AuthConfig) validate() []string {
	if !slices.Contains([]string{"", authJWKS, authSecret, authNone}, c.Mode) {
		return []string{"AUTH must be jwks, secret or none, or not set"}
	}
	return slices.Concat(c.contradictions(), c.weakSecrets(), c.unusableURLs())
}

// contradictions are the faults of what is set together, or not.
func (c *AuthConfig) contradictions() []string {
	keySource := c.JWKSURL != "" || c.Issuer != "" || c.BetterAuthURL != ""
	anySecret := c.Secret.IsSet() || c.BetterAuthSecret.IsSet()
	var faults []string
	for _, rule := range []struct {
		broken bool
		fault  string
	}{
		{c.JWKSURL != "" && c.Secret.IsSet(), "AUTH_JWKS_URL and AUTH_SECRET exclude each other: remove one"},
		{c.Mode == authNone && (keySource || anySecret), "AUTH=none beside a source of keys (AUTH_JWKS_URL, AUTH_ISSUER, AUTH_SECRET or BETTER_AUTH_*): remove one of them"},
		{c.Mode == authJWKS && !keySource, "AUTH=jwks needs AUTH_JWKS_URL, AUTH_ISSUER or BETTER_AUTH_URL"},
		{c.Mode == authJWKS && c.JWKSURL == "" && c.Secret.IsSet(), "AUTH=jwks and AUTH_SECRET exclude each other: remove one"},
		{c.Mode == authSecret && !anySecret, "AUTH=secret needs AUTH_SECRET or BETTER_AUTH_SECRET"},
		{c.Mode == authSecret && c.JWKSURL != "" && !c.Secret.IsSet(), "AUTH=secret and AUTH_JWKS_URL exclude each other: remove one"},
	} {
		if rule.broken {
			faults = append(faults, rule.fault)
		}
	}
	return faults
}

// weakSecrets are the faults of the secrets that are used.
func (c *AuthConfig) weakSecrets() []string {
	if c.mode() != authSecret {
		return nil
	}
	var faults []string
	for name, s := range map[string]secret.Text{"AUTH_SECRET": c.Secret, "AUTH_SECRET_PREVIOUS": c.SecretPrevious, "BETTER_AUTH_SECRET": c.betterSecret()} {
		switch text := s.Reveal(); {
		case text != "" && len(text) < auth.MinSecret:
			faults = append(faults, fmt.Sprintf("%s must have at least %d bytes: make one with `openssl rand -base64 32`", name, auth.MinSecret))
		case strings.HasPrefix(strings.TrimSpace(text), "#"):
			faults = append(faults, name+" begins with #: it looks like a comment of the .env file")
		case slices.Contains(placeholders, text):
			faults = append(faults, name+" is the one from the documentation: make your own with `openssl rand -base64 32`")
		}
	}
	return faults
}

// unusableURLs are the faults of the places that keys are fetched from.
func (c *AuthConfig) unusableURLs() []string {
	var faults []string
	for name, text := range map[string]string{"AUTH_JWKS_URL": c.JWKSURL, "AUTH_ISSUER": c.issuerURL(), "BETTER_AUTH_URL": c.BetterAuthURL} {
		if err := auth.CheckKeyURL(text); text != "" && err != nil {
			faults = append(faults, name+" "+err.Error())
		}
	}
	return faults
}

// betterSecret is BETTER_AUTH_SECRET where it is used.
func (c *AuthConfig) betterSecret() secret.Text {
	if c.Secret.IsSet() {
		return secret.Text{}
	}
	return c.BetterAuthSecret
}

// issuerURL is AUTH_ISSUER where keys are looked for there.
func (c *AuthConfig) issuerURL() string {
	if c.mode() == authJWKS && c.JWKSURL == "" && c.BetterAuthURL == "" {
		return c.Issuer
	}
	return ""
}

// options are what the configuration asks of tokens, in every mode but none.
func (c *AuthConfig) options() auth.Options {
	o := auth.Options{Issuer: c.Issuer, Audience: c.Audience}
	if c.mode() == authSecret {
		for _, s := range []secret.Text{c.Secret, c.betterSecret(), c.SecretPrevious} {
			if s.IsSet() {
				o.Secrets = append(o.Secrets, s)
			}
		}
		return o
	}
	if o.JWKSURL = c.JWKSURL; o.JWKSURL == "" && c.BetterAuthURL != "" {
		var origin string // what Better Auth puts into its tokens unless it is told otherwise
		o.JWKSURL, origin = betterAuth(c.BetterAuthURL)
		if o.Issuer == "" {
			o.Issuer = origin
		}
		if o.Audience == "" {
			o.Audience = origin
		}
	}
	return o
}

// betterAuth returns where a Better Auth server with this base URL has its key
// set, and its origin as it writes it itself (RFC 6454, section 6.2). A base URL
// that has a path is that of the API; otherwise the API is at /api/auth.
func betterAuth(base string) (keySet, origin string) {
	u, err := url.Parse(base)
	if err != nil {
		return "", "" // validate has refused it
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]; u.Port() == standard {
		u.Host = strings.TrimSuffix(u.Host, ":"+standard)
	}
	origin = u.Scheme + "://" + u.Host
	if path := strings.TrimRight(u.Path, "/"); path != "" {
		return origin + path + "/jwks", origin
	}
	return origin + "/api/auth/jwks", origin
}

// verifier returns what verifies tokens, or nil in the mode none.
func (c *AuthConfig) verifier(log *slog.Logger) (*auth.Verifier, error) {
	mode := c.mode()
	if mode == authNone {
		return nil, nil //nolint:nilnil // nobody is asked for a token
	}
	if c.Mode == "" && c.BetterAuthURL != "" && c.BetterAuthSecret.IsSet() && mode == authJWKS {
		log.Info("tokens are verified with the keys at BETTER_AUTH_URL; BETTER_AUTH_SECRET is not used")
	}
	o := c.options()
	o.Log = log
	log.Info("authentication", "mode", mode, "keys", o.JWKSURL, "issuer", o.Issuer, "audience", o.Audience)
	if mode == authJWKS && o.Audience == "" {
		log.Warn("AUTH_AUDIENCE is not set: tokens that the issuer made for other services are taken too")
	}
	return auth.New(o)
}

func (a *app) tokenCommand() *cobra.Command {
	var subject string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "token", Short: "Print a token for development, signed with the configured secret", Args: cobra.NoArgs,
		RunE: a.withConfig(func(_ context.Context, c Config, _ []string) error {
			if c.Auth.mode() != authSecret {
				return errors.New("tokens can only be made with a shared secret (AUTH_SECRET): otherwise the identity provider makes them")
			}
			token, err := auth.Sign(c.Auth.options(), subject, ttl)
			if err == nil {
				_, err = fmt.Fprintln(a.stdout, token)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&subject, "sub", "", "the user that the token speaks for (required)")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long it is valid")
	_ = cmd.MarkFlagRequired("sub") // it exists
	return cmd
}
