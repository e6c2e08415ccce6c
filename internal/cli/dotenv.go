package cli

import (
	"os"
	"runtime"
	"slices"
	"strings"
)

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
