// Package secret holds text that must not be printed.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Text is a secret. Printing, logging and encoding it give a placeholder; only
// Reveal returns its value. The zero Text is unset.
type Text struct{ value *string } // a pointer, because fmt does not follow one inside a struct

// New returns a Text that holds value.
func New(value string) Text { return Text{&value} }

// Reveal returns the value.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsSet reports whether the value is not empty.
func (t Text) IsSet() bool { return t.Reveal() != "" }

const placeholder = "[secret]"

// String implements fmt.Stringer.
func (Text) String() string { return placeholder }

// Format implements fmt.Formatter for every verb: without it %d would print the field.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// MarshalText implements encoding.TextMarshaler, which JSON encoders use.
func (Text) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(placeholder) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(text []byte) error {
	*t = New(string(text))
	return nil
}
