package httpapi

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// contractVersion is the version of the API, not of the program: it changes
// when a client can see it.
const contractVersion = "1.0.0"

// description is the part of the contract that is not about one operation.
func description() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:   "Docket",
			Version: contractVersion,
			Description: "Tasks for the users of an application.\n\n" +
				"Everything about a user's tasks lies under `/api/{user_id}`. Text is counted in Unicode code points and stored as given, but for white space around a title. " +
				"Every error is a problem document (RFC 9457) whose `type` leads to a page that explains it. " +
				"Unknown fields and query parameters are refused, with the name that was probably meant.",
			License: &huma.License{Name: "MIT", Identifier: "MIT"},
		},
		Servers:    []*huma.Server{{URL: "/", Description: "This server"}},
		Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		Tags: []*huma.Tag{
			{Name: "Tasks", Description: "A user's tasks."},
			{Name: "Service", Description: "The state of the service itself."},
		},
	}
}

// contract serves the OpenAPI document.
func (a *api) contract() {
	jsonText, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		panic("httpapi: the contract cannot be written: " + err.Error())
	}
	yamlText, err := a.huma.OpenAPI().YAML()
	if err != nil {
		panic("httpapi: the contract cannot be written: " + err.Error())
	}
	a.static("/openapi.json", "application/openapi+json", jsonText)
	a.static("/openapi.yaml", "application/openapi+yaml", yamlText)
}
