package contract

import "github.com/danielgtaylor/huma/v2"

// description is the part of the contract that is not about one operation.
func description() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:   "Docket",
			Version: version,
			Description: "Tasks for the users of an application.\n\n" +
				"Everything about a user's tasks lies under `/api/{user_id}`. Text is counted in Unicode code points and stored as given, but for white space around a title and a tag. " +
				"Every error is a problem document (RFC 9457) whose `type` leads to a page that explains it. " +
				"Unknown fields and query parameters are ignored, and named in `Docket-Ignored`; with `Prefer: handling=strict` they are refused, with the name that was probably meant.\n\n" +
				"`HEAD` works wherever `GET` does. A path where nothing is served is a 404 `route-not-found`; " +
				"a method that a path does not take is a 405 `method-not-allowed` with `Allow`. A body is at most 131,072 bytes, that of a batch 4,194,304, a file to import 16,777,216. " +
				"A write of tasks takes an `Idempotency-Key`, which makes it safe to send again. " +
				"A request may carry an `X-Request-Id`; its answer repeats it.",
			Contact: &huma.Contact{Name: "Whoever runs this server"},
			License: &huma.License{Name: "MIT", Identifier: "MIT"},
		},
		Servers: []*huma.Server{{
			URL: ".", Description: "The server that this document came from, be it local or in production.",
			Extensions: map[string]any{"x-internal": false},
		}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			Headers: headers(),
			SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {
				Type: "http", Scheme: "bearer", BearerFormat: "JWT",
				Description: "A token of the identity provider whose subject (`sub`) is the user in the path, or an API key of that user (`dkt_…`). " +
					"An API key does what its scopes allow. A token whose `scope` or `scp` names any of `tasks:read`, `tasks:write`, `user:erase` and `keys:manage` does what those allow, one that names none everything; " +
					"what is not allowed is a 403 `insufficient-scope`. " +
					"Tokens are verified as RFC8725 asks: the algorithm is bound to the key and to the configuration, issuer and audience are compared exactly when configured, and exp is required. " +
					"A server for development may be configured to ask for none.",
			}, "password": {
				Type: "http", Scheme: "basic",
				Description: "For calendar applications: any name, and an API key of the scope tasks:read as the password (RFC 7617).",
			}},
		},
		Tags: []*huma.Tag{
			{Name: "Tasks", Description: "A user's tasks."},
			{Name: "API keys", Description: "A user's keys for what has no browser: agents, scripts, calendars."},
			{Name: "Service", Description: "The state of the service itself."},
		},
	}
}

// Revalidate is the Cache-Control of answers with an entity tag.
const Revalidate = "private, no-cache"

// headers describes the header fields of answers, each once for all operations.
func headers() map[string]*huma.Header {
	text := func(description, format, pattern string, most int, example string) *huma.Header {
		return &huma.Header{Description: description, Example: example, Schema: &huma.Schema{
			Type: huma.TypeString, Format: format, Pattern: pattern, MaxLength: &most,
		}}
	}
	least, most := 1.0, 3600.0
	all := map[string]*huma.Header{
		"Access-Control-Allow-Origin": text("The Origin of the request, when CORS_ORIGINS lists it; otherwise absent.", "uri", "", 255, "https://app.example.com"),
		"Cache-Control": {
			Description: "`private, no-cache` (may be kept, and must be checked by its ETag before each use) on an answer with an ETag, otherwise `no-store`.",
			Schema:      &huma.Schema{Type: huma.TypeString, Enum: []any{Revalidate, "no-store"}},
		},
		"ETag":                text("What the answer is, as a strong entity tag: a task's version, or the mark of a list.", "", `^"[A-Za-z0-9_-]+"$`, 60, `"1"`),
		"Link":                text("The next page, when there is one: `<…>; rel=\"next\"`, a reference relative to the request (RFC 8288).", "", `^<[^>]*>; rel="next"$`, 16000, `<?cursor=AQ&limit=50>; rel="next"`),
		"Preference-Applied":  text("The preferences that were followed (RFC 7240).", "", "^(handling=strict|count=exact|return=minimal)(, (count=exact|return=minimal))?$", 40, "handling=strict"),
		"Docket-Ignored":      text("What was ignored of the request, up to 20 names: members of the body as JSON pointers, and query parameters behind a question mark (a list of strings, RFC 9651). Absent: nothing was.", "", `^"[ -~]*"(, "[ -~]*")*$`, 4000, `"/titel", "?foo"`),
		"X-Total-Count":       text("How many tasks the list has on all pages, with `Prefer: count=exact`.", "", "^[0-9]+$", 20, "120"),
		"Idempotent-Replayed": text("`true` when the answer is that of an earlier request with the same Idempotency-Key; otherwise absent.", "", "^true$", 4, "true"),
		"RateLimit":           text("How much of the policy is left: r requests, and all of it again in t seconds (draft-ietf-httpapi-ratelimit-headers). Absent without RATE_LIMIT.", "", `^"user";r=[0-9]+;t=[0-9]+$`, 60, `"user";r=599;t=1`),
		"RateLimit-Policy":    text("How many requests (q) a user may send in so many seconds (w). Absent without RATE_LIMIT.", "", `^"user";q=[0-9]+;w=[0-9]+$`, 60, `"user";q=600;w=60`),
		"Content-Disposition": text("That the answer is a file, and its name.", "", "^attachment; filename=", 100, `attachment; filename="tasks.json"`),
		"Location":            text("The task, as a reference relative to the request.", "uri-reference", "", 60, "tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b"),
		"Retry-After": {
			Description: "Seconds after which to send the same request again. Absent when the outcome of a write is unknown, and when sending it again would not help.",
			Schema:      &huma.Schema{Type: huma.TypeInteger, Format: "int32", Minimum: &least, Maximum: &most},
			Example:     2,
		},
		"WWW-Authenticate": text("The scheme to authenticate by (RFC 6750). Of an API key it says what is wrong, and of insufficient-scope what is needed; on any other 403 it is absent.", "", "^(Bearer|Basic) ", 300, `Bearer realm="docket"`),
		"X-Request-Id": text("Finds this request in the server's log: the id that the request carried, if it was 1 to 64 letters, digits, dots, underscores and hyphens, else a new one.",
			"", "^[A-Za-z0-9._-]+$", 64, "NQ6F2ZVJ4XK7M3WBT5CRYAHDLE"),
	}
	all["X-Request-Id"].Required = true
	return all
}

// headerRefs refers to fields of headers, and to those that every response has.
func headerRefs(names ...string) map[string]*huma.Header {
	refs := map[string]*huma.Header{}
	for _, name := range append(names, "Access-Control-Allow-Origin", "X-Request-Id", "RateLimit", "RateLimit-Policy", "Docket-Ignored") {
		refs[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
	return refs
}
