package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"

	"docket"
	"docket/internal/postgres"
	"docket/internal/postgres/connect"
	"docket/internal/secret"
)

// Config is the whole configuration. Each exported field, including those of
// Auth, is one environment variable.
type Config struct {
	DatabaseURL secret.Text `env:"DATABASE_URL"`
	DirectURL   secret.Text `env:"DIRECT_DATABASE_URL"`
	ImportURL   secret.Text `env:"IMPORT_DATABASE_URL"`
	ExecMode    string      `env:"DATABASE_EXEC_MODE"`
	Batching    string      `env:"DATABASE_BATCHING"`
	MaxConns    int32       `env:"DATABASE_MAX_CONNS"`
	Migrate     string      `env:"MIGRATE"`
	Host        string      `env:"HOST"`
	Port        int         `env:"PORT"`
	Auth        AuthConfig
	CORSOrigins []string       `env:"CORS_ORIGINS"`
	PublicURL   string         `env:"PUBLIC_URL"`
	Input       string         `env:"INPUT"`
	RateLimit   int            `env:"RATE_LIMIT"`
	MaxTasks    int64          `env:"MAX_TASKS_PER_USER"`
	Retention   time.Duration  `env:"TRASH_RETENTION"`
	IdleTimeout time.Duration  `env:"IDLE_TIMEOUT"`
	DrainDelay  *time.Duration `env:"DRAIN_DELAY"`
	AdminAddr   string         `env:"ADMIN_ADDR"`
	LogLevel    slog.Level     `env:"LOG_LEVEL"`
	LogFormat   string         `env:"LOG_FORMAT"`

	sources map[string]string // variable → source of its value
	private bool              // only its owner can read the .env file, or there is none
	otel    map[string]string // OpenTelemetry's variables, OTEL_*
}

// defaults returns the configuration without any variable.
func defaults() Config {
	return Config{
		DatabaseURL: secret.New("sqlite:docket.db"),
		MaxConns:    postgres.DefaultMaxConns,
		Batching:    "on",
		Migrate:     "auto",
		Host:        "127.0.0.1",
		Port:        8000,
		Input:       "lenient",
		Retention:   docket.DefaultRetention,
		IdleTimeout: 120 * time.Second,
		LogLevel:    slog.LevelInfo,
	}
}

// dotenv is the name of the file with settings in the working directory.
const dotenv = ".env"

// loadConfig reads the .env file of the working directory and environ, which
// takes precedence. The error has one line for each fault.
func loadConfig(environ []string) (Config, error) {
	c := defaults()
	c.sources = map[string]string{}
	values, err := readDotenv(dotenv)
	if err != nil {
		return c, err
	}
	for name := range values {
		c.sources[name] = dotenv
	}
	c.private = onlyOwnerReads(dotenv)
	for name, value := range env.ToMap(environ) {
		values[name], c.sources[name] = value, "environment"
	}
	for name, value := range values { // an empty value counts as not set, as in a copied .env.example
		if value == "" {
			delete(values, name)
			delete(c.sources, name)
		}
	}
	c.otel = map[string]string{}
	for name, value := range values {
		if strings.HasPrefix(name, "OTEL_") {
			c.otel[name] = value
		}
	}
	faults := quoted(reflect.TypeOf(c), values, c.sources)
	if len(faults) == 0 {
		faults = c.readSecrets(values)
		if err := env.ParseWithOptions(&c, env.Options{Environment: values}); err != nil {
			faults = unparsable(err)
		}
		faults = append(faults, c.validate()...)
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return c, errors.New("the configuration is wrong:\n  " + strings.Join(slices.Compact(faults), "\n  "))
	}
	return c, nil
}

// readSecrets sets the variables whose values are in files, which is how
// orchestrators pass secrets: AUTH_SECRET_FILE names the file with AUTH_SECRET.
// It returns one line for each fault.
func (c *Config) readSecrets(values map[string]string) []string {
	var faults []string
	for _, name := range []string{"DATABASE_URL", "DIRECT_DATABASE_URL", "IMPORT_DATABASE_URL", "AUTH_SECRET", "AUTH_SECRET_PREVIOUS", "BETTER_AUTH_SECRET"} {
		file := values[name+"_FILE"]
		if file == "" {
			continue
		}
		if values[name] != "" {
			faults = append(faults, fmt.Sprintf("%s and %s_FILE are both set: remove one", name, name))
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s_FILE cannot be read: %v", name, err))
			continue
		}
		values[name], c.sources[name] = strings.TrimRight(string(text), "\r\n"), file
	}
	return faults
}

// unparsable returns one line for each variable that has the wrong type. It does
// not quote the values, which may be secrets.
func unparsable(err error) []string {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []string{err.Error()}
	}
	var faults []string
	for _, err := range all.Errors {
		parse, ok := errors.AsType[env.ParseError](err)
		if !ok {
			faults = append(faults, err.Error())
			continue
		}
		want := "is not a " + parse.Type.String()
		switch parse.Type {
		case reflect.TypeFor[int](), reflect.TypeFor[int32](), reflect.TypeFor[int64]():
			want = "must be a whole number"
		case reflect.TypeFor[time.Duration](), reflect.TypeFor[*time.Duration]():
			want = "must be a duration with its unit, such as 5s"
		case reflect.TypeFor[slog.Level]():
			want = "must be debug, info, warn or error"
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		faults = append(faults, field.Tag.Get("env")+" "+want)
	}
	return faults
}

