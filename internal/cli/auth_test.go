package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	long  = "0123456789abcdef0123456789abcdef"
	other = "fedcba9876543210fedcba9876543210"
)

func TestAuthMode(t *testing.T) {
	type want struct {
		mode, url, issuer, audience string
		secrets                     []string
	}
	for name, test := range map[string]struct {
		environ []string
		want    want
	}{
		"nothing":      {nil, want{mode: "none"}},
		"none":         {[]string{"AUTH=none"}, want{mode: "none"}},
		"key set":      {[]string{"AUTH_JWKS_URL=https://a.example/jwks"}, want{mode: "jwks", url: "https://a.example/jwks"}},
		"discovery":    {[]string{"AUTH_ISSUER=https://a.example/", "AUTH_AUDIENCE=x"}, want{mode: "jwks", issuer: "https://a.example/", audience: "x"}},
		"secret":       {[]string{"AUTH_SECRET=" + long}, want{mode: "secret", secrets: []string{long}}},
		"rotation":     {[]string{"AUTH_SECRET=" + long, "AUTH_SECRET_PREVIOUS=" + other}, want{mode: "secret", secrets: []string{long, other}}},
		"claims":       {[]string{"AUTH_SECRET=" + long, "AUTH_ISSUER=any text", "AUTH_AUDIENCE=y"}, want{mode: "secret", issuer: "any text", audience: "y", secrets: []string{long}}},
		"Better Auth":  {[]string{"BETTER_AUTH_URL=http://localhost:3000", "BETTER_AUTH_SECRET=short"}, want{mode: "jwks", url: "http://localhost:3000/api/auth/jwks", issuer: "http://localhost:3000", audience: "http://localhost:3000"}},
		"with a path":  {[]string{"BETTER_AUTH_URL=https://a.example/app/"}, want{mode: "jwks", url: "https://a.example/app/jwks", issuer: "https://a.example", audience: "https://a.example"}},
		"as written":   {[]string{"BETTER_AUTH_URL=https://A.example:443/"}, want{mode: "jwks", url: "https://a.example/api/auth/jwks", issuer: "https://a.example", audience: "https://a.example"}},
		"overridden":   {[]string{"BETTER_AUTH_URL=https://a.example", "AUTH_ISSUER=me", "AUTH_AUDIENCE=you"}, want{mode: "jwks", url: "https://a.example/api/auth/jwks", issuer: "me", audience: "you"}},
		"its secret":   {[]string{"BETTER_AUTH_SECRET=" + long}, want{mode: "secret", secrets: []string{long}}},
		"AUTH_* first": {[]string{"AUTH_SECRET=" + long, "BETTER_AUTH_URL=https://a.example", "BETTER_AUTH_SECRET=" + other}, want{mode: "secret", secrets: []string{long}}},
		"AUTH_* again": {[]string{"AUTH_JWKS_URL=https://b.example/jwks", "BETTER_AUTH_URL=https://a.example"}, want{mode: "jwks", url: "https://b.example/jwks"}},
		"spelled out":  {[]string{"AUTH=secret", "BETTER_AUTH_URL=https://a.example", "BETTER_AUTH_SECRET=" + long}, want{mode: "secret", secrets: []string{long}}},
	} {
		t.Run(name, func(t *testing.T) {
			inDir(t, "")
			c, err := loadConfig(test.environ)
			if err != nil {
				t.Fatal(err)
			}
			o := c.Auth.options()
			got := want{mode: c.Auth.mode(), url: o.JWKSURL, issuer: o.Issuer, audience: o.Audience}
			for _, s := range o.Secrets {
				got.secrets = append(got.secrets, s.Reveal())
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuthFaults(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		want    string
	}{
		"unknown":         {[]string{"AUTH=basic"}, "AUTH must be jwks, secret or none"},
		"none and keys":   {[]string{"AUTH=none", "AUTH_JWKS_URL=https://a.example/jwks"}, "AUTH=none together"},
		"none and secret": {[]string{"AUTH=none", "AUTH_SECRET=" + long}, "AUTH=none together"},
		"none and Better": {[]string{"AUTH=none", "BETTER_AUTH_URL=https://a.example"}, "AUTH=none together"},
		"both":            {[]string{"AUTH_JWKS_URL=https://a.example/jwks", "AUTH_SECRET=" + long}, "AUTH_JWKS_URL and AUTH_SECRET are mutually"},
		"jwks and secret": {[]string{"AUTH=jwks", "AUTH_ISSUER=https://a.example", "AUTH_SECRET=" + long}, "AUTH=jwks and AUTH_SECRET are mutually"},
		"secret and keys": {[]string{"AUTH=secret", "AUTH_JWKS_URL=https://a.example", "BETTER_AUTH_SECRET=" + long}, "AUTH=secret and AUTH_JWKS_URL are mutually"},
		"no keys":         {[]string{"AUTH=jwks", "BETTER_AUTH_SECRET=" + long}, "AUTH=jwks needs"},
		"no secret":       {[]string{"AUTH=secret", "BETTER_AUTH_URL=https://a.example"}, "AUTH=secret needs"},
		"short":           {[]string{"AUTH_SECRET=hunter2"}, "AUTH_SECRET must have at least 32 bytes"},
		"short, previous": {[]string{"AUTH_SECRET=" + long, "AUTH_SECRET_PREVIOUS=hunter2"}, "AUTH_SECRET_PREVIOUS must have"},
		"short, Better":   {[]string{"BETTER_AUTH_SECRET=hunter2"}, "BETTER_AUTH_SECRET must have"},
		"known":           {[]string{"BETTER_AUTH_SECRET=better-auth-secret-12345678901234567890"}, "is an example from published documentation"},
		"comment":         {[]string{"AUTH_SECRET=# at least 32 bytes: openssl rand -base64 32"}, "AUTH_SECRET begins with #"},
		"plain http":      {[]string{"AUTH_JWKS_URL=http://a.example/jwks"}, "AUTH_JWKS_URL must begin with https://"},
		"no URL":          {[]string{"AUTH_ISSUER=example"}, "AUTH_ISSUER must be a URL"},
		"password":        {[]string{"BETTER_AUTH_URL=https://u:hunter2@a.example"}, "BETTER_AUTH_URL must be a URL"},
		"two sources":     {[]string{"AUTH_SECRET=" + long, "AUTH_SECRET_FILE=x"}, "AUTH_SECRET and AUTH_SECRET_FILE are both set"},
		"no file":         {[]string{"AUTH_SECRET_FILE=none"}, "AUTH_SECRET_FILE cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			inDir(t, "")
			_, err := loadConfig(test.environ)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("the error is %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), long)) {
				t.Errorf("it contains a secret: %v", err)
			}
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	inDir(t, "AUTH_SECRET_FILE=secret.txt\nDATABASE_URL_FILE=url.txt\n")
	for name, text := range map[string]string{"secret.txt": long + "\n", "url.txt": "postgres://u:hunter2@127.0.0.1/app\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if code := Run(t.Context(), []string{"config"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	shown := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"AUTH_SECRET [secret] secret.txt", "DATABASE_URL postgres://u:xxxxx@127.0.0.1/app url.txt"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in %s", want, shown)
		}
	}
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, long) {
		t.Errorf("a secret is printed: %s", shown)
	}
}

func TestTokenCommand(t *testing.T) {
	inDir(t, "")
	var out, errs bytes.Buffer
	if code := Run(t.Context(), []string{"token", "--sub", "alice"}, []string{"AUTH_SECRET=" + long}, &out, &errs); code != 0 || strings.Count(out.String(), ".") != 2 {
		t.Errorf("exit %d: %s%s", code, &out, &errs)
	}
	for _, args := range [][]string{{"token"}, {"token", "--sub", ".."}, {"token", "--sub", "alice", "--ttl", "-1h"}} {
		if code := Run(t.Context(), args, []string{"AUTH_SECRET=" + long}, &out, &errs); code != 1 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
	errs.Reset()
	if code := Run(t.Context(), []string{"token", "--sub", "alice"}, []string{"AUTH_ISSUER=https://a.example"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "AUTH_SECRET") {
		t.Errorf("without a secret, exit %d: %s", code, &errs)
	}
}
