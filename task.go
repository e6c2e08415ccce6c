package docket

import (
	"fmt"
	"slices"
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

// MaxList is the most tasks in one list.
const MaxList = 10_000

// UserID names the owner of tasks. It is opaque: identity providers issue UUIDs,
// e-mail addresses, "auth0|62c…" and 32-character strings. Two ids are the same
// only when they are equal byte for byte.
//
// Valid values come from ParseUserID only.
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

// ParseTaskID returns the UUID that s holds in canonical form, in upper or lower
// case. The error is of kind NotFound: no task has another kind of id.
func ParseTaskID(s string) (uuid.UUID, error) {
	// uuid.Parse also takes braces, a urn: prefix and bare hex, which have other lengths.
	if len(s) != len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
		return uuid.Nil, errNoTask
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, errNoTask
	}
	return id, nil
}

// Fields are the fields of a task that a client sets.
//
// Each has its rules in Normalize and Apply, its Optional in TaskUpdate and a
// column in each store.
type Fields struct {
	Title       string  // 1 to MaxTitle characters, no surrounding white space
	Description *string // at most MaxDescription characters; nil when there is none
	Completed   bool
	Priority    Priority
	DueDate     DueDate  // "" when there is none
	Tags        []string // at most MaxTags of 1 to MaxTag characters, no two equal; nil when there are none
	Metadata    Metadata // at most MaxMetadata bytes
}

// Normalize trims the title and the tags. It returns every fault of f, none when a task may
// have these fields.
func (f *Fields) Normalize() []Fault {
	return slices.Concat(
		normalizeTitle(&f.Title),
		checkDescription(&f.Description),
		checkPriority(&f.Priority),
		checkDueDate(&f.DueDate),
		normalizeTags(&f.Tags),
		normalizeMetadata(&f.Metadata),
	)
}

// Task is one task of one user.
//
// Stores keep tasks under idempotency keys: see EncodeResult.
type Task struct {
	ID     uuid.UUID // version 7 (RFC 9562), so that ids sort in creation order
	UserID UserID
	Fields
	CreatedAt time.Time // UTC, whole microseconds
	UpdatedAt time.Time // UTC, whole microseconds
	// CompletedAt is when the task last became completed: UTC, whole microseconds;
	// zero while it is not.
	CompletedAt time.Time
	// Version is the owner's change number at this task's last change. No two
	// tasks of an owner share one, and a later change has a higher one.
	Version int64
	// DeletedAt is when the task was deleted: UTC, whole microseconds; zero while
	// it is live. Only Changes and lists of the trash return deleted tasks.
	DeletedAt time.Time
}

// Tombstone returns what is told of a task that was deleted.
func (t *Task) Tombstone() Task {
	return Task{ID: t.ID, UserID: t.UserID, Version: t.Version, DeletedAt: t.DeletedAt}
}

// followCompleted makes CompletedAt agree with Completed, which became so at now.
func (t *Task) followCompleted(now time.Time) {
	switch {
	case !t.Completed:
		t.CompletedAt = time.Time{}
	case t.CompletedAt.IsZero():
		t.CompletedAt = now
	}
}

// Settle gives CompletedAt the value that clients see in a task that a program of
// before this field may have written: that of UpdatedAt where it is missing, and none
// while the task is not completed.
func (t *Task) Settle() { t.followCompleted(t.UpdatedAt) }

// Size is about what the task takes, in bytes: in memory, and as JSON.
func (t *Task) Size() int64 {
	const bare = 480 // of all that is no text
	n := bare + int64(len(t.Title)+len(t.Metadata))
	for _, tag := range t.Tags {
		n += int64(len(tag)) + 20
	}
	if t.Description != nil {
		n += int64(len(*t.Description))
	}
	return n
}

// escapes is what Size leaves out of the task as JSON: its user's id, and what the
// escapes of its texts add.
func (t *Task) escapes() int64 {
	n := int64(len(t.UserID)) + escapes(string(t.UserID)) + escapes(t.Title)
	for _, tag := range t.Tags {
		n += escapes(tag)
	}
	if t.Description != nil {
		n += escapes(*t.Description)
	}
	return n
}

// escapes is how many bytes the escapes of JSON add to a text (RFC 8259, section 7).
func escapes(text string) (n int64) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= ' ' && c != '"' && c != '\\':
		case c >= ' ', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
			n++ // a backslash
		default:
			n += int64(len(`\u0001`)) - 1
		}
	}
	return n
}

// NewTask is what a client gives to create a task.
type NewTask struct{ Fields }

// Optional is a value that may be absent. Absent differs from zero and from null.
type Optional[T any] struct {
	Set   bool
	Value T
}

// Some returns an Optional with the value v.
func Some[T any](v T) Optional[T] { return Optional[T]{Set: true, Value: v} }

// TaskUpdate is what a client changes of a task. Absent fields stay as they are;
// a Description of nil clears it.
type TaskUpdate struct {
	Title       Optional[string]
	Description Optional[*string]
	Completed   Optional[bool]
	Priority    Optional[Priority]
	DueDate     Optional[DueDate]
	Tags        Optional[[]string]
	Metadata    Optional[Metadata]
	// MetadataPatch is a JSON merge patch (RFC 7396) of the metadata; "" is none. Only
	// Service.Do takes one.
	MetadataPatch Metadata
}

// Normalize trims the title and the tags. It returns every fault of u, none when it may be
// applied.
func (u *TaskUpdate) Normalize() []Fault {
	return slices.Concat(
		ifSet(&u.Title, normalizeTitle),
		ifSet(&u.Description, checkDescription),
		ifSet(&u.Priority, checkPriority),
		ifSet(&u.DueDate, checkDueDate),
		ifSet(&u.Tags, normalizeTags),
		ifSet(&u.Metadata, normalizeMetadata),
		normalizePatch(&u.MetadataPatch),
	)
}

// ifSet returns what check finds in the value of o, nothing when it is absent.
func ifSet[T any](o *Optional[T], check func(*T) []Fault) []Fault {
	if !o.Set {
		return nil
	}
	return check(&o.Value)
}

// Apply sets the fields that u names, and reports whether any of them changed.
func (u TaskUpdate) Apply(f *Fields) bool {
	return slices.Contains([]bool{ // all are assigned before one is looked at
		assign(&f.Title, u.Title, equal),
		assign(&f.Description, u.Description, equalTargets),
		assign(&f.Completed, u.Completed, equal),
		assign(&f.Priority, u.Priority, equal),
		assign(&f.DueDate, u.DueDate, equal),
		assign(&f.Tags, u.Tags, slices.Equal),
		assign(&f.Metadata, u.Metadata, equal),
	}, true)
}

// assign gives field the value of o, if it is there, and reports whether that
// changed it.
func assign[T any](field *T, o Optional[T], equal func(a, b T) bool) bool {
	if !o.Set || equal(*field, o.Value) {
		return false
	}
	*field = o.Value
	return true
}

func equal[T comparable](a, b T) bool { return a == b }

// equalTargets compares what a and b point to; nil equals nil alone.
func equalTargets[T comparable](a, b *T) bool {
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

func checkDescription(text **string) []Fault {
	if *text == nil {
		return nil
	}
	return checkText("/description", "description", **text, MaxDescription)
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
