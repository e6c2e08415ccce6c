package docket

import (
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
	"time"
)

var whole = regexp.MustCompile("^" + APIKeyPattern + "$")

// TestAPIKeyText issues keys of all kinds of users and reads their texts.
func TestAPIKeyText(t *testing.T) {
	now := time.Date(2026, 1, 31, 9, 30, 0, 123_456_789, time.FixedZone("", 3600))
	for _, owner := range []UserID{"a", "alice", "auth0|62c…", "😀@example.com", UserID(strings.Repeat("é", MaxUserID)), UserID(strings.Repeat("😀", MaxUserID))} {
		key, text, err := IssueAPIKey(owner, NewAPIKey{Name: " a key\n", Scopes: ReadTasks, ExpiresAt: now.Add(time.Hour)}, now, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		read, ok := ParseAPIKey(text)
		if !ok || read != (PresentedAPIKey{owner, key.ID, key.Hash}) || !whole.MatchString(text) || key.Hash != sha256.Sum256([]byte(text)) {
			t.Errorf("%q was read as %+v, %t", text, read, ok)
		}
		if key.Name != "a key" || key.CreatedAt.Nanosecond() != 123_456_000 || key.CreatedAt.Location() != time.UTC || !key.ExpiresAt.Equal(key.CreatedAt.Add(time.Hour)) {
			t.Errorf("the key is %+v", key)
		}
		_, again, err := IssueAPIKey(owner, NewAPIKey{Name: "a", Scopes: ReadTasks}, now, rand.Reader)
		if err != nil || again[len(again)-43:] == text[len(text)-43:] {
			t.Errorf("two keys have one secret, %v", err)
		}
		// Whatever one changes, it is another key or none.
		for i := range text {
			changed := text[:i] + "A" + text[i+1:]
			if other, ok := ParseAPIKey(changed); ok && other.Hash == read.Hash && changed != text {
				t.Errorf("%q is read as %q", changed, text)
			}
		}
	}
}

func TestTextsThatAreNoAPIKey(t *testing.T) {
	const user, id, secret = "YWxpY2U", "019a4e6f-1b2c-7d3e-8f40-516273849a5b", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	if _, ok := ParseAPIKey("dkt_" + user + "." + id + "." + secret); !ok {
		t.Fatal("the key that the others differ from is none")
	}
	for name, text := range map[string]string{
		"empty": "", "a prefix": "dkt_", "dots": "dkt_..", "another prefix": "dkx_" + user + "." + id + "." + secret, "upper case": "DKT_" + user + "." + id + "." + secret,
		"a space": "dkt_ " + user + "." + id + "." + secret, "a line break": "dkt_" + user + "\n." + id + "." + secret, "trailing": "dkt_" + user + "." + id + "." + secret + "\n",
		"two parts": "dkt_" + user + "." + id, "four parts": "dkt_" + user + "." + id + "." + secret + ".",
		"no user": "dkt_." + id + "." + secret, "a user with a bit more": "dkt_YWxpY2V." + id + "." + secret, "padding": "dkt_YWxpY2U=." + id + "." + secret,
		"a dot as the user": "dkt_Lg." + id + "." + secret, "a control character": "dkt_AA." + id + "." + secret, "no UTF-8": "dkt__w." + id + "." + secret,
		"a long user":      "dkt_" + strings.Repeat("YWFh", 86) + "." + id + "." + secret,
		"an upper-case id": "dkt_" + user + "." + strings.ToUpper(id) + "." + secret, "a bare id": "dkt_" + user + "." + strings.ReplaceAll(id, "-", "") + "." + secret,
		"an id of version 4": "dkt_" + user + ".019a4e6f-1b2c-4d3e-8f40-516273849a5b." + secret,
		"a short secret":     "dkt_" + user + "." + id + "." + secret[1:], "a long secret": "dkt_" + user + "." + id + "." + secret + "A",
		"a secret with a bit more": "dkt_" + user + "." + id + "." + secret[1:] + "B", "standard base64": "dkt_" + user + "." + id + ".+" + secret[1:],
	} {
		if read, ok := ParseAPIKey(text); ok {
			t.Errorf("%s: %q was read as %+v", name, text, read)
		}
	}
}

func TestNewAPIKeyFaults(t *testing.T) {
	now := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	good := NewAPIKey{Name: "key", Scopes: ReadTasks}
	for name, test := range map[string]struct {
		change func(*NewAPIKey)
		want   string
	}{
		"good":            {func(*NewAPIKey) {}, ""},
		"longest name":    {func(n *NewAPIKey) { n.Name = strings.Repeat("😀", 100) }, ""},
		"long name":       {func(n *NewAPIKey) { n.Name = strings.Repeat("😀", 101) }, "/name too_long"},
		"empty name":      {func(n *NewAPIKey) { n.Name = " \t\n\u2003" }, "/name too_short"},
		"NUL":             {func(n *NewAPIKey) { n.Name = "a\x00" }, "/name nul_character"},
		"bad UTF-8":       {func(n *NewAPIKey) { n.Name = "\xff" }, "/name invalid_utf8"},
		"no scope":        {func(n *NewAPIKey) { n.Scopes = 0 }, "/scopes too_short"},
		"expires later":   {func(n *NewAPIKey) { n.ExpiresAt = now.Add(1) }, ""},
		"expires now":     {func(n *NewAPIKey) { n.ExpiresAt = now }, "/expires_at past"},
		"expires earlier": {func(n *NewAPIKey) { n.ExpiresAt = now.Add(-time.Hour) }, "/expires_at past"},
		"everything":      {func(n *NewAPIKey) { *n = NewAPIKey{ExpiresAt: now} }, "/name too_short, /scopes too_short, /expires_at past"},
	} {
		n := good
		test.change(&n)
		var got []string
		for _, fault := range n.Normalize(now) {
			got = append(got, fault.Name+" "+fault.Code)
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %v, want %q", name, got, test.want)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, name := range ScopeNames() {
		scope, known := ParseScope(name)
		if !known || scope.String() != name || ParseScopes("x "+name+"\t"+name) != scope || !AllScopes.Allow(scope) || !scope.Allow(scope) || Scopes(0).Allow(scope) {
			t.Errorf("the scope %s is %q", name, scope)
		}
	}
	for _, name := range []string{"", "tasks", "tasks:", "tasks:read ", "Tasks:Read", "tasks:*", "*"} {
		if scope, known := ParseScope(name); known {
			t.Errorf("%q is the scope %q", name, scope)
		}
	}
	if !WriteTasks.Allow(ReadTasks) || ReadTasks.Allow(WriteTasks) || (EraseUser | ManageKeys).Allow(ReadTasks) {
		t.Error("tasks:write alone includes tasks:read")
	}
	if got := ReadTasks.Lacking(WriteTasks | EraseUser); got.String() != "tasks:write user:erase" {
		t.Errorf("lacking is %q", got)
	}
}
