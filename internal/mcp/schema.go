package mcp

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// schema is the part of JSON Schema that the tools' schemas use. The same object is
// sent to clients and checks their arguments, so the two cannot differ. There are no
// unions of types and no formats: clients truncate or refuse these.
type schema struct {
	text jsontext.Value // what clients get

	Type                 string             `json:"type"`
	Description          string             `json:"description"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	MinProperties        int                `json:"minProperties"`
	AdditionalProperties *bool              `json:"additionalProperties"` // of every object false
	Items                *schema            `json:"items"`
	MinItems             int                `json:"minItems"`
	MaxItems             int                `json:"maxItems"`
	UniqueItems          bool               `json:"uniqueItems"`
	Enum                 []string           `json:"enum"`
	MinLength            int                `json:"minLength"` // in code points, as MaxLength
	MaxLength            int                `json:"maxLength"` // 0: any
	Minimum              int64              `json:"minimum"`
	Maximum              int64              `json:"maximum"` // 0: any
	Default              jsontext.Value     `json:"default"`
}

// parseSchema returns the schema that a text holds. It panics when the text has a
// keyword that nothing would check.
func parseSchema(text string) *schema {
	s := &schema{text: jsontext.Value(text)}
	if err := json.Unmarshal(s.text, s, json.RejectUnknownMembers(true)); err != nil {
		panic("mcp: a schema: " + err.Error())
	}
	if err := s.text.Compact(); err != nil {
		panic("mcp: a schema: " + err.Error())
	}
	return s
}

// MarshalJSON returns the schema as it was written.
func (s *schema) MarshalJSON() ([]byte, error) { return s.text, nil }

// want says what to send, to follow "Send".
func (s *schema) want() string {
	switch {
	case len(s.Enum) > 0:
		return `"` + strings.Join(s.Enum[:len(s.Enum)-1], `", "`) + `" or "` + s.Enum[len(s.Enum)-1] + `"`
	case s.Type == "string" && s.MaxLength > 0:
		return fmt.Sprintf("a string of %d to %d characters", s.MinLength, s.MaxLength)
	case s.Type == "array":
		return fmt.Sprintf("an array of %d to %d elements", s.MinItems, s.MaxItems)
	case s.Type == "integer" && s.Maximum > 0:
		return fmt.Sprintf("a whole number from %d to %d", s.Minimum, s.Maximum)
	case s.Type == "integer":
		return fmt.Sprintf("a whole number, %d or more", s.Minimum)
	case s.Type == "boolean":
		return "true or false"
	}
	return map[string]string{"string": "a string", "object": "an object"}[s.Type]
}
