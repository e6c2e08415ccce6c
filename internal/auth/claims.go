package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

// leeway is how far the clocks of an issuer and this machine may differ.
const leeway = 30 * time.Second

// maxKeyID bounds the header kid, in bytes.
const maxKeyID = 200

// header is what is looked at of a token's header (RFC 7515, section 4). Keys
// and places of keys that it names (jwk, jku, x5u, x5c) are never used.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid"`
	Type      *string        `json:"typ"`
	Critical  jsontext.Value `json:"crit"`
	Encoded   jsontext.Value `json:"b64"`
	Zip       jsontext.Value `json:"zip"`
}

// parseHeader reads a header strictly: names in exact case, none twice, each
// value of its type.
func parseHeader(text []byte) (h header, err error) {
	if err := json.Unmarshal(text, &h); err != nil {
		return h, errors.New("the token's header is not the JSON that it must be")
	}
	switch {
	case h.Critical != nil, h.Encoded != nil, h.Zip != nil:
		return h, errors.New("the token's header asks for an extension (crit, b64 or zip)")
	case h.Type != nil && *h.Type != "JWT" && *h.Type != "at+jwt":
		return h, errors.New("the token is of another type (typ) than JWT or at+jwt")
	case len(h.KeyID) > maxKeyID:
		return h, fmt.Errorf("the token's key id (kid) is longer than %d bytes", maxKeyID)
	}
	return h, nil
}

// claims are those of RFC 7519, section 4.1, that are looked at.
type claims struct {
	Subject   *string        `json:"sub"`
	Issuer    *string        `json:"iss"`
	Audience  jsontext.Value `json:"aud"`
	Expires   *float64       `json:"exp"` // seconds since 1970
	NotBefore *float64       `json:"nbf"`
	IssuedAt  *float64       `json:"iat"`
}

// identity checks the claims of a token whose signature is right.
func (v *Verifier) identity(payload []byte, now time.Time) (Identity, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Identity{}, errors.New("a claim of the token is not of its type, or is there twice")
	}
	present := float64(now.UnixMicro()) / 1e6
	slack := leeway.Seconds()
	switch {
	case c.Subject == nil:
		return Identity{}, errors.New("the token has no subject (sub)")
	case c.Expires == nil:
		return Identity{}, errors.New("the token has no end (exp)")
	case present >= *c.Expires+slack:
		return Identity{}, errors.New("the token has expired (exp)")
	case c.NotBefore != nil && present < *c.NotBefore-slack:
		return Identity{}, errors.New("the token is not valid yet (nbf)")
	case c.IssuedAt != nil && present < *c.IssuedAt-slack:
		return Identity{}, errors.New("the token is from the future (iat)")
	case v.issuer != "" && (c.Issuer == nil || *c.Issuer != v.issuer):
		return Identity{}, v.wrongIssuer(c.Issuer)
	case v.audience != "" && !holds(c.Audience, v.audience):
		return Identity{}, errors.New("the token is for another audience (aud)")
	}
	subject, err := docket.ParseUserID(*c.Subject)
	if err != nil {
		return Identity{}, errors.New("the token's subject (sub) cannot be the id of a user")
	}
	const lastSecond = 253402300799 // the end of the year 9999
	return Identity{Subject: subject, Expires: time.UnixMicro(int64(min(*c.Expires, lastSecond) * 1e6)).UTC()}, nil
}

// wrongIssuer hints, in the log, at the slash that is the usual reason.
func (v *Verifier) wrongIssuer(got *string) error {
	if got != nil && (*got+"/" == v.issuer || *got == v.issuer+"/") {
		return errors.New("the token's issuer (iss) differs from the expected one by a slash at the end")
	}
	return errors.New("the token is of another issuer (iss)")
}

// holds reports whether a claim aud is the audience or a list with it in.
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
