package auth

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"docket"
)

// Sign makes a token for development. A Verifier with the same options accepts
// it for ttl, which must be positive. The first secret signs it.
func Sign(o Options, subject string, ttl time.Duration) (string, error) {
	if len(o.Secrets) == 0 {
		return "", errors.New("auth: no secret to sign with")
	}
	if _, err := docket.ParseUserID(subject); err != nil {
		return "", fmt.Errorf("the subject is not a valid user id: %w", err)
	}
	if ttl <= 0 {
		return "", errors.New("the lifetime of a token must be positive")
	}
	now := time.Now //nolint:forbidigo // the clock when none is injected
	if o.Now != nil {
		now = o.Now
	}
	claims := map[string]any{"sub": subject, "iat": now().Unix(), "exp": now().Add(ttl).Unix()}
	if o.Issuer != "" {
		claims["iss"] = o.Issuer
	}
	if o.Audience != "" {
		claims["aud"] = o.Audience
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(o.Secrets[0].Reveal())}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
