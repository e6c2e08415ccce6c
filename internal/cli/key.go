package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"docket"
)

// keyStore keeps API keys.
type keyStore interface {
	CreateAPIKey(ctx context.Context, key docket.APIKey, epoch int64) error
	APIKeys(ctx context.Context, owner docket.UserID) ([]docket.APIKey, error)
	RevokeAPIKey(ctx context.Context, owner docket.UserID, id uuid.UUID) error
	Close() error
}

func (a *app) keyCommand() *cobra.Command {
	var subject, name string
	var scopes []string
	var ttl time.Duration
	// with opens the keys of the user.
	with := func(f func(ctx context.Context, s keyStore, owner docket.UserID, args []string) error) func(*cobra.Command, []string) error {
		return a.withConfig(func(ctx context.Context, c Config, args []string) (err error) {
			owner, err := docket.ParseUserID(subject)
			if err != nil {
				return fmt.Errorf("--sub: %w", plain(err))
			}
			d, err := c.database()
			if err != nil {
				return err
			}
			store, err := d.openKeys(ctx, a.logger(c))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			return plain(f(ctx, store, owner, args))
		})
	}
	create := &cobra.Command{
		Use: "create", Short: "Make an API key and print it, once", Args: cobra.NoArgs,
		Long: "Makes an API key and prints it on standard output. It cannot be shown again: only its SHA-256 is kept.\n\nScopes: " + strings.Join(docket.ScopeNames(), ", ") + ".",
		RunE: with(func(ctx context.Context, s keyStore, owner docket.UserID, _ []string) error {
			n := docket.NewAPIKey{Name: name}
			for _, text := range scopes {
				scope, known := docket.ParseScope(text)
				if !known {
					return fmt.Errorf("--scope must be one or more of %s", strings.Join(docket.ScopeNames(), ", "))
				}
				n.Scopes |= scope
			}
			return a.createKey(ctx, s, owner, n, ttl)
		}),
	}
	create.Flags().StringSliceVar(&scopes, "scope", nil, "what the key may do; may be repeated, or a list with commas (required)")
	create.Flags().StringVar(&name, "name", "docket key create", "what the key is for")
	create.Flags().DurationVar(&ttl, "ttl", 0, "lifetime of the key, such as 720h; 0: until it is revoked")
	_ = create.MarkFlagRequired("scope") // the flag exists
	list := &cobra.Command{Use: "list", Short: "List the API keys of a user", Args: cobra.NoArgs, RunE: with(a.listKeys)}
	revoke := &cobra.Command{Use: "revoke ID", Short: "End an API key", Args: cobra.ExactArgs(1), RunE: with(a.revokeKey)}

	command := &cobra.Command{Use: "key", Short: "Make, list and revoke API keys, also beside a running server"}
	command.PersistentFlags().StringVar(&subject, "sub", "", "user id (required)")
	_ = command.MarkPersistentFlagRequired("sub") // the flag exists
	command.AddCommand(create, list, revoke)
	return command
}

// plain returns an error as a sentence for the operator: the cause, or else what a
// client would be told.
func plain(err error) error {
	if e, ok := errors.AsType[*docket.Error](err); ok && e.Err == nil {
		return errors.New(e.Detail)
	}
	return err
}

func (a *app) createKey(ctx context.Context, s keyStore, owner docket.UserID, n docket.NewAPIKey, ttl time.Duration) error {
	now := time.Now() //nolint:forbidigo // the command's own clock
	if ttl < 0 {
		return errors.New("--ttl must not be negative")
	}
	if ttl > 0 {
		n.ExpiresAt = now.Add(ttl)
	}
	key, text, err := docket.IssueAPIKey(owner, n, now, rand.Reader)
	if err != nil {
		return err
	}
	var epoch [8]byte
	_, _ = rand.Read(epoch[:]) // never fails
	if err := s.CreateAPIKey(ctx, key, int64(binary.BigEndian.Uint64(epoch[:])>>1)); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Made the API key %s of %s, with the scopes %s. It is shown only here:\n", key.ID, owner, key.Scopes)
	_, err = fmt.Fprintln(a.stdout, text)
	return err
}

func (a *app) listKeys(ctx context.Context, s keyStore, owner docket.UserID, _ []string) error {
	keys, err := s.APIKeys(ctx, owner)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCREATED\tEXPIRES\tLAST USED\tSCOPES\tNAME")
	for _, k := range keys {
		// The name is its user's: quoted, it cannot control the terminal.
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, dayOf(k.CreatedAt), dayOf(k.ExpiresAt), dayOf(k.UsedOn), k.Scopes, strconv.Quote(k.Name))
	}
	return w.Flush()
}

// dayOf returns the UTC day of a time, or "never".
func dayOf(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}

func (a *app) revokeKey(ctx context.Context, s keyStore, owner docket.UserID, args []string) error {
	id, err := uuid.Parse(args[0])
	if err != nil {
		return errors.New("the id of an API key is a UUID, see docket key list")
	}
	if err := s.RevokeAPIKey(ctx, owner, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Revoked the API key %s of %s. Running servers refuse it within 30 seconds.\n", id, owner)
	return err
}
