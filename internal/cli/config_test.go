package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// inDir changes to a new directory that contains this .env file.
func inDir(t *testing.T, dotenv string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if dotenv != "" {
		if err := os.WriteFile(".env", []byte(dotenv), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigSources(t *testing.T) {
	inDir(t, "PORT=9000\nLOG_LEVEL=debug\nCORS_ORIGINS=http://localhost:3000, https://app.example\nHOST=\nOTHER=ignored\n")
	var out bytes.Buffer
	if code := Run(t.Context(), []string{"config"}, []string{"PORT=9001", "LOG_FORMAT="}, &out, &out); code != 0 {
		t.Fatalf("exit %d: %s", code, &out)
	}
	for _, want := range []string{
		"DATABASE_URL sqlite:docket.db default", "HOST 127.0.0.1 default", "PORT 9001 environment", "LOG_LEVEL debug .env",
		"CORS_ORIGINS http://localhost:3000,https://app.example .env", "LOG_FORMAT – default",
		"INPUT lenient default",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestSettingsAreDocumented finds each variable that docket config shows in the README's
// table and in .env.example.
func TestSettingsAreDocumented(t *testing.T) {
	readme, example := readFile(t, "../../README.md"), readFile(t, "../../.env.example")
	inDir(t, "")
	var out bytes.Buffer
	if code := Run(t.Context(), []string{"config"}, nil, &out, &out); code != 0 {
		t.Fatalf("exit %d: %s", code, &out)
	}
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README does not have %s", name)
		}
		if !strings.Contains("\n"+example, "\n"+name+"=") && !strings.Contains(example, "\n# "+name+"=") {
			t.Errorf(".env.example does not have %s", name)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConfigFaultsAreListed(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		want    []string
	}{
		"all at once": {
			[]string{"PORT=http", "LOG_LEVEL=loud", "LOG_FORMAT=xml", "DATABASE_URL=mysql://x", "AUTH=maybe", "CORS_ORIGINS=*"},
			[]string{
				"AUTH must be jwks, secret or none, or not set", "CORS_ORIGINS contains", "DATABASE_URL must be", "LOG_FORMAT must be text or json",
				"LOG_LEVEL must be debug, info, warn or error", "PORT must be a whole number",
			},
		},
		"PostgreSQL": {
			[]string{"DATABASE_URL=postgres://u:hunter2@h/d?search_path=x", "DATABASE_EXEC_MODE=describe_exec", "DATABASE_MAX_CONNS=0", "DATABASE_BATCHING=no", "MIGRATE=no"},
			[]string{"DATABASE_BATCHING must be on or off", "DATABASE_EXEC_MODE must be cache_describe, cache_statement, exec", "DATABASE_MAX_CONNS must be", "DATABASE_URL has the parameter search_path", "MIGRATE must be"},
		},
		"bounds": {
			[]string{"RATE_LIMIT=-1", "MAX_TASKS_PER_USER=-1", "DRAIN_DELAY=21s", "ADMIN_ADDR=localhost:", "TRASH_RETENTION=0s", "IDLE_TIMEOUT=0s"},
			[]string{"ADMIN_ADDR must be a port", "DRAIN_DELAY must be from 0s to 20s", "IDLE_TIMEOUT must be from 1s to 1h", "MAX_TASKS_PER_USER must be 1", "RATE_LIMIT must be from 1", "TRASH_RETENTION must be more than 0s"},
		},
		"operators": {
			[]string{"ADMIN_ADDR=127.0.0.1:8000", "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_HEADERS=key:hunter2"},
			[]string{"ADMIN_ADDR is the same address as HOST and PORT", "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL", "OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs", "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"},
		},
		"units":             {[]string{"RATE_LIMIT=many", "MAX_TASKS_PER_USER=1e3", "DRAIN_DELAY=5", "TRASH_RETENTION=30d"}, []string{"DRAIN_DELAY must be a duration", "MAX_TASKS_PER_USER must be a whole", "RATE_LIMIT must be a whole", "TRASH_RETENTION must be a duration"}},
		"direct":            {[]string{"DATABASE_URL=postgres://h/d", "DIRECT_DATABASE_URL=mysql://u:hunter2@h/d"}, []string{"DIRECT_DATABASE_URL must begin"}},
		"port":              {[]string{"PORT=65536"}, []string{"PORT must be from 1"}},
		"open address":      {[]string{"HOST=0.0.0.0"}, []string{"HOST is 0.0.0.0 (environment), not a loopback address"}},
		"any host":          {[]string{"HOST=docket.example"}, []string{"HOST is docket.example (environment), not a loopback address"}},
		"quotes":            {[]string{`MIGRATE="auto"`, `DATABASE_URL='postgres://u:hunter2@h/d'`}, []string{"DATABASE_URL is in quotes", "MIGRATE is in quotes"}},
		"memory":            {[]string{"DATABASE_URL=sqlite::memory:"}, []string{"DATABASE_URL must name a file"}},
		"no path":           {[]string{"DATABASE_URL=sqlite:"}, []string{"DATABASE_URL must name a file"}},
		"slashes":           {[]string{"DATABASE_URL=sqlite:///x.db"}, []string{"without // before the path"}},
		"public path":       {[]string{"PUBLIC_URL=https://a.example/x?y"}, []string{"PUBLIC_URL must be where clients reach the server"}},
		"public host":       {[]string{"PUBLIC_URL=a.example"}, []string{"PUBLIC_URL must be"}},
		"public scheme":     {[]string{"PUBLIC_URL=ftp://a.example"}, []string{"PUBLIC_URL must be"}},
		"public credential": {[]string{"PUBLIC_URL=https://u:p@a.example"}, []string{"PUBLIC_URL must be"}},
		"public fragment":   {[]string{"PUBLIC_URL=https://a.example#x"}, []string{"PUBLIC_URL must be"}},
		"public dots":       {[]string{"PUBLIC_URL=https://a.example/../x"}, []string{"PUBLIC_URL must be"}},
		"origin path":       {[]string{"CORS_ORIGINS=http://a.example/"}, []string{"as a browser sends it"}},
		"origin port":       {[]string{"CORS_ORIGINS=localhost:3000"}, []string{"as a browser sends it"}},
		"origin's own port": {[]string{"CORS_ORIGINS=https://a.example:443"}, []string{"as a browser sends it"}},
		"origin, no port":   {[]string{"CORS_ORIGINS=http://localhost:"}, []string{"as a browser sends it"}},
		"origin, bad port":  {[]string{"CORS_ORIGINS=http://a.example:99999"}, []string{"as a browser sends it"}},
		"parameters":        {[]string{"DATABASE_URL=sqlite:x.db?mode=ro"}, []string{"without parameters"}},
		"input":             {[]string{"INPUT=Strict"}, []string{"INPUT must be lenient or strict"}},
		"origin case":       {[]string{"CORS_ORIGINS=http://A.example"}, []string{"as a browser sends it"}},
	} {
		t.Run(name, func(t *testing.T) {
			inDir(t, "")
			var out, errs bytes.Buffer
			if code := Run(t.Context(), []string{"serve"}, test.environ, &out, &errs); code != 1 || out.Len() > 0 {
				t.Errorf("exit %d, printed %q", code, &out)
			}
			if strings.Contains(errs.String(), "hunter2") {
				t.Errorf("a secret is printed: %s", &errs)
			}
			lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
			if len(lines) != len(test.want)+1 {
				t.Fatalf("%d lines for %d faults:\n%s", len(lines)-1, len(test.want), &errs)
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i+1], want) {
					t.Errorf("line %q lacks %q", lines[i+1], want)
				}
			}
		})
	}
}

func TestConfigAccepts(t *testing.T) {
	inDir(t, "")
	for _, environ := range []string{"HOST=localhost", "HOST=::1", "HOST=127.0.0.2", "PORT=0", "LOG_LEVEL=WARN", "CORS_ORIGINS=http://[::1]:3000", "AUTH=none", "PUBLIC_URL=https://a.example/", "PUBLIC_URL=http://localhost:8000/docket", "INPUT=strict", "INPUT=lenient", "INPUT="} {
		if _, err := loadConfig([]string{environ}); err != nil {
			t.Errorf("%s: %v", environ, err)
		}
	}
	if _, err := loadConfig([]string{"HOST=0.0.0.0", "AUTH=none"}); err != nil {
		t.Errorf("an open address with AUTH=none: %v", err)
	}
}

func TestAdminAddress(t *testing.T) {
	for text, want := range map[string]string{
		"9090": "127.0.0.1:9090", ":9090": "127.0.0.1:9090", "0.0.0.0:9090": "0.0.0.0:9090", "[::1]:9090": "[::1]:9090", "localhost:0": "localhost:0",
		"": "", "localhost:": "", "a:b:c": "", "foo": "", "99999": "", "0.0.0.0": "",
	} {
		if got, err := adminAddress(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestOTelVariablesAreShown(t *testing.T) {
	inDir(t, "OTEL_SERVICE_NAME=tasks\nOTEL_EXPORTER_OTLP_HEADERS=key=hunter2\nOTEL_EXPORTER_OTLP_ENDPOINT=http://u:hunter2@h:4318\n")
	var out bytes.Buffer
	if code := Run(t.Context(), []string{"config"}, nil, &out, &out); code != 0 {
		t.Fatalf("exit %d: %s", code, &out)
	}
	if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, "OTEL_SERVICE_NAME tasks .env") || !strings.Contains(text, "OTEL_EXPORTER_OTLP_HEADERS") || strings.Contains(text, "hunter2") {
		t.Error(out.String())
	}
}

func TestBrokenDotenv(t *testing.T) {
	for text, want := range map[string]string{
		"PASSWORD=\"hunter2\nnot closed":               "line 1 of the .env file",
		"PORT=1\n\n# note\nA=\"b\nc\"\nhunter2\nB=2\n": "line 6 of the .env file",
		"PORT=1\nhunter2":                              "line 2 of the .env file",
		"\xff\xfeP\x00":                                "is UTF-16",
	} {
		inDir(t, text)
		_, err := loadConfig(nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDotenvWithAByteOrderMark(t *testing.T) {
	inDir(t, "\ufeffPORT=9000\n")
	if c, err := loadConfig(nil); err != nil || c.Port != 9000 {
		t.Errorf("the port is %d, %v", c.Port, err)
	}
}

func TestHasPassword(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "sqlite:docket.db": false, "postgres://u@h/d": false, "postgres://h/d?sslmode=require": false,
		"postgres://u:p@h/d": true, "postgres://u@h/d?password=p": true, "postgres://u@h/d?sslpassword=p": true, "postgres://u:12/p@h/d": true, "postgres://u:p%@h/d": true,
	} {
		if hasPassword(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:docket.db": "sqlite:docket.db",
		"postgres://u:hunter2@db.example/app?sslmode=require": "postgres://u:xxxxx@db.example/app?sslmode=require",
		"postgres://u@db.example/app?password=hunter2":        "postgres://u@db.example/app?password=xxxxx",
		"postgres://u:hunter2%@db.example/app":                "(not a URL)",
		"postgres://u:12/hunter2@db.example/app":              "(not a URL)",
		"postgres://u:12#hunter2@db.example/app":              "(not a URL)",
	} {
		if got := redactURL(text); got != want {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}
