package sqlite

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"docket"
)

// momentAt reads a time that moment has bound.
func (s *statement) momentAt(col int) time.Time {
	if s.ColumnIsNull(col) {
		return time.Time{}
	}
	return time.UnixMicro(s.ColumnInt64(col)).UTC()
}

// bytesAt reads bytes.
func (s *statement) bytesAt(col int) []byte {
	b := make([]byte, s.ColumnLen(col))
	s.ColumnBytes(col, b)
	return b
}

// optionalAt reads a text that may be absent.
func (s *statement) optionalAt(col int) *string {
	if s.ColumnIsNull(col) {
		return nil
	}
	return new(s.ColumnText(col))
}

// optional binds a text that may be absent.
func (s *statement) optional(v *string) {
	if v == nil {
		s.null()
	} else {
		s.text(*v)
	}
}

// idAt reads the id of a task.
func (s *statement) idAt(col int) (id uuid.UUID, err error) {
	if n := s.ColumnLen(col); n != len(id) {
		return id, fmt.Errorf("sqlite: an id has %d bytes", n)
	}
	s.ColumnBytes(col, id[:])
	return id, nil
}

// flag binds a truth value.
func (s *statement) flag(v bool) *statement {
	s.BindBool(s.next(), v)
	return s
}

// due binds the moment of d as it is compared, NULL when there is none.
func (s *statement) due(d docket.DueDate) *statement {
	if d == "" {
		return s.null()
	}
	at, _ := d.Moment()
	return s.moment(at)
}

// tags binds a list of tags as a JSON array, NULL for none.
func (s *statement) tags(tags []string) *statement {
	if len(tags) == 0 {
		return s.null()
	}
	list, err := json.Marshal(tags)
	if err != nil {
		panic(err) // texts are valid UTF-8: see docket.Task
	}
	return s.text(string(list))
}

// tagsAt reads what tags has bound.
func (s *statement) tagsAt(col int) (tags []string, err error) {
	if s.ColumnIsNull(col) {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(s.ColumnText(col)), &tags); err != nil {
		return nil, fmt.Errorf("sqlite: the tags of a task cannot be read: %w", err)
	}
	return tags, nil
}

// tagEnd ends each tag of foldedTags, and begins the first. No tag and no text to
// search for holds it.
const tagEnd = 0

// foldedTags returns tags in the form in which they are compared, nil for none.
func foldedTags(tags []string) []byte {
	if len(tags) == 0 {
		return nil
	}
	folded := []byte{tagEnd}
	for _, tag := range docket.FoldTags(tags) {
		folded = append(append(folded, tag...), tagEnd)
	}
	return folded
}
