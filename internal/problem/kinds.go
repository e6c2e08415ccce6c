package problem

import (
	"fmt"
	"strings"

	"docket"
)

// Kinds of error that only HTTP knows.
const (
	Malformed            docket.Kind = "malformed-request"
	Unauthorized         docket.Kind = "unauthorized"
	Forbidden            docket.Kind = "forbidden"
	InsufficientScope    docket.Kind = "insufficient-scope"
	UntrustedOrigin      docket.Kind = "untrusted-origin"
	RouteNotFound        docket.Kind = "route-not-found"
	MethodNotAllowed     docket.Kind = "method-not-allowed"
	RateLimited          docket.Kind = "rate-limited"
	UserBusy             docket.Kind = "too-many-requests-at-work"
	TooManyStreams       docket.Kind = "too-many-streams"
	BodyTimeout          docket.Kind = "request-timeout"
	BodyTooLarge         docket.Kind = "content-too-large"
	UnsupportedMediaType docket.Kind = "unsupported-media-type"
)

const (
	// MaxBody is the largest body of a request, in bytes, except those of a batch and an import.
	MaxBody = 128 << 10
	// MaxBatchBody is the largest body of a batch, in bytes.
	MaxBatchBody = 4 << 20
	// MaxImportBody is the largest file of an import, in bytes.
	MaxImportBody = 16 << 20
)

// Errors of those kinds whose sentence is always the same.
var (
	ErrEmptyBody      = &docket.Error{Kind: Malformed, Detail: "The request body is empty. Send a JSON object."}
	ErrNoToken        = &docket.Error{Kind: Unauthorized, Detail: "This request needs a valid token in its Authorization header."}
	ErrForeignUser    = &docket.Error{Kind: Forbidden, Detail: "This token does not speak for the user in the path."}
	ErrKeyMakesKey    = &docket.Error{Kind: Forbidden, Detail: "An API key cannot make another. Send a token of the identity provider."}
	ErrKeyUnasked     = &docket.Error{Kind: Forbidden, Detail: "A server without authentication makes no API keys: they would stay valid when it has some. Configure authentication, or use docket key create."}
	ErrUnknownHost    = &docket.Error{Kind: UntrustedOrigin, Detail: "Without authentication this server answers only to localhost, 127.0.0.1 and [::1]."}
	ErrForeignOrigin  = &docket.Error{Kind: UntrustedOrigin, Detail: "Without authentication this server takes no writes from the pages of other origins. CORS_ORIGINS lists those that may."}
	ErrNoRoute        = &docket.Error{Kind: RouteNotFound, Detail: "Nothing is served at this path. The documentation is at /docs."}
	ErrNoCORS         = &docket.Error{Kind: MethodNotAllowed, Detail: "This server lets no page of another origin call it. CORS_ORIGINS lists those that may."}
	ErrSlowBody       = &docket.Error{Kind: BodyTimeout, Detail: "The request body did not arrive in time. Send it again."}
	ErrBodyTooLarge   = &docket.Error{Kind: BodyTooLarge, Detail: fmt.Sprintf("The request body is too large. It may have %d bytes, that of a batch %d, a file to import %d.", MaxBody, MaxBatchBody, MaxImportBody)}
	ErrRateLimited    = &docket.Error{Kind: RateLimited, Detail: "This user has sent too many requests. Wait as long as Retry-After says."}
	ErrUserBusy       = &docket.Error{Kind: UserBusy, Detail: "This user has as many requests at work as one may have. Nothing was written. Wait for their answers, then try again."}
	ErrTooManyStreams = &docket.Error{Kind: TooManyStreams, Detail: "There are too many streams. Close some, or try again later."}
	ErrOverload       = &docket.Error{Kind: docket.Unavailable, Detail: "The server has more requests than it can take. Nothing was written. Try again shortly."}
	ErrDraining       = &docket.Error{Kind: docket.Unavailable, Detail: "The server is about to stop. Send requests to another instance."}
)

// NotAllowed returns the error of kind MethodNotAllowed for a path that takes
// the methods allowed.
func NotAllowed(allowed ...string) error {
	return &docket.Error{Kind: MethodNotAllowed, Detail: "This path does not take this method. It takes " + strings.Join(allowed, ", ") + "."}
}

// WrongMediaType returns the error of kind UnsupportedMediaType for a route
// whose body has one of the media types taken.
func WrongMediaType(taken ...string) error {
	return &docket.Error{Kind: UnsupportedMediaType, Detail: "Send the body as " + strings.Join(taken, " or ") + ", in UTF-8 and not compressed."}
}
