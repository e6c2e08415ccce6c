// Package secret holds text that must not be shown.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Text is a secret. However it is printed, logged or encoded, what appears is
// a placeholder; Reveal is the only way to what it holds. The zero Text is an
// unset one.
type Text struct{ value *string } // fmt does not follow a pointer in a struct

// New returns a Text that holds value.
func New(value string) Text { return Text{&value} }

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsSet reports whether there is a secret.
func (t Text) IsSet() bool { return t.Reveal() != "" }

const placeholder = "[secret]"

// String implements fmt.Stringer.
func (Text) String() string { return placeholder }

// Format implements fmt.Formatter, for every verb: %d would look inside.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// MarshalText implements encoding.TextMarshaler, for JSON and its like.
func (Text) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(placeholder) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(text []byte) error {
	*t = New(string(text))
	return nil
}
