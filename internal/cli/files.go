package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"docket"
	"docket/internal/transfer"
)

// lister lists the tasks of a database, beside a server or not.
type lister interface {
	List(ctx context.Context, owner docket.UserID, q docket.ListQuery) (docket.Page, error)
	Close() error
}

// formatNames are the values of --format.
func formatNames() string {
	var names []string
	for _, f := range transfer.Formats {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func (a *app) exportCommand() *cobra.Command {
	var user, format string
	var trash bool
	cmd := &cobra.Command{
		Use: "export --user USER", Short: "Write all tasks of a user to standard output", Args: cobra.NoArgs,
		Long: "Writes all tasks of a user to standard output, also while a server uses the database. JSON loses nothing; docs/data.md says what the other formats cannot hold.",
	}
	cmd.Flags().StringVar(&user, "user", "", "whose tasks")
	cmd.Flags().StringVar(&format, "format", transfer.JSON.Name, formatNames())
	cmd.Flags().BoolVar(&trash, "deleted", false, "deleted tasks too (JSON only)")
	_ = cmd.MarkFlagRequired("user") // it exists
	cmd.RunE = a.withDatabase(func(ctx context.Context, d database, _ []string) error {
		owner, err := userNamed(user)
		if err != nil {
			return err
		}
		f, ok := transfer.Find(func(f *transfer.Format) bool { return f.Name == format })
		if !ok || trash && f != transfer.JSON {
			return fmt.Errorf("--format must be one of %s, and json with --deleted", formatNames())
		}
		return a.exportTasks(ctx, d, owner, transfer.Export{Format: f, Trash: trash, Now: time.Now()}) //nolint:forbidigo // the command's own clock
	})
	return cmd
}

func (a *app) exportTasks(ctx context.Context, d database, owner docket.UserID, e transfer.Export) (err error) {
	status, err := d.status(ctx)
	if err == nil {
		err = status.Check()
	}
	if err != nil {
		return err
	}
	tasks, err := d.lister(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tasks.Close()) }()
	out := bufio.NewWriter(a.stdout)
	if err := e.Write(out, func(q docket.ListQuery) (docket.Page, error) { return tasks.List(ctx, owner, q) }); err != nil {
		return err
	}
	return out.Flush()
}

// userNamed returns the user of the flag --user.
func userNamed(user string) (docket.UserID, error) {
	owner, err := docket.ParseUserID(user)
	if e, ok := errors.AsType[*docket.Error](err); ok {
		return "", fmt.Errorf("--user: %s", e.Detail)
	}
	return owner, err
}

// fileImport is what the flags of an import of a file say.
type fileImport struct {
	user, format string
	dryRun       bool
}

// importFile imports the tasks of a file.
func (a *app) importFile(ctx context.Context, c Config, flags fileImport, path string) (err error) {
	owner, err := userNamed(flags.user)
	if err != nil {
		return err
	}
	f, ok := transfer.Find(func(f *transfer.Format) bool {
		if flags.format != "" {
			return f.Name == flags.format
		}
		return strings.EqualFold(filepath.Ext(path), f.Extension)
	})
	if !ok {
		return fmt.Errorf("the format of %s is not known from its name: give --format %s", path, formatNames())
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, store, err := c.openDatabase(ctx, a.logger(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bar := a.progress("importing", -1)
	i := transfer.Import{
		Service: docket.NewService(store, docket.WithMaxTasks(c.MaxTasks), docket.WithRetention(c.Retention)),
		Owner:   owner, Format: f, DryRun: flags.dryRun,
		Open: func() (io.Reader, error) {
			_, err := file.Seek(0, io.SeekStart)
			return file, err
		},
		Progress: func(done, of int) {
			bar.ChangeMax(of)
			_ = bar.Set(done) // the bar is only for the eye
		},
	}
	result, err := i.Run(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", path, explained(err))
	}
	return a.tellImport(result, flags.dryRun)
}

// explained returns err as a sentence, where it has one.
func explained(err error) error {
	if e, ok := errors.AsType[*docket.Error](err); ok && e.Kind == docket.QuotaExceeded {
		return errors.New(e.Detail)
	}
	return err
}

func (a *app) tellImport(r transfer.Result, dryRun bool) error {
	sentence := "Imported %d tasks; %d existed already.\n"
	if dryRun {
		sentence = "Would import %d tasks; %d exist already.\n"
	}
	_, err := fmt.Fprintf(a.stdout, sentence, r.Added, r.Unchanged)
	for _, s := range r.Skipped.List {
		fmt.Fprintf(a.stdout, "line %d: %s\n", s.Line, s.Detail)
	}
	if more := r.Skipped.Total - len(r.Skipped.List); more > 0 {
		fmt.Fprintf(a.stdout, "%d more lines like these are not shown.\n", more)
	}
	return err
}

// progress returns a bar on a terminal, and elsewhere one that is not seen.
func (a *app) progress(what string, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetVisibility(isTerminal(a.stderr)),
		progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
}
