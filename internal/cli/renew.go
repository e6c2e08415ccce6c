package cli

import (
	"context"
	"errors"
	"fmt"

	"docket"
)

// renew begins another history for every user.
func (a *app) renew(ctx context.Context, c Config, _ []string) (err error) {
	d, err := c.database()
	if err != nil {
		return err
	}
	store, err := d.open(ctx, a.logger(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	users, err := docket.NewService(store).Renew(ctx)
	if err != nil {
		return fmt.Errorf("not all histories were renewed, repeat the command: %w", err)
	}
	_, err = fmt.Fprintf(a.stdout, "Renewed the histories of %d users of %s. Their clients read everything again.\n", users, d)
	return err
}
