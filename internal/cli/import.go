package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"docket"
	"docket/internal/postgres/connect"
	"docket/internal/postgres/legacy"
)

func (a *app) importCommand() *cobra.Command {
	var from string
	var file fileImport
	cmd := &cobra.Command{
		Use:   "import [--from URL | --user USER FILE]",
		Short: "Import a file of tasks, or the tasks of the Python version",
		Long: "With --user and FILE, adds the tasks of a file to those of a user: JSON, CSV (also of Todoist and TickTick), iCalendar or todo.txt. It can be repeated: a task that was imported before is not imported again, and none is overwritten.\n\n" +
			"Without, copies the table public.tasks of the Python version into the database of this configuration. The source is not changed.\n\n" +
			"Set IMPORT_DATABASE_URL when the source is another database. --from does the same, but other users of the machine can read its password in the list of processes.\n\n" +
			"The import can be repeated: a task that was copied before is not copied again. Tasks keep their times; each gets a UUIDv7 of its creation time as id.",
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&file.user, "user", "", "whose tasks those of FILE become")
	cmd.Flags().StringVar(&file.format, "format", "", "format of FILE: "+formatNames()+" (default: by its name)")
	cmd.Flags().BoolVar(&file.dryRun, "dry-run", false, "say what FILE would add, and add nothing")
	cmd.Flags().StringVar(&from, "from", "", "PostgreSQL URL of the Python version's database (default: IMPORT_DATABASE_URL, else DATABASE_URL)")
	cmd.RunE = a.withConfig(func(ctx context.Context, c Config, args []string) error {
		switch {
		case len(args) == 1 && file.user != "" && from == "":
			return a.importFile(ctx, c, file, args[0])
		case len(args) == 0 && file == fileImport{}:
			return a.importTasks(ctx, c, from)
		}
		return errors.New("give --user USER and a FILE to import a file, or neither to copy the tasks of the Python version")
	})
	return cmd
}

// importTasks copies every valid task. It lists the invalid ones and fails when
// there are any.
func (a *app) importTasks(ctx context.Context, c Config, from string) (err error) {
	log := a.logger(c)
	if hasPassword(from) {
		log.Warn("other users of this machine can read the password of --from in the list of processes: set IMPORT_DATABASE_URL instead")
	}
	source, err := connect.ParseURL(cmp.Or(from, c.ImportURL.Reveal(), c.DatabaseURL.Reveal()))
	if err != nil {
		return fmt.Errorf("the database to import from %w (IMPORT_DATABASE_URL, --from URL, or DATABASE_URL)", err)
	}
	_, store, err := c.openDatabase(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	i := &importer{service: docket.NewService(store)}
	var bar *progressbar.ProgressBar
	total := func(rows int) {
		bar = a.progress("importing", rows)
	}
	err = legacy.Read(ctx, source, total, func(row legacy.Row) error {
		return errors.Join(i.add(ctx, row), bar.Add(1))
	})
	if err == nil {
		err = i.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("the import stopped after %d tasks; run it again to continue: %w", i.added+i.existing, err)
	}
	fmt.Fprintf(a.stdout, "Imported %d tasks; %d existed already.\n", i.added, i.existing)
	if len(i.refused) == 0 {
		return nil
	}
	const most = 20
	for _, line := range i.refused[:min(len(i.refused), most)] {
		fmt.Fprintln(a.stdout, line)
	}
	return fmt.Errorf("%d tasks could not be imported (at most %d are listed): correct them in the source and run the import again", len(i.refused), most)
}

// importer collects the tasks of one owner and writes them in batches.
type importer struct {
	service  *docket.Service
	owner    docket.UserID
	batch    []docket.Task
	added    int
	existing int
	refused  []string // one line for each invalid task
}

func (i *importer) add(ctx context.Context, row legacy.Row) error {
	owner, err := docket.ParseUserID(row.UserID)
	if err != nil {
		return i.refuse(row, err)
	}
	task, faults := i.service.ImportedTask(owner, docket.Draft{
		ID: row.ID, NewTask: docket.NewTask{Fields: row.Fields}, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, CompletedAt: row.CompletedAt,
	})
	if faults = append(faults, row.Faults...); len(faults) > 0 {
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

// refuse records why a row cannot be imported. It returns an error that is not
// about the row.
func (i *importer) refuse(row legacy.Row, err error) error {
	fault, ok := errors.AsType[*docket.Error](err)
	if !ok {
		return err
	}
	var details []string
	for _, f := range fault.Faults {
		details = append(details, f.Detail)
	}
	i.refused = append(i.refused, fmt.Sprintf("task %s of user %q: %s", row.ID, row.UserID, strings.Join(details, " ")))
	return nil
}

func (i *importer) flush(ctx context.Context) error {
	if len(i.batch) == 0 {
		return nil
	}
	done, err := i.service.Import(ctx, i.owner, i.batch)
	if err != nil {
		return err
	}
	i.added, i.existing = i.added+done.Added, i.existing+done.Unchanged
	i.batch = i.batch[:0]
	return nil
}
