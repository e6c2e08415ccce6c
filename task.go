package docket

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Bounds of the text fields, in characters. A character is a Unicode code point.
const (
	MaxUserID      = 255
	MaxTitle       = 500
	MaxDescription = 5000
)

// MaxList is the most tasks that one list holds.
const MaxList = 10_000

// UserID names the owner of tasks. It is opaque: identity providers issue
// UUIDs, e-mail addresses, "auth0|62c…" and 32-character strings alike, so two
// ids are the same only when they are equal byte for byte.
//
// Values come from ParseUserID; nothing else makes a valid one.
type UserID string

// ParseUserID returns s as the id of an owner. The error is of kind Invalid
// and names the parameter user_id when s is empty, longer than MaxUserID,
// "." or "..", not UTF-8, or holds a control character.
func ParseUserID(s string) (UserID, error) {
	fault := func(code, detail string) (UserID, error) {
		return "", InvalidInput(Fault{In: InParameter, Name: "user_id", Code: code, Detail: detail})
	}
	switch {
	case s == "":
		return fault("too_short", "The user id is empty.")
	case !utf8.ValidString(s):
		return fault("invalid_utf8", "The user id is not valid UTF-8.")
	case utf8.RuneCountInString(s) > MaxUserID:
		return fault("too_long", fmt.Sprintf("The user id is longer than %d characters.", MaxUserID))
	case s == "." || s == "..":
		return fault("reserved", `The user id may not be "." or "..".`)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fault("control_character", "The user id holds a control character.")
	}
	return UserID(s), nil
}

// ParseTaskID returns the UUID that s writes in its canonical form, in either
// case. The error is of kind NotFound: no task can have another id.
func ParseTaskID(s string) (uuid.UUID, error) {
	// uuid.Parse also takes braces, a urn: prefix and bare hex; their lengths differ.
	if len(s) != len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
		return uuid.Nil, errNoTask
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, errNoTask
	}
	return id, nil
}

// Task is one task of one user.
type Task struct {
	ID          uuid.UUID // version 7 (RFC 9562), so that ids sort in creation order
	UserID      UserID
	Title       string  // 1 to MaxTitle characters, no surrounding white space
	Description *string // at most MaxDescription characters; nil when there is none
	Completed   bool
	CreatedAt   time.Time // UTC, whole microseconds
	UpdatedAt   time.Time // UTC, whole microseconds
	// Version is the owner's change number at this task's last change. No two
	// tasks of an owner share one, and a later change has a higher one.
	Version int64
	// DeletedAt is when the task was deleted: UTC, whole microseconds; zero while
	// it is live. Lists of the trash and Changes alone return deleted tasks.
	DeletedAt time.Time `json:",omitzero"`
}

// Size is about what the task takes, in bytes: in memory, and as JSON.
func (t *Task) Size() int64 {
	const bare = 320 // of all that is no text
	n := bare + int64(len(t.Title))
	if t.Description != nil {
		n += int64(len(*t.Description))
	}
	return n
}

// NewTask is what a client may say of a task that is to be created.
type NewTask struct {
	Title       string
	Description *string
	Completed   bool
}

// Normalize trims the title and returns every fault of t, none when it may be stored.
func (t *NewTask) Normalize() []Fault {
	return append(normalizeTitle(&t.Title), checkDescription(t.Description)...)
}

// Optional is a value that may be absent, which differs from being zero or null.
type Optional[T any] struct {
	Set   bool
	Value T
}

// Some returns an Optional that is present with the value v.
func Some[T any](v T) Optional[T] { return Optional[T]{Set: true, Value: v} }

// TaskUpdate is what a client may change of a task. Absent fields stay as they
// are; a Description of nil clears it.
type TaskUpdate struct {
	Title       Optional[string]
	Description Optional[*string]
	Completed   Optional[bool]
}

// Normalize trims the title and returns every fault of u, none when it may be applied.
func (u *TaskUpdate) Normalize() []Fault {
	var faults []Fault
	if u.Title.Set {
		faults = normalizeTitle(&u.Title.Value)
	}
	if u.Description.Set {
		faults = append(faults, checkDescription(u.Description.Value)...)
	}
	return faults
}

// Apply sets on t the fields that u names, and reports whether any of them changed.
func (u TaskUpdate) Apply(t *Task) bool {
	before := *t
	if u.Title.Set {
		t.Title = u.Title.Value
	}
	if u.Description.Set {
		t.Description = u.Description.Value
	}
	if u.Completed.Set {
		t.Completed = u.Completed.Value
	}
	return t.Title != before.Title || t.Completed != before.Completed ||
		!equalText(t.Description, before.Description)
}

func equalText(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func normalizeTitle(title *string) []Fault {
	*title = strings.TrimSpace(*title)
	if *title == "" {
		return []Fault{bodyFault("/title", "too_short", "The title is empty. Give it at least 1 character besides white space.")}
	}
	return checkText("/title", "title", *title, MaxTitle)
}

func checkDescription(text *string) []Fault {
	if text == nil {
		return nil
	}
	return checkText("/description", "description", *text, MaxDescription)
}

func checkText(pointer, noun, text string, most int) []Fault {
	var faults []Fault
	if n := utf8.RuneCountInString(text); n > most {
		faults = append(faults, bodyFault(pointer, "too_long",
			fmt.Sprintf("The %s has %d characters. Shorten it to at most %d.", noun, n, most)))
	}
	if !utf8.ValidString(text) {
		faults = append(faults, bodyFault(pointer, "invalid_utf8", fmt.Sprintf("The %s is not valid UTF-8.", noun)))
	}
	if strings.ContainsRune(text, 0) {
		faults = append(faults, bodyFault(pointer, "nul_character",
			fmt.Sprintf("The %s holds a NUL character (\\u0000). Remove it.", noun)))
	}
	return faults
}

func bodyFault(pointer, code, detail string) Fault {
	return Fault{In: InBody, Name: pointer, Code: code, Detail: detail}
}
