package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"docket"
	"docket/internal/contract"
	"docket/internal/edge"
	"docket/internal/problem"
)

// apiKeyID is the parameter that says which API key is meant.
var apiKeyID = param{
	in: inPath, name: "id", shape: text,
	tag: `format:"uuid" maxLength:"36" doc:"The API key. It is the middle part of the key's text, too. An id that is no UUID belongs to no key." example:"019a4e6f-1b2c-7d3e-8f40-516273849a5b"`,
	read: func(in *input, _ string, values []string) {
		var err error
		if in.id, err = docket.ParseTaskID(values[0]); err != nil {
			in.noSuch = docket.NoSuchAPIKey()
		}
	},
}

// apiKeyFields are the fields that a client sets of an API key.
var apiKeyFields = []field[docket.NewAPIKey]{
	{"name", "a string", `"`, always(func(n *docket.NewAPIKey, v jsontext.Value) { n.Name = unquote(v) })},
	{"scopes", "an array of strings", `[`, setScopes},
	{"expires_at", "a string or null", `"n`, setExpiry},
}

// setScopes takes a scope that is none as some other one, so that only its own fault is
// found.
func setScopes(n *docket.NewAPIKey, v jsontext.Value) (faults []docket.Fault) {
	for i, element := range elements(v) {
		name := ""
		if element.Kind() == '"' {
			name = unquote(element)
		}
		scope, known := docket.ParseScope(name)
		if !known {
			scope = docket.ReadTasks
			if len(faults) < docket.MaxFaults {
				detail := "The scope must be one of " + strings.Join(docket.ScopeNames(), ", ") + "."
				faults = append(faults, bodyFault(fmt.Sprintf("/scopes/%d", i), "unknown_scope", detail))
			}
		}
		n.Scopes |= scope
	}
	return faults
}

func setExpiry(n *docket.NewAPIKey, v jsontext.Value) []docket.Fault {
	if v.Kind() == 'n' {
		return nil
	}
	err := n.ExpiresAt.UnmarshalText([]byte(strings.ToUpper(unquote(v)))) // strict, but for letters (RFC 3339, section 5.6)
	if year := n.ExpiresAt.UTC().Year(); err != nil || n.ExpiresAt.IsZero() || year > 9999 {
		n.ExpiresAt = time.Time{}
		return []docket.Fault{bodyFault("/expires_at", "invalid_time", "The time of expiry must be an instant as RFC 3339 writes it, such as 2027-01-31T09:30:00Z, or null.")}
	}
	return nil
}

func decodeAPIKey(in *input, f *faults, data []byte) error {
	if err := readObject(f, data, apiKeyFields, &in.apiKey, object{required: "name"}); err != nil {
		return err
	}
	f.add(in.apiKey.Normalize(in.now())...)
	return nil
}

// mayMakeAPIKeys refuses those who may make no key, whatever its scopes are.
func mayMakeAPIKeys(caller edge.Info) error {
	switch {
	case caller.Unasked():
		return problem.ErrKeyUnasked
	case caller.ByAPIKey():
		return problem.ErrKeyMakesKey
	}
	return nil
}

func (a *api) createAPIKey(rt *route, w http.ResponseWriter, r *http.Request) error {
	caller := edge.InfoOf(r.Context())
	if err := mayMakeAPIKeys(caller); err != nil {
		return err
	}
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	if err := caller.Require(in.apiKey.Scopes); err != nil { // nobody gives what they do not have
		return err
	}
	made, err := edge.Admit(r.Context(), edge.Cost{}, func() (m contract.APIKeyMade, err error) {
		key, text, err := a.service.CreateAPIKey(r.Context(), in.owner, in.apiKey)
		return contract.APIKeyMade{APIKey: showAPIKey(key), Key: text}, err
	})
	if err != nil {
		return err
	}
	return writeValue(w, http.StatusCreated, made)
}

func (a *api) listAPIKeys(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err != nil {
		return err
	}
	keys, err := edge.Admit(r.Context(), edge.Cost{}, func() ([]docket.APIKey, error) {
		return a.service.APIKeys(r.Context(), in.owner)
	})
	if err != nil {
		return err
	}
	shown := make([]contract.APIKey, len(keys))
	for i := range keys {
		shown[i] = showAPIKey(keys[i])
	}
	return writeValue(w, http.StatusOK, shown)
}

func (a *api) revokeAPIKey(rt *route, w http.ResponseWriter, r *http.Request) error {
	in, err := a.decode(rt, w, r)
	if err == nil {
		err = in.noSuch
	}
	if err != nil {
		return err
	}
	if _, err := edge.Admit(r.Context(), edge.Cost{}, func() (struct{}, error) {
		return struct{}{}, a.service.RevokeAPIKey(r.Context(), in.owner, in.id)
	}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// showAPIKey returns what is told of a key.
func showAPIKey(k docket.APIKey) contract.APIKey {
	shown := contract.APIKey{ID: k.ID.String(), Name: k.Name, Scopes: k.Scopes.Names(), CreatedAt: string(appendTime(nil, k.CreatedAt))}
	if !k.ExpiresAt.IsZero() {
		shown.ExpiresAt = new(string(appendTime(nil, k.ExpiresAt)))
	}
	if !k.UsedOn.IsZero() {
		shown.LastUsedOn = new(k.UsedOn.UTC().Format(time.DateOnly))
	}
	return shown
}
