package connect

import (
	"strings"
	"testing"
	"time"
)

func TestParseURL(t *testing.T) {
	for name, test := range map[string]struct {
		url     string
		pooled  bool
		warns   bool
		runtime map[string]string // the startup parameters, without the default application_name
	}{
		"plain":            {"postgres://u:p@127.0.0.1/app", false, false, nil},
		"socket":           {"postgres:///app?host=/run/postgresql", false, false, nil},
		"Neon pooled":      {"postgresql://u:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require", true, true, nil},
		"Neon direct":      {"postgresql://u:p@ep-cool-1.eu-central-1.aws.neon.tech/neondb?sslmode=require", false, true, nil},
		"Neon for Prisma":  {"postgresql://u:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&pgbouncer=true&connect_timeout=15&pool_timeout=15&connection_limit=5", true, true, nil},
		"Neon, endpoint":   {"postgres://u:p@ep-cool-1.eu-central-1.aws.neon.tech/db?options=endpoint%3Dep-cool-1&sslmode=require", false, true, map[string]string{"options": "endpoint=ep-cool-1"}},
		"endpoint, else":   {"postgres://u:p@localhost/db?options=endpoint%3Dep-cool-1", false, false, nil},
		"Python":           {"postgresql+asyncpg://u:p@localhost:5432/app?ssl=disable", false, false, nil},
		"Python on Neon":   {"postgresql+asyncpg://u:p@ep-cool-1-pooler.neon.tech/app?ssl=require&prepared_statement_cache_size=0", true, true, nil},
		"asyncpg, boolean": {"postgresql+psycopg://u:p@localhost/app?ssl=false", false, false, nil},
		"verified":         {"postgres://u:p@db.example/app?sslmode=verify-full&sslrootcert=system", false, false, nil},
		"pgbouncer's port": {"postgres://u:p@127.0.0.1:6432/app", true, false, nil},
		"named":            {"postgres://u:p@127.0.0.1/app?application_name=web", false, false, map[string]string{"application_name": "web"}},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := ParseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if target.Pooled != test.pooled || (len(target.Warnings) > 0) != test.warns {
				t.Errorf("pooled %v, warnings %q", target.Pooled, target.Warnings)
			}
			if test.runtime["application_name"] == "" && target.config.RuntimeParams["application_name"] == "docket" {
				delete(target.config.RuntimeParams, "application_name")
			}
			if got := target.config.RuntimeParams; len(got) != len(test.runtime) {
				t.Errorf("asks the server for %v", got)
			}
			for name, want := range test.runtime {
				if got := target.config.RuntimeParams[name]; got != want {
					t.Errorf("asks the server for %s=%s, want %s", name, got, want)
				}
			}
			if target.config.ConnectTimeout != 15*time.Second {
				t.Errorf("connect timeout is %s", target.config.ConnectTimeout)
			}
			if s := target.String(); strings.Contains(s, "p@") || !strings.Contains(s, "PostgreSQL") {
				t.Errorf("it is shown as %s", s)
			}
		})
	}
}

// TestTargetAt keeps everything of a URL but the address.
func TestTargetAt(t *testing.T) {
	for _, text := range []string{
		"postgres://docket:secret@db.example:5433/tasks?sslmode=verify-full&sslrootcert=system",
		"postgresql://tasks?host=one,two&port=1,2&user=docket&password=secret&sslmode=verify-full&sslrootcert=system&target_session_attrs=read-write",
	} {
		at, err := parsed(t, strings.Replace(text, "//tasks", "///tasks", 1)).At("worker.example:5555")
		if err != nil {
			t.Fatal(err)
		}
		c := at.config
		if c.Host != "worker.example" || c.Port != 5555 || c.User != "docket" || c.Password != "secret" || c.Database != "tasks" || c.TLSConfig == nil || c.TLSConfig.ServerName != "worker.example" || len(c.Fallbacks) > 0 {
			t.Errorf("%s became %s as %s, TLS %+v, %d fallbacks", text, at, c.User, c.TLSConfig, len(c.Fallbacks))
		}
	}
}

// parsed is the target of a URL that is right.
func parsed(t *testing.T, text string) Target {
	t.Helper()
	target, err := ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestParseURLRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://u:hunter2@h/d":                                     "must begin with",
		"postgres://u:hunter2%@h/d":                                 "percent-encode",
		"postgres://u:hunter2@h/d?schema=app":                       "schema docket",
		"postgres://u:hunter2@h/d?search_path=app":                  "schema docket",
		"postgres://u:hunter2@h/d?statement_timeout=5":              "remove it",
		"postgres://u:hunter2@h/d?default_query_exec_mode=exec":     "DATABASE_EXEC_MODE",
		"postgres://u:hunter2@h/d?pool_max_conns=5":                 "DATABASE_MAX_CONNS",
		"postgres://u:hunter2@h/d?magic=1":                          "magic, which is not understood",
		"postgres://u:hunter2@h/d?sslmode=maybe":                    "cannot be used",
		"postgres://u:hunter2@h/d?sslmode=require&sslmode=disable":  "twice",
		"postgres://u:?hunter2@h/d":                                 "percent-encode",
		"postgres://u:12/hunter2@h/d":                               "percent-encode",
		"postgres://u:12#hunter2@h/d":                               "percent-encode",
		"postgres://u:/hunter2@h/d":                                 "percent-encode",
		"postgres:u:hunter2@h/d":                                    "percent-encode",
		"postgres://u:a#hunter2@h/d":                                "is not a URL",
		"postgres://u:hunter2@h:port/d":                             "is not a URL",
		"postgres://u:hunter2@h/d?connect_timeout=soon":             "cannot be used",
		"postgres://u:hunter2@h/d?a=%zz":                            "cannot be decoded",
		"postgres://u@h/d?sslmode=verify-full&sslrootcert=/no/file": "cannot be used",
	} {
		_, err := ParseURL(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error has the password: %v", url, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:p@127.0.0.1/app", "postgresql+asyncpg://u:p@localhost:5432/app?ssl=require", "postgres://u:p@a,b:1,2/d?pgbouncer=true", "postgres://%zz", "postgres:///?host=/x", "sqlite:x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const secret = "q7Zr1XkW0s"
		target, err := ParseURL(strings.Replace(text, ":p@", ":"+secret+"@", 1))
		if err == nil {
			err = &plain{target.String()}
		}
		if strings.Contains(err.Error(), secret) {
			t.Fatalf("%q shows its password: %v", text, err)
		}
	})
}

type plain struct{ text string }

func (p *plain) Error() string { return p.text }
