package sqlite

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"docket"
)

// moment scans a time from microseconds since 1970. NULL is the zero time.
type moment time.Time

// Scan implements sql.Scanner.
func (m *moment) Scan(src any) error {
	switch micros := src.(type) {
	case nil:
		*m = moment{}
	case int64:
		*m = moment(time.UnixMicro(micros).UTC())
	default:
		return fmt.Errorf("sqlite: a time is stored as %T", src)
	}
	return nil
}

// microseconds returns what moment scans as t.
func microseconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// dueAt returns the moment of d as it is compared, NULL when there is none.
func dueAt(d docket.DueDate) any {
	if d == "" {
		return nil
	}
	at, _ := d.Moment()
	return microseconds(at)
}

// integer scans an integer. database/sql by itself converts one by its digits.
type integer[T ~int8 | ~int64] struct{ dest *T }

// Scan implements sql.Scanner.
func (i integer[T]) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("sqlite: an integer is stored as %T", src)
	}
	*i.dest = T(n)
	return nil
}

// text scans a text. NULL is "".
type text string

// Scan implements sql.Scanner.
func (t *text) Scan(src any) error {
	switch s := src.(type) {
	case nil:
		*t = ""
	case string:
		*t = text(s)
	default:
		return fmt.Errorf("sqlite: a text is stored as %T", src)
	}
	return nil
}

// description scans a text that may be absent. database/sql by itself does so by
// reflection.
type description struct{ dest **string }

// Scan implements sql.Scanner.
func (d description) Scan(src any) error {
	*d.dest = nil
	switch s := src.(type) {
	case nil:
	case string:
		*d.dest = &s
	default:
		return fmt.Errorf("sqlite: a description is stored as %T", src)
	}
	return nil
}

// orNull returns what text scans as s.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// tagList is the tags of a task, as a JSON array. It scans NULL as none.
type tagList []string

// tagsOrNull returns what tagList scans as tags.
func tagsOrNull(tags []string) any {
	if len(tags) == 0 {
		return nil
	}
	return tagList(tags)
}

// Value implements driver.Valuer.
func (l tagList) Value() (driver.Value, error) {
	list, err := json.Marshal([]string(l))
	return string(list), err
}

// Scan implements sql.Scanner.
func (l *tagList) Scan(src any) error {
	*l = nil // a row does not share its list with the one before
	switch list := src.(type) {
	case nil:
	case string:
		if err := json.Unmarshal([]byte(list), (*[]string)(l)); err != nil {
			return fmt.Errorf("sqlite: the tags of a task cannot be read: %w", err)
		}
	default:
		return fmt.Errorf("sqlite: tags are stored as %T", src)
	}
	return nil
}

// tagEnd ends each tag of foldedTags, and begins the first. No tag and no text to
// search for holds it.
const tagEnd = 0

// foldedTags returns tags in the form in which they are compared, NULL for none.
func foldedTags(tags []string) any {
	if len(tags) == 0 {
		return nil
	}
	folded := []byte{tagEnd}
	for _, tag := range docket.FoldTags(tags) {
		folded = append(append(folded, tag...), tagEnd)
	}
	return folded
}
