package sqlite

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"docket"
	"docket/internal/sqlite/engine"
)

// idAt reads the id of a task.
func idAt(s *engine.Stmt, col int) (id uuid.UUID, err error) {
	if !s.FillAt(col, id[:]) {
		err = errors.New("sqlite: an id is not of 16 bytes")
	}
	return id, err
}

// bindDue binds the moment of d as it is compared, NULL when there is none.
func bindDue(s *engine.Stmt, d docket.DueDate) {
	if d == "" {
		s.Null()
		return
	}
	at, _ := d.Moment()
	s.Moment(at)
}

// bindTags binds a list of tags as a JSON array, NULL for none.
func bindTags(s *engine.Stmt, tags []string) {
	if len(tags) == 0 {
		s.Null()
		return
	}
	list, err := json.Marshal(tags)
	if err != nil {
		panic(err) // texts are valid UTF-8: see docket.Task
	}
	s.Text(string(list))
}

// tagsAt reads what bindTags has bound.
func tagsAt(s *engine.Stmt, col int) (tags []string, err error) {
	if s.IsNullAt(col) {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(s.TextAt(col)), &tags); err != nil {
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
