package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

// leeway is the tolerated difference between the issuer's clock and ours.
const leeway = 30 * time.Second

// maxKeyID is the maximum length of a key id (kid) in bytes.
const maxKeyID = 200

// header has the members of a token's header that are checked (RFC 7515,
// section 4). The members that carry or locate keys (jwk, jku, x5u, x5c) are
// never used.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid"`
	Type      *string        `json:"typ"`
	Critical  jsontext.Value `json:"crit"`
	Encoded   jsontext.Value `json:"b64"`
	Zip       jsontext.Value `json:"zip"`
}

// parseHeader parses a header strictly: member names are case-sensitive and
// unique, and each value must have its type.
func parseHeader(text []byte) (h header, err error) {
	if err := json.Unmarshal(text, &h); err != nil {
		return h, errors.New("the token's header is not valid JSON, or a member has the wrong type")
	}
	switch {
	case h.Critical != nil, h.Encoded != nil, h.Zip != nil:
		return h, errors.New("the token's header requires an extension (crit, b64 or zip)")
	case h.Type != nil && !acceptedType(*h.Type):
		return h, errors.New("the token's type (typ) is neither JWT nor at+jwt")
	case len(h.KeyID) > maxKeyID:
		return h, fmt.Errorf("the token's key id (kid) is longer than %d bytes", maxKeyID)
	}
	return h, nil
}

// acceptedType reports whether typ names the media type application/jwt or
// application/at+jwt. Media types are case-insensitive, and typ may omit the
// prefix application/ (RFC 7515, section 4.1.9).
func acceptedType(typ string) bool {
	name := strings.TrimPrefix(strings.ToLower(typ), "application/")
	return name == "jwt" || name == "at+jwt"
}

// claims has the claims that are checked (RFC 7519, section 4.1).
type claims struct {
	Subject   *string        `json:"sub"`
	Issuer    *string        `json:"iss"`
	Audience  jsontext.Value `json:"aud"`
	Expires   *float64       `json:"exp"` // seconds since 1970
	NotBefore *float64       `json:"nbf"`
	IssuedAt  *float64       `json:"iat"`
	Scope     jsontext.Value `json:"scope"` // RFC 8693, section 4.2
	Scopes    jsontext.Value `json:"scp"`
}

// scopes returns the scopes that the claims scope and scp name: text with spaces between
// the names, or a list of names, in either claim. A token that names none of ours, as
// those for other services do, may do everything.
func (c *claims) scopes() docket.Scopes {
	scopes := scopesIn(c.Scope) | scopesIn(c.Scopes)
	if scopes == 0 {
		return docket.AllScopes
	}
	return scopes
}

func scopesIn(claim jsontext.Value) (scopes docket.Scopes) {
	var text string
	if json.Unmarshal(claim, &text) == nil {
		return docket.ParseScopes(text)
	}
	var list []any
	if json.Unmarshal(claim, &list) != nil {
		return 0
	}
	for _, value := range list {
		name, _ := value.(string)
		scopes |= docket.ParseScopes(name)
	}
	return scopes
}

// identity checks the claims of a token whose signature is valid.
func (v *Verifier) identity(payload []byte, now time.Time) (Identity, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Identity{}, errors.New("a claim of the token has the wrong type or appears twice")
	}
	if c.Subject == nil {
		return Identity{}, errors.New("the token has no subject (sub)")
	}
	if err := c.checkTimes(now); err != nil {
		return Identity{}, err
	}
	forAgents := v.forAgents != "" && v.audience != "" && !holds(c.Audience, v.audience) && holds(c.Audience, v.forAgents)
	switch {
	case v.issuer != "" && (c.Issuer == nil || *c.Issuer != v.issuer):
		return Identity{}, v.wrongIssuer(c.Issuer)
	case v.audience != "" && !forAgents && !holds(c.Audience, v.audience):
		return Identity{}, errors.New("the token is for another audience (aud)")
	}
	subject, err := docket.ParseUserID(*c.Subject)
	if err != nil {
		return Identity{}, errors.New("the token's subject (sub) is not a valid user id")
	}
	const lastSecond = 253402300799 // the end of the year 9999
	return Identity{Subject: subject, Scopes: c.scopes(), ForAgents: forAgents, ValidUntil: time.UnixMicro(int64(min(*c.Expires, lastSecond) * 1e6)).UTC()}, nil
}

// checkTimes returns the error of claims that are not valid at now.
func (c *claims) checkTimes(now time.Time) error {
	present := float64(now.UnixMicro()) / 1e6
	slack := leeway.Seconds()
	switch {
	case c.Expires == nil:
		return errors.New("the token has no expiry time (exp)")
	case present >= *c.Expires+slack:
		return errors.New("the token has expired (exp)")
	case c.NotBefore != nil && present < *c.NotBefore-slack:
		return errors.New("the token is not valid yet (nbf)")
	case c.IssuedAt != nil && present < *c.IssuedAt-slack:
		return errors.New("the token was issued in the future (iat)")
	}
	return nil
}

// wrongIssuer names the most frequent mistake: a trailing slash.
func (v *Verifier) wrongIssuer(got *string) error {
	if got != nil && (*got+"/" == v.issuer || *got == v.issuer+"/") {
		return errors.New("the token's issuer (iss) differs from AUTH_ISSUER only by a trailing slash")
	}
	return errors.New("the token is from another issuer (iss)")
}

// holds reports whether the claim aud equals or contains the audience.
func holds(claim jsontext.Value, audience string) bool {
	var one string
	if json.Unmarshal(claim, &one) == nil {
		return one == audience
	}
	var list []string
	if json.Unmarshal(claim, &list) != nil {
		return false
	}
	return slices.Contains(list, audience)
}
