package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestWrongConfigurationKeepsSecrets starts docket with secrets that are mistyped or
// in the wrong variable. None of them is printed.
func TestWrongConfigurationKeepsSecrets(t *testing.T) {
	t.Parallel()
	h := newHunt(t)
	dir := t.TempDir()
	var running sync.WaitGroup
	slots := make(chan struct{}, 16) // processes at the same time: some only wait for a database
	missing := filepath.Join(dir, "no-such-file")
	escaped := url.UserPassword("docket", canaryPassword).String()
	for name, env := range map[string][]string{
		"nobody listens":           {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable"},
		"no such host":             {"DATABASE_URL=postgres://" + escaped + "@no-such-host.invalid/db?sslmode=disable"},
		"not encoded":              {"DATABASE_URL=postgres://docket:" + canaryPassword + "@127.0.0.1/db"},
		"not encoded, slash first": {"DATABASE_URL=postgres://docket:/" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, digit first": {"DATABASE_URL=postgres://docket:1/" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, hash first":  {"DATABASE_URL=postgres://docket:#" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, percent":     {"DATABASE_URL=postgres://docket:%zz" + canaryBasic + "@127.0.0.1:1/db"},
		"not encoded, question":    {"DATABASE_URL=postgres://docket:?" + canarySecret + "@127.0.0.1:1/db"},
		"port":                     {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:port/db"},
		"bracket":                  {"DATABASE_URL=postgres://" + escaped + "@[::1/db"},
		"no slashes":               {"DATABASE_URL=postgres:" + escaped + "@127.0.0.1:1/db"},
		"scheme":                   {"DATABASE_URL=postgress://" + escaped + "@127.0.0.1:1/db"},
		"other scheme":             {"DATABASE_URL=mysql://" + escaped + "@127.0.0.1:1/db"},
		"upper case":               {"DATABASE_URL=POSTGRES://" + escaped + "@127.0.0.1:1/db"},
		"keywords":                 {"DATABASE_URL=host=127.0.0.1 user=docket password=" + canaryPassword},
		"unknown parameter":        {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?nothing=" + url.QueryEscape(canarySecret)},
		"wrong parameter":          {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=" + url.QueryEscape(canarySecret)},
		"wrong timeout":            {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?connect_timeout=soon"},
		"no certificate":           {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=verify-full&sslpassword=" + url.QueryEscape(canarySecret) + "&sslrootcert=" + missing},
		"password as a parameter":  {"DATABASE_URL=postgres://docket@127.0.0.1:1/db?sslmode=disable&password=" + url.QueryEscape(canaryPassword)},
		"direct URL":               {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable", "DIRECT_DATABASE_URL=postgres://" + escaped + "@127.0.0.1:2/db?sslmode=disable"},
		"wrong direct URL":         {"DATABASE_URL=postgres://" + escaped + "@127.0.0.1:1/db", "DIRECT_DATABASE_URL=postgres://" + escaped + "@127.0.0.1:port/db"},
		"short secret":             {"AUTH_SECRET=" + canaryBasic},
		"secret and key set":       {"AUTH_SECRET=" + canarySecret, "AUTH_JWKS_URL=https://auth.example.com/jwks"},
		"secret without a use":     {"AUTH=none", "AUTH_SECRET=" + canarySecret, "BETTER_AUTH_SECRET=" + canaryPrevious},
		"secret twice":             {"AUTH_SECRET=" + canarySecret, "AUTH_SECRET_FILE=" + missing},
		"secret file":              {"AUTH_SECRET_FILE=" + missing},
		"secret file is a folder":  {"AUTH_SECRET_FILE=" + dir},
		"secret as AUTH":           {"AUTH=" + canarySecret},
		"secret as PORT":           {"PORT=" + canarySecret},
		"secret as LOG_LEVEL":      {"LOG_LEVEL=" + canarySecret},
		"secret as LOG_FORMAT":     {"LOG_FORMAT=" + canarySecret},
		"secret as MIGRATE":        {"MIGRATE=" + canarySecret},
		"secret as exec mode":      {"DATABASE_EXEC_MODE=" + canarySecret},
		"secret as pool size":      {"DATABASE_MAX_CONNS=" + canarySecret},
		"password of the key set":  {"AUTH_JWKS_URL=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com/jwks"},
		"password of the issuer":   {"AUTH_ISSUER=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com"},
		"password of Better Auth":  {"BETTER_AUTH_URL=https://u:" + url.QueryEscape(canarySecret) + "@auth.example.com"},
		"line of a .env file":      nil,
		"quote of a .env file":     nil,
		"password of a .env file":  nil,
	} {
		dir := t.TempDir()
		if env == nil {
			text := map[string]string{
				"line of a .env file":     "AUTH_SECRET: " + canarySecret + "\n" + canaryPassword + "\n",
				"quote of a .env file":    "AUTH_SECRET=\"" + canarySecret + "\nPORT=1\n",
				"password of a .env file": "DATABASE_URL='postgres://" + escaped + "@127.0.0.1:1/db?sslmode=disable\n",
			}[name]
			if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]string{{"serve"}, {"config"}, {"migrate", "status"}, {"import"}} {
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if _, code := h.run(dir, append([]string{"PORT=0", "LOG_LEVEL=debug"}, env...), command...); code == 0 && command[0] == "serve" {
					t.Errorf("%s: docket served", name)
				}
			})
		}
	}
	running.Wait()
}
