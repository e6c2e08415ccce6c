package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"docket"
	"docket/internal/mcp"
	"docket/internal/sqlite"
)

// agents returns the tools for agents.
func (c *Config) agents(service *docket.Service) *mcp.Agents {
	o := mcp.Options{Version: version(), Retention: c.Retention, Origins: c.CORSOrigins, PublicURL: c.PublicURL}
	if c.Auth.mode() == authJWKS && c.Auth.options().Issuer != "" {
		o.Issuers = []string{c.Auth.options().Issuer}
	}
	return mcp.New(service, o)
}

// agentAudience is the audience of tokens for the tools alone; "" when there is none.
func (c *Config) agentAudience() string {
	if c.PublicURL == "" {
		return ""
	}
	return mcp.Audience(c.PublicURL)
}

// metadataURL returns where clients learn where tokens come from; "" when that is not
// known.
func (c *Config) metadataURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return mcp.MetadataURL(c.PublicURL)
}

func (a *app) mcpCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use: "mcp", Short: "Serve the tools for agents on stdin and stdout", Args: cobra.NoArgs,
		Long: "Speaks the Model Context Protocol on stdin and stdout, as clients on this machine start it,\nand acts for one user, without asking for a token. It opens the database of this\nconfiguration itself; on SQLite only while no server does, which is then the one to\nconnect to.",
	}
	cmd.Flags().StringVar(&user, "user", "", "id of the user to act for (required)")
	_ = cmd.MarkFlagRequired("user") // the flag exists
	cmd.RunE = a.withConfig(func(ctx context.Context, c Config, _ []string) error { return a.serveAgent(ctx, c, user) })
	return cmd
}

// serveAgent serves one agent until stdin ends.
func (a *app) serveAgent(ctx context.Context, c Config, user string) (err error) {
	owner, err := docket.ParseUserID(user)
	if err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	log := a.logger(c)
	c.Migrate = "off" // a server's, or an operator's, to do
	_, store, err := c.openDatabase(ctx, log)
	if errors.Is(err, sqlite.ErrInUse) {
		return fmt.Errorf("%w\nA server has the file open: connect the agent to %s instead", err, c.agentURL(user))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	service := docket.NewService(store, docket.WithMaxTasks(c.MaxTasks), docket.WithRetention(c.Retention))

	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	workers.Go(func() {
		service.Run(working, func(_ docket.Removed, err error) {
			if err != nil {
				log.Warn("maintenance failed; it will be retried", "error", err)
			}
		})
	})
	defer workers.Wait()
	defer stop()
	return c.agents(service).Serve(ctx, owner, os.Stdin, writeCloser{a.stdout}, log)
}

// agentURL is where the server of this configuration serves agents of a user.
func (c *Config) agentURL(user string) string {
	switch {
	case c.Auth.mode() == authNone:
		return "http://" + c.address() + "/api/" + url.PathEscape(user) + "/mcp"
	case c.PublicURL != "":
		return mcp.Audience(c.PublicURL)
	}
	return "http://" + c.address() + "/mcp"
}

// writeCloser is a writer that another closes.
type writeCloser struct{ io.Writer }

func (writeCloser) Close() error { return nil }
