package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The canaries are texts that occur nowhere else. Those in place of secrets have
// characters that encodings change.
const (
	canaryPassword = "pw-Zeisig/7+q=@Z#kanarie"
	canarySecret   = "secret-Girlitz/8+w=&Y?kanarie-0123456789"
	canaryPrevious = "previous-Stieglitz/9+e=&X?kanarie-0123456"
	canaryCookie   = "cookie-Haenfling-kanarie"
	canaryBasic    = "basic-Gimpel-kanarie"
	canaryTitle    = "title-Buchfink äöü \"kanarie\""
	canaryText     = "description-Bergfink <äöü> kanarie"
)

// canary is a text that must not appear outside its place.
type canary struct {
	name  string
	forms []string
}

func newCanary(name, text string) canary {
	quoted, _ := json.Marshal(text) // a string can always be encoded
	forms := []string{
		text, url.QueryEscape(text), url.PathEscape(text), url.UserPassword("", text).String()[1:],
		strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", text), `"`), strings.Trim(fmt.Sprintf("%+q", text), `"`),
		hex.EncodeToString([]byte(text)),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // bytes before it, which shift it; characters that encode other bytes too are left out
			whole := encoding.EncodeToString([]byte("xx"[:before] + text))
			forms = append(forms, whole[(8*before+5)/6:8*(before+len(text))/6])
		}
	}
	slices.Sort(forms)
	return canary{name, slices.Compact(forms)}
}

// in returns the forms of the canary that text contains.
func (c canary) in(text string) []string {
	return slices.DeleteFunc(slices.Clone(c.forms), func(form string) bool { return !strings.Contains(text, form) })
}

// TestCanaryForms shows that a canary is found in every usual encoding.
func TestCanaryForms(t *testing.T) {
	c := newCanary("password", canaryPassword)
	u := url.URL{Scheme: "postgres", User: url.UserPassword("docket", canaryPassword), Host: "h", RawQuery: url.Values{"password": {"p"}}.Encode()}
	quoted, err := json.Marshal(map[string]string{"error": canaryPassword})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"a " + canaryPassword + " b", u.String(), "x?password=" + url.QueryEscape(canaryPassword), string(quoted),
		fmt.Sprintf("%q", canaryPassword), fmt.Sprintf("%x", "ab"+canaryPassword+"c"),
	} {
		if len(c.in(text)) == 0 {
			t.Errorf("not found in %s", text)
		}
	}
	for before := range 4 {
		for after := range 4 {
			text := []byte(strings.Repeat("a", before) + canaryPassword + strings.Repeat("b", after))
			if len(c.in(base64.StdEncoding.EncodeToString(text))) == 0 || len(c.in(base64.RawURLEncoding.EncodeToString(text))) == 0 {
				t.Errorf("not found in base64 with %d bytes before and %d after", before, after)
			}
		}
	}
	if found := c.in("postgres://docket:xxxxx@h"); len(found) > 0 {
		t.Errorf("found where it is not: %q", found)
	}
}

// hunt looks for canaries in the answers, output and log of docket.
type hunt struct {
	t        *testing.T
	secrets  []canary // must appear nowhere
	texts    []canary // must appear only in bodies of successes
	statuses map[int]int
	seen     map[string]bool // texts that have appeared in bodies of successes
}

func newHunt(t *testing.T) *hunt {
	h := &hunt{t: t, statuses: map[int]int{}, seen: map[string]bool{}}
	for name, text := range map[string]string{
		"database password": canaryPassword, "AUTH_SECRET": canarySecret, "AUTH_SECRET_PREVIOUS": canaryPrevious,
		"cookie": canaryCookie, "basic credentials": canaryBasic,
	} {
		h.secrets = append(h.secrets, newCanary(name, text))
	}
	h.texts = []canary{newCanary("title", canaryTitle), newCanary("description", canaryText)}
	return h
}

// token adds the claims and the signature of a token to the secrets.
func (h *hunt) token(token string) string {
	h.t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		h.t.Fatalf("not a token: %q", token)
	}
	h.secrets = append(h.secrets, canary{"token", parts[1:]})
	return token
}

// key adds the secret of an API key to the secrets.
func (h *hunt) key(text string) string {
	h.t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 || !strings.HasPrefix(text, "dkt_") {
		h.t.Fatalf("not an API key: %q", text)
	}
	h.secrets = append(h.secrets, newCanary("API key", parts[2]))
	return text
}

// none fails the test when text contains one of the canaries.
func (h *hunt) none(where, text string, canaries ...[]canary) {
	h.t.Helper()
	for _, c := range slices.Concat(canaries...) {
		if found := c.in(text); len(found) > 0 {
			h.t.Errorf("%s contains the %s, as %q:\n%.2000s", where, c.name, found, text)
		}
	}
}

// answered searches an answer.
func (h *hunt) answered(where string, a answer) {
	h.t.Helper()
	h.statuses[a.Status]++
	var header strings.Builder
	_ = a.Header.Write(&header) // a Builder returns no error
	h.none(where+", header", header.String(), h.secrets, h.texts)
	h.none(where+", body", string(a.Body), h.secrets)
	if a.Status >= 400 {
		h.none(where+", body", string(a.Body), h.texts)
		return
	}
	for _, c := range h.texts {
		h.seen[c.name] = h.seen[c.name] || len(c.in(string(a.Body))) > 0
	}
}

// run runs docket with args until it ends, and searches its output.
func (h *hunt) run(dir string, env []string, args ...string) (stdout string, code int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Error(err)
		return "", -1
	}
	where := fmt.Sprintf("%q docket %s", env, strings.Join(args, " "))
	h.none(where+", stderr", log.String(), h.secrets, h.texts)
	if args[0] != "token" && args[0] != "key" {
		h.none(where+", stdout", out.String(), h.secrets, h.texts)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
