package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"docket/internal/httpapi"
)

// Version is the version of a release build, set by the linker.
var Version = ""

func (a *app) version(*cobra.Command, []string) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(a.stdout, "docket %s%s\n", version(), revision)
	return err
}

// version returns Version, or the version of the main module.
func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) openapiCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "openapi", Short: "Print the API's OpenAPI 3.1 document", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&format, "format", "yaml", "yaml or json")
	cmd.RunE = func(*cobra.Command, []string) error {
		contract, known := map[string]func() ([]byte, error){"yaml": httpapi.ContractYAML, "json": httpapi.ContractJSON}[format]
		if !known {
			return errors.New("--format must be yaml or json")
		}
		text, err := contract()
		if err == nil {
			_, err = a.stdout.Write(append(bytes.TrimRight(text, "\n"), '\n'))
		}
		return err
	}
	return cmd
}

// healthcheck requests /readyz from the server of this configuration. Containers
// use it because the image has no other HTTP client.
func (a *app) healthcheck(ctx context.Context, c Config, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host := c.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port)) + "/readyz"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("no response from %s: %w", url, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	_, err = fmt.Fprintln(a.stdout, "ready")
	return err
}
