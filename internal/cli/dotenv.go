package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// readDotenv returns the variables of a .env file, none when there is no file. Errors
// do not quote it, because it may hold secrets.
func readDotenv(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("the %s file is UTF-16, as some editors on Windows save it: save it as UTF-8", path)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	values, err := parseDotenv(data)
	if err != nil {
		return nil, fmt.Errorf("line %d of the %s file cannot be parsed: it is not NAME=value, or a quote that begins there is not closed", badLine(data), path)
	}
	return values, nil
}

func parseDotenv(data []byte) (map[string]string, error) {
	values, err := godotenv.UnmarshalBytes(data)
	for name := range values {
		if !variableName.MatchString(name) { // as of a line without =
			err = errors.New("not the name of a variable")
		}
	}
	return values, err
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// badLine returns the number of the line behind the most lines that can be parsed.
func badLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := parseDotenv(bytes.Join(lines[:n], nil)); err == nil {
			return n + 1
		}
	}
	return 1
}

// quoted returns a line for each variable of the configuration, but secrets, whose
// value in the environment is in quotes.
func quoted(config reflect.Type, values, sources map[string]string) (faults []string) {
	for field := range config.Fields() {
		name := field.Tag.Get("env")
		if name == "" && field.IsExported() && field.Type.Kind() == reflect.Struct {
			faults = append(faults, quoted(field.Type, values, sources)...)
		}
		value := values[name]
		if n := len(value); name == "" || n < 2 || value[0] != value[n-1] || value[0] != '"' && value[0] != '\'' || sources[name] == dotenv || strings.Contains(name, "SECRET") {
			continue
		}
		faults = append(faults, name+" is in quotes, which are part of its value: remove them (docker --env-file keeps quotes)")
	}
	return faults
}

// onlyOwnerReads reports whether no other user of the machine can read the file.
// It is true when there is no file, and on Windows, which has no such mode.
func onlyOwnerReads(file string) bool {
	info, err := os.Stat(file)
	return err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o044 == 0
}

// exposedSecrets returns the variables with secrets in a .env file that other
// users of the machine can read.
func (c *Config) exposedSecrets() []string {
	if c.private {
		return nil
	}
	var names []string
	for name, secret := range map[string]bool{
		"AUTH_SECRET": c.Auth.Secret.IsSet(), "AUTH_SECRET_PREVIOUS": c.Auth.SecretPrevious.IsSet(), "BETTER_AUTH_SECRET": c.Auth.BetterAuthSecret.IsSet(),
		"DATABASE_URL": hasPassword(c.DatabaseURL.Reveal()), "DIRECT_DATABASE_URL": hasPassword(c.DirectURL.Reveal()), "IMPORT_DATABASE_URL": hasPassword(c.ImportURL.Reveal()),
	} {
		if secret && c.sources[name] == dotenv {
			names = append(names, name)
		}
	}
	for name := range c.otel {
		if strings.HasSuffix(name, "_HEADERS") && c.sources[name] == dotenv {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
