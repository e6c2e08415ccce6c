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

// AuthConfig is the part of Config for authentication.
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

// placeholders are the example secrets of published documentation.
var placeholders = []string{"better-auth-secret-12345678901234567890", "your-secret-key-at-least-32-characters-long"}

// mode returns AUTH, or derives it from the other variables: AUTH_* takes
// precedence over BETTER_AUTH_*. Beside AUTH_SECRET, AUTH_ISSUER is no source of
// keys but a claim to check.
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

// validate returns one line for each fault.
func (c *AuthConfig) validate() []string {
	if !slices.Contains([]string{"", authJWKS, authSecret, authNone}, c.Mode) {
		return []string{"AUTH must be jwks, secret or none, or not set"}
	}
	return slices.Concat(c.contradictions(), c.weakSecrets(), c.unusableURLs())
}

// contradictions returns a line for each forbidden or incomplete combination.
func (c *AuthConfig) contradictions() []string {
	keySource := c.JWKSURL != "" || c.Issuer != "" || c.BetterAuthURL != ""
	anySecret := c.Secret.IsSet() || c.BetterAuthSecret.IsSet()
	var faults []string
	for _, rule := range []struct {
		broken bool
		fault  string
	}{
		{c.JWKSURL != "" && c.Secret.IsSet(), "AUTH_JWKS_URL and AUTH_SECRET are mutually exclusive: remove one"},
		{c.Mode == authNone && (keySource || anySecret), "AUTH=none together with a source of keys (AUTH_JWKS_URL, AUTH_ISSUER, AUTH_SECRET or BETTER_AUTH_*): remove one"},
		{c.Mode == authJWKS && !keySource, "AUTH=jwks needs AUTH_JWKS_URL, AUTH_ISSUER or BETTER_AUTH_URL"},
		{c.Mode == authJWKS && c.JWKSURL == "" && c.Secret.IsSet(), "AUTH=jwks and AUTH_SECRET are mutually exclusive: remove one"},
		{c.Mode == authSecret && !anySecret, "AUTH=secret needs AUTH_SECRET or BETTER_AUTH_SECRET"},
		{c.Mode == authSecret && c.JWKSURL != "" && !c.Secret.IsSet(), "AUTH=secret and AUTH_JWKS_URL are mutually exclusive: remove one"},
	} {
		if rule.broken {
			faults = append(faults, rule.fault)
		}
	}
	return faults
}

// weakSecrets returns a line for each fault of the secrets in use.
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
			faults = append(faults, name+" begins with #: it looks like a comment in the .env file")
		case slices.Contains(placeholders, text):
			faults = append(faults, name+" is an example from published documentation: make your own with `openssl rand -base64 32`")
		}
	}
	return faults
}

// unusableURLs returns a line for each URL that keys cannot be fetched from.
func (c *AuthConfig) unusableURLs() []string {
	var faults []string
	for name, text := range map[string]string{"AUTH_JWKS_URL": c.JWKSURL, "AUTH_ISSUER": c.issuerURL(), "BETTER_AUTH_URL": c.BetterAuthURL} {
		if err := auth.CheckKeyURL(text); text != "" && err != nil {
			faults = append(faults, name+" "+err.Error())
		}
	}
	return faults
}

// betterSecret returns BETTER_AUTH_SECRET, or an unset Text when AUTH_SECRET replaces it.
func (c *AuthConfig) betterSecret() secret.Text {
	if c.Secret.IsSet() {
		return secret.Text{}
	}
	return c.BetterAuthSecret
}

// issuerURL returns AUTH_ISSUER when it is used for discovery, otherwise "".
func (c *AuthConfig) issuerURL() string {
	if c.mode() == authJWKS && c.JWKSURL == "" && c.BetterAuthURL == "" {
		return c.Issuer
	}
	return ""
}

// options returns the options of the Verifier. The mode is not none.
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
		var origin string // Better Auth's default for iss and aud
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

// betterAuth returns the URL of the key set of a Better Auth server with this
// base URL, and the server's origin as the server serializes it (RFC 6454,
// section 6.2). A base URL with a path is the URL of the API; without a path the
// API is at /api/auth.
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

// verifier returns the Verifier, or nil in the mode none.
func (c *AuthConfig) verifier(keys auth.APIKeyStore, log *slog.Logger) (*auth.Verifier, error) {
	mode := c.mode()
	if mode == authNone {
		return nil, nil //nolint:nilnil // no authentication
	}
	if c.Mode == "" && c.BetterAuthURL != "" && c.BetterAuthSecret.IsSet() && mode == authJWKS {
		log.Info("tokens are verified with the keys of BETTER_AUTH_URL; BETTER_AUTH_SECRET is not used")
	}
	o := c.options()
	o.APIKeys, o.Log = keys, log
	log.Info("authentication", "mode", mode, "keys", o.JWKSURL, "issuer", o.Issuer, "audience", o.Audience)
	if mode == authJWKS && o.Audience == "" {
		log.Warn("AUTH_AUDIENCE is not set: tokens that the issuer made for other services are accepted too")
	}
	return auth.New(o)
}

func (a *app) tokenCommand() *cobra.Command {
	var subject string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "token", Short: "Print a development token, signed with the configured secret", Args: cobra.NoArgs,
		RunE: a.withConfig(func(_ context.Context, c Config, _ []string) error {
			if c.Auth.mode() != authSecret {
				return errors.New("tokens can only be made with a shared secret (AUTH_SECRET); with a key set the identity provider makes them")
			}
			token, err := auth.Sign(c.Auth.options(), subject, ttl)
			if err == nil {
				_, err = fmt.Fprintln(a.stdout, token)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&subject, "sub", "", "user id, the token's subject (required)")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "lifetime of the token")
	_ = cmd.MarkFlagRequired("sub") // the flag exists
	return cmd
}
