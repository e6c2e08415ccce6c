package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestValueIsNeverPrinted(t *testing.T) {
	const hidden = "hunter2"
	text := New(hidden)
	holder := struct {
		Secret  Text
		Pointer *Text
		List    []Text
		Map     map[string]Text
	}{text, &text, []Text{text}, map[string]Text{"a": text}}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%p"} {
		fmt.Fprintf(&shown, verb+verb+verb, text, &text, holder)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(handler).Info("secret", "text", text, "pointer", &text, "holder", holder, "error", fmt.Errorf("wrapped: %v", text))
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	if strings.Contains(shown.String(), hidden) || strings.Contains(shown.String(), fmt.Sprintf("%x", hidden)) {
		t.Errorf("the secret is printed: %s", &shown)
	}
	if text.Reveal() != hidden || !text.IsSet() || (Text{}).IsSet() {
		t.Error("the value is wrong")
	}
}
