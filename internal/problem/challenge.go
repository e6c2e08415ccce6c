package problem

import (
	"strings"

	"docket"
)

// Challenge is the cause of an Unauthorized or InsufficientScope error, which says in
// WWW-Authenticate what is missing (RFC 6750, section 3). Its texts are safe to show,
// and hold neither quotation marks nor backslashes.
type Challenge struct { //nolint:errname // it is named for the answer
	Code   string // invalid_token, insufficient_scope; "": the request had no credentials that are told about
	Reason string // a sentence
	Scope  docket.Scopes
}

func (c *Challenge) Error() string { return c.Reason }

// String returns the value of the header field.
func (c *Challenge) String() string {
	var parameters []string
	add := func(name, value string) {
		if value != "" {
			parameters = append(parameters, name+`="`+value+`"`)
		}
	}
	if c.Code != "insufficient_scope" {
		add("realm", "docket")
	}
	add("error", c.Code)
	if c.Code == "invalid_token" {
		add("error_description", c.Reason)
	}
	add("scope", c.Scope.String())
	return "Bearer " + strings.Join(parameters, ", ")
}

// InvalidKey returns the error of kind Unauthorized for an API key that is not valid,
// for a reason that may be shown.
func InvalidKey(reason string) error {
	return &docket.Error{Kind: Unauthorized, Detail: ErrNoToken.Detail, Err: &Challenge{Code: "invalid_token", Reason: reason}}
}

// ScopeNeeded returns the error of kind InsufficientScope for a request that needs
// scopes which its caller does not have.
func ScopeNeeded(scopes docket.Scopes) error {
	names := strings.Join(scopes.Names(), " and ")
	return &docket.Error{
		Kind: InsufficientScope, Detail: "This request needs the scope " + names + ", which its token or API key does not have.",
		Err: &Challenge{Code: "insufficient_scope", Reason: "the caller lacks the scope " + names, Scope: scopes},
	}
}
