package transfer

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"docket"
)

// The format of todo.txt: one task in a line, see https://github.com/todotxt/todo.txt.
// What follows the title is +project, @context and key:value.

// todoPriorities are the letters of priorities. Those behind C are low too.
var todoPriorities = map[docket.Priority]string{docket.High: "A", docket.Medium: "B", docket.Low: "C"}

// idKey is the key under which a line has the task's id.
const idKey = "docket"

type todoTxtWriter struct{ w io.Writer }

func beginTodoTxt(w io.Writer, _ time.Time) (writer, error) { return todoTxtWriter{w}, nil }

func (todoTxtWriter) end() error { return nil }

func (w todoTxtWriter) task(t *docket.Task) error {
	var words []string
	priority := todoPriorities[t.Priority]
	if t.Completed {
		words = append(words, "x", t.CompletedAt.UTC().Format(time.DateOnly))
	} else {
		words = append(words, "("+priority+")")
	}
	words = append(words, t.CreatedAt.UTC().Format(time.DateOnly), strings.Join(strings.Fields(t.Title), " "))
	for _, tag := range t.Tags {
		words = append(words, "@"+strings.Join(strings.Fields(tag), "_"))
	}
	words = append(words, idKey+":"+t.ID.String())
	if at, dated := t.DueDate.Moment(); dated {
		words = append(words, "due:"+at.Format(time.DateOnly))
	}
	if t.Completed {
		words = append(words, "pri:"+priority)
	}
	_, err := io.WriteString(w.w, strings.Join(words, " ")+"\n")
	return err
}

func readTodoTxt(r io.Reader, to *reading) error {
	lines := newLineReader(r)
	for {
		text, err := lines.next(0)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := to.add(lines.line, parseTodo(text)); err != nil {
			return err
		}
	}
}

var (
	todoMark = regexp.MustCompile(`^\(([A-Z])\) +`)
	todoDate = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?: +|$)`)
)

// parseTodo reads one line.
func parseTodo(text string) (d docket.Draft) {
	if rest, done := strings.CutPrefix(text, "x "); done {
		d.Completed, text = true, strings.TrimLeft(rest, " ")
	}
	if mark := todoMark.FindStringSubmatch(text); mark != nil {
		d.Priority, text = todoPriority(mark[1]), text[len(mark[0]):]
	}
	var first, second time.Time
	if text, first = cutDate(text); d.Completed && !first.IsZero() {
		text, second = cutDate(text)
		d.CompletedAt, d.CreatedAt = first, second
	} else {
		d.CreatedAt = first
	}
	takeWords(&d, text)
	return d
}

// takeWords takes in what follows the dates. A project or context that the title goes on
// behind is a part of it too. Where Docket has written the id, the keys follow that, and a
// word of the title that looks like one is none.
func takeWords(d *docket.Draft, text string) {
	var words []string
	plain := 0 // how many words there are up to the last one that is no tag
	fields, keys := strings.Fields(text), 0
	for i, word := range fields {
		if key, value, _ := strings.Cut(word, ":"); key == idKey && docketID(value) {
			keys = i
		}
	}
	for i, word := range fields {
		switch {
		case i >= keys && takeKey(d, word):
		case len(word) > 1 && strings.ContainsAny(word[:1], "@+"):
			d.Tags, words = append(d.Tags, word[1:]), append(words, word)
		default:
			words = append(words, word)
			plain = len(words)
		}
	}
	if plain == 0 { // a title is needed
		plain = min(1, len(words))
	}
	d.Title = strings.Join(words[:plain], " ")
}

// takeKey takes in a key:value that Docket knows.
func takeKey(d *docket.Draft, word string) bool {
	key, value, _ := strings.Cut(word, ":")
	switch key {
	case "due":
		due, ok := docket.ParseDueDate(value)
		if ok {
			d.DueDate = due
		}
		return ok
	case "pri":
		if len(value) != 1 || value[0] < 'A' || value[0] > 'Z' {
			return false
		}
		d.Priority = todoPriority(value)
		return true
	case idKey:
		if docketID(value) {
			d.ID = value
			return true
		}
	}
	return false
}

func todoPriority(letter string) docket.Priority {
	switch letter {
	case "A":
		return docket.High
	case "B":
		return docket.Medium
	}
	return docket.Low
}

// cutDate cuts a date off the beginning of a text; none is the zero time.
func cutDate(text string) (rest string, day time.Time) {
	found := todoDate.FindStringSubmatch(text)
	if found == nil {
		return text, day
	}
	day, err := time.Parse(time.DateOnly, found[1])
	if err != nil {
		return text, time.Time{}
	}
	return text[len(found[0]):], day
}
