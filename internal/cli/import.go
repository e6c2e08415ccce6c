package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"docket"
	"docket/internal/postgres"
)

func (a *app) importCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Copy the tasks of the Python version",
		Long: "Copies the table public.tasks of the Python version, which stays as it is, into this configuration's database.\n\n" +
			"It may be started again at any time: what has been copied is not copied twice. Tasks keep their times; their ids become ids of the time of creation.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&from, "from", "", "PostgreSQL URL of the Python version's database (default: DATABASE_URL)")
	cmd.RunE = a.withConfig(func(ctx context.Context, c Config, _ []string) error { return a.importTasks(ctx, c, from) })
	return cmd
}

// importTasks copies all that can be copied, lists what cannot, and fails when
// there was any.
func (a *app) importTasks(ctx context.Context, c Config, from string) (err error) {
	if from == "" {
		from = c.DatabaseURL.Reveal()
	}
	source, err := postgres.ParseURL(from)
	if err != nil {
		return fmt.Errorf("the database to import from %w (--from URL, or DATABASE_URL)", err)
	}
	d, err := c.database()
	if err != nil {
		return err
	}
	store, err := d.open(ctx, a.logger(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	i := &importer{service: docket.NewService(store)}
	var bar *progressbar.ProgressBar
	total := func(rows int) {
		bar = progressbar.NewOptions(rows, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetVisibility(isTerminal(a.stderr)),
			progressbar.OptionSetDescription("importing"), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	err = postgres.ReadLegacy(ctx, source, total, func(row postgres.Legacy) error {
		return errors.Join(i.add(ctx, row), bar.Add(1))
	})
	if err == nil {
		err = i.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("the import stopped after %d tasks; start it again to go on: %w", i.added+i.there, err)
	}
	fmt.Fprintf(a.stdout, "Imported %d tasks; %d were there already.\n", i.added, i.there)
	if len(i.refused) == 0 {
		return nil
	}
	const most = 20
	for _, line := range i.refused[:min(len(i.refused), most)] {
		fmt.Fprintln(a.stdout, line)
	}
	return fmt.Errorf("tasks that could not be imported: %d (at most %d are listed). Mend them at the source and start again", len(i.refused), most)
}

// importer gathers the tasks of one owner and hands them on in batches.
type importer struct {
	service *docket.Service
	owner   docket.UserID
	batch   []docket.Task
	added   int
	there   int
	refused []string
}

func (i *importer) add(ctx context.Context, row postgres.Legacy) error {
	owner, err := docket.ParseUserID(row.UserID)
	if err != nil {
		return i.refuse(row, err)
	}
	task, faults := docket.ImportedTask(owner, row.ID,
		docket.NewTask{Fields: docket.Fields{Title: row.Title, Description: row.Description, Completed: row.Completed}}, row.CreatedAt, row.UpdatedAt)
	if len(faults) > 0 {
		return i.refuse(row, docket.InvalidInput(faults...))
	}
	if owner != i.owner || len(i.batch) == docket.MaxImport {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	i.owner, i.batch = owner, append(i.batch, task)
	return nil
}

// refuse notes why a row cannot be imported.
func (i *importer) refuse(row postgres.Legacy, err error) error {
	fault, ok := errors.AsType[*docket.Error](err)
	if !ok {
		return err
	}
	i.refused = append(i.refused, fmt.Sprintf("task %s of user %q: %s", row.ID, row.UserID, fault.Detail))
	return nil
}

func (i *importer) flush(ctx context.Context) error {
	if len(i.batch) == 0 {
		return nil
	}
	added, err := i.service.ImportTasks(ctx, i.owner, i.batch)
	if err != nil {
		return err
	}
	i.added, i.there = i.added+added, i.there+len(i.batch)-added
	i.batch = i.batch[:0]
	return nil
}
