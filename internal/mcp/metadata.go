package mcp

import (
	"net/http"

	"github.com/go-json-experiment/json"

	"docket"
	"docket/internal/edge"
)

// metadataPath is where clients look for the metadata of a server (RFC 9728, section 3).
const metadataPath = "/.well-known/oauth-protected-resource"

// MetadataURL returns the URL of the metadata of a server that clients reach at
// publicURL.
func MetadataURL(publicURL string) string { return publicURL + metadataPath + edge.AgentsPath }

// Audience returns the audience of tokens for the tools of a server that clients reach
// at publicURL.
func Audience(publicURL string) string { return publicURL + edge.AgentsPath }

// metadata is what a client has to know to get a token (RFC 9728, section 2).
type metadata struct {
	Resource string   `json:"resource"`
	Issuers  []string `json:"authorization_servers,omitempty"`
	Scopes   []string `json:"scopes_supported"`
	Methods  []string `json:"bearer_methods_supported"`
	Name     string   `json:"resource_name"`
}

// serveMetadata needs no authentication.
func (a *Agents) serveMetadata(w http.ResponseWriter, _ *http.Request) error {
	text, err := json.Marshal(metadata{
		Resource: Audience(a.options.PublicURL), Issuers: a.options.Issuers,
		Scopes: (docket.ReadTasks | docket.WriteTasks).Names(), Methods: []string{"header"}, Name: "Docket",
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(text) // the client may have gone
	return nil
}
