package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const maxKeys = 50 // in a set

// key is a public key with the algorithms that it may verify.
type key struct {
	id         string
	algorithms []jose.SignatureAlgorithm
	public     any
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
		if !verifies(text) || jwk.UnmarshalJSON(text) != nil || !jwk.IsPublic() || !jwk.Valid() || len(jwk.KeyID) > maxKeyID {
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

// verifies reports whether a key's use and key_ops (RFC 7517, sections 4.2 and
// 4.3) allow the verification of signatures. Absent members do.
func verifies(jwk jsontext.Value) bool {
	var purpose struct {
		Use        *string   `json:"use"`
		Operations *[]string `json:"key_ops"`
	}
	return json.Unmarshal(jwk, &purpose) == nil &&
		(purpose.Use == nil || *purpose.Use == "sig") &&
		(purpose.Operations == nil || slices.Contains(*purpose.Operations, "verify"))
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
