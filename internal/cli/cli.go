// Package cli has docket's commands and configuration. It connects the other
// packages to a running service.
package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// app is the environment of a command.
type app struct {
	environ        []string
	stdout, stderr io.Writer
}

// Run executes the command line args and returns the exit code: 0, or 1 after
// a message on stderr. When ctx ends, the command stops cleanly and Run returns.
func Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := (&app{environ: environ, stdout: stdout, stderr: stderr}).root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "docket: %v\n", err)
		return 1
	}
	return 0
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "docket",
		Short: "A multi-user tasks API in one binary",
		Long: "Docket serves a multi-user tasks API. The default command is serve.\n\n" +
			"Environment variables and a .env file configure it; `docket config` shows the result.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          a.withConfig(a.serve),
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Serve the API (the default)", Args: cobra.NoArgs, RunE: a.withConfig(a.serve)},
		&cobra.Command{Use: "config", Short: "Show the configuration and the source of each value", Args: cobra.NoArgs, RunE: a.withConfig(a.showConfig)},
		a.migrateCommand(),
		&cobra.Command{Use: "backup FILE", Short: "Copy the SQLite database to a new file, also while a server uses it", Args: cobra.ExactArgs(1), RunE: a.withDatabase(a.backup)},
		a.exportCommand(),
		a.importCommand(),
		&cobra.Command{
			Use: "renew", Short: "Begin new histories after a restore or a failover that may have lost writes", Args: cobra.NoArgs, RunE: a.withConfig(a.renew),
			Long: "Renew begins a new history for every user, so that no sync token, ETag or version of a\nlost write is taken for that of a new one. Clients then read everything again. On\nPostgreSQL it also records the server's timeline; servers may run meanwhile.",
		},
		a.tokenCommand(),
		a.keyCommand(),
		a.openapiCommand(),
		&cobra.Command{Use: "healthcheck", Short: "Check that the server of this configuration is ready", Args: cobra.NoArgs, RunE: a.withConfig(a.healthcheck)},
		&cobra.Command{Use: "version", Short: "Show the version", Args: cobra.NoArgs, RunE: a.version},
	)
	return root
}

// withConfig loads the configuration before it runs f.
func (a *app) withConfig(f func(ctx context.Context, c Config, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := loadConfig(a.environ)
		if err != nil {
			return err
		}
		return f(cmd.Context(), c, args)
	}
}