// validate returns one line for each invalid value.
func (c *Config) validate() []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if _, err := c.database(); err != nil {
		fault("%v", err)
	}
	if _, known := connect.ExecModes[c.ExecMode]; !known && c.ExecMode != "" {
		fault("DATABASE_EXEC_MODE must be %s, or not set", strings.Join(slices.Sorted(maps.Keys(connect.ExecModes)), ", "))
	}
	if c.Batching != "on" && c.Batching != "off" {
		fault("DATABASE_BATCHING must be on or off")
	}
	if c.MaxConns < 1 || c.MaxConns > 10_000 {
		fault("DATABASE_MAX_CONNS must be from 1 to 10000")
	}
	if c.Migrate != "auto" && c.Migrate != "off" {
		fault("MIGRATE must be auto or off")
	}
	if c.Port < 0 || c.Port > 65535 {
		fault("PORT must be from 1 to 65535, or 0 for any free port")
	}
	faults = append(faults, c.Auth.validate()...)
	if !isLoopback(c.Host) && c.Auth.mode() == authNone && c.Auth.Mode != authNone {
		fault("HOST is %s (%s), not a loopback address, so anybody who reaches it could read and change every task: configure authentication, use 127.0.0.1, or set AUTH=none explicitly", c.Host, c.sources["HOST"])
	}
	for i, origin := range c.CORSOrigins {
		c.CORSOrigins[i] = strings.TrimSpace(origin)
		if !isOrigin(c.CORSOrigins[i]) {
			fault("CORS_ORIGINS contains %q: write each origin as a browser sends it, such as https://app.example.com or http://localhost:3000", origin)
		}
	}
	if c.PublicURL = strings.TrimSuffix(c.PublicURL, "/"); c.PublicURL != "" && !isPublicURL(c.PublicURL) {
		fault("PUBLIC_URL must be where clients reach the server, such as https://tasks.example.com, without a query")
	}
	if c.Input != "lenient" && c.Input != "strict" {
		fault("INPUT must be lenient or strict")
	}
	if c.RateLimit < 0 || c.RateLimit > 1_000_000 {
		fault("RATE_LIMIT must be from 1 to 1000000 requests a minute, or 0 for no limit")
	}
	if c.MaxTasks < 0 {
		fault("MAX_TASKS_PER_USER must be 1 or more, or 0 for no limit")
	}
	if c.Retention <= 0 {
		fault("TRASH_RETENTION must be more than 0s, such as 720h")
	}
	if c.IdleTimeout < time.Second || c.IdleTimeout > time.Hour {
		fault("IDLE_TIMEOUT must be from 1s to 1h")
	}
	if c.DrainDelay != nil && (*c.DrainDelay < 0 || *c.DrainDelay > maxDrainDelay) {
		fault("DRAIN_DELAY must be from 0s to %s", maxDrainDelay)
	}
	if c.AdminAddr != "" {
		switch address, err := adminAddress(c.AdminAddr); {
		case err != nil:
			fault("%v", err)
		case address == c.address() && c.Port != 0:
			fault("ADMIN_ADDR is the same address as HOST and PORT: choose another port")
		}
	}
	faults = append(faults, tracingFaults(c.otel)...)
	if !slices.Contains([]string{"", "text", "json"}, c.LogFormat) {
		fault("LOG_FORMAT must be text or json")
	}
	return faults
}

func (c *Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// isOrigin reports whether s is a serialized origin: a scheme, a host, and a
// port unless it is the scheme's default.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) || strings.Contains(s, "*") {
		return false
	}
	standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return standard != "" && (!strings.HasSuffix(s, ":") && u.Port() == "" || err == nil && u.Port() == strconv.FormatUint(port, 10) && u.Port() != standard)
}

// isPublicURL reports whether s is an http or https URL of a host and perhaps a path,
// without a slash at the end.
func isPublicURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isOrigin(u.Scheme+"://"+u.Host) && s == u.Scheme+"://"+u.Host+u.EscapedPath() && u.Path == strings.TrimSuffix(path.Clean("/"+u.Path), "/")
}

// showConfig prints each variable with its value, redacted where it is a secret,
// and its source.
func (a *app) showConfig(ctx context.Context, c Config, _ []string) error {
	c.detectExecMode(ctx)
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	c.show(t, reflect.ValueOf(c))
	for _, name := range slices.Sorted(maps.Keys(c.otel)) {
		shown := c.otel[name]
		switch {
		case strings.HasSuffix(name, "_HEADERS"): // these contain API keys
			shown = secret.New(shown).String()
		case strings.HasSuffix(name, "_ENDPOINT"):
			shown = redactURL(shown)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, shown, c.sources[name])
	}
	return t.Flush()
}

func (c *Config) show(w io.Writer, fields reflect.Value) {
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Tag.Get("env")
		if name == "" {
			if fields.Type().Field(i).IsExported() {
				c.show(w, fields.Field(i))
			}
			continue
		}
		shown := ""
		switch value := fields.Field(i).Interface().(type) {
		case []string:
			shown = strings.Join(value, ",")
		case *time.Duration:
			if value != nil {
				shown = value.String()
			}
		case slog.Level:
			shown = strings.ToLower(value.String())
		case secret.Text:
			if strings.HasSuffix(name, "_URL") {
				shown = redactURL(value.Reveal())
			} else if value.IsSet() {
				shown = value.String()
			}
		default:
			shown = fmt.Sprint(value)
		}
		source := cmp.Or(c.sources[name], "default")
		if name == "AUTH" && shown == "" {
			shown, source = c.Auth.mode(), "derived"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, cmp.Or(shown, "–"), source)
	}
}
