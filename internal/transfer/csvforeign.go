package transfer

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"docket"
)

// todoistReader reads an export of Todoist: a project, whose sections become tags. The
// rows of a task's notes follow it.
type todoistReader struct {
	h       header
	to      *reading
	zones   zones
	section string
	pending *docket.Draft // its notes may follow
	line    int           // of pending
	notes   []string      // its description and notes
	room    int           // characters that the description has room for
}

// listTag returns the name of a list, which its tasks get as a tag; "" for one that is too
// long for a tag, which it tells.
func listTag(to *reading, line int, name string) string {
	if utf8.RuneCountInString(name) > docket.MaxTag {
		to.skip(line, "list_left_out", `The tasks are kept, without their list "`+shorten(name)+`" as a tag: its name is too long.`)
		return ""
	}
	return name
}

// todoistPriorities are Todoist's, of which 4 says nothing.
var todoistPriorities = map[string]docket.Priority{"1": docket.High, "2": docket.Medium, "3": docket.Low}

func (r *todoistReader) row(line int, cells []string) error {
	content := strings.TrimSpace(r.h.cell(cells, "content"))
	switch kind := strings.ToLower(r.h.cell(cells, "type")); {
	case cells == nil:
		return r.flush()
	case kind == "task":
		if err := r.flush(); err != nil {
			return err
		}
		r.pending, r.line = r.task(line, content, cells), line
		r.notes, r.room = nil, docket.MaxDescription
		if text := r.pending.Description; text != nil {
			r.notes, r.room = []string{*text}, r.room-utf8.RuneCountInString(*text)-len(noteBreak)
		}
	case kind == "section":
		r.section = listTag(r.to, line, content)
	case kind == "note" && r.pending != nil && content != "":
		r.note(line, content)
	case kind == "note" && content != "":
		r.to.skip(line, "note_left_out", "The note was left out: it belongs to no task.")
	}
	return nil
}

// noteBreak stands between the notes in a description.
const noteBreak = "\n\n"

// note adds a note to the pending task. What is held of a task is bounded by its
// description.
func (r *todoistReader) note(line int, content string) {
	length := utf8.RuneCountInString(content)
	if length > r.room {
		r.to.skip(line, "note_left_out", "The note was left out: with it the description of its task would be too long.")
		return
	}
	r.notes, r.room = append(r.notes, content), r.room-length-len(noteBreak)
}

// flush takes the task that is complete now.
func (r *todoistReader) flush() error {
	d := r.pending
	if r.pending = nil; d == nil {
		return nil
	}
	d.Description = optional(strings.Join(r.notes, noteBreak))
	return r.to.add(r.line, *d)
}

func (r *todoistReader) task(line int, content string, cells []string) *docket.Draft {
	d := &docket.Draft{}
	d.Title, d.Tags = cutLabels(content)
	if r.section != "" {
		d.Tags = append(d.Tags, r.section)
	}
	d.Description = optional(r.h.cell(cells, "description"))
	d.Priority = todoistPriorities[r.h.cell(cells, "priority")]
	if indent := r.h.cell(cells, "indent"); indent != "" && indent != "1" {
		r.to.skip(line, "field_left_out", "The task is kept, without the task that it is part of (INDENT).")
	}
	if date := strings.TrimSpace(r.h.cell(cells, "date")); date != "" {
		due, ok := r.date(date, r.h.cell(cells, "timezone"))
		if !ok {
			r.to.skip(line, "due_date_left_out", `The task is kept, without its date "`+shorten(date)+`": Docket reads dates such as 2026-12-01 and 2026-12-01 09:00.`)
		}
		d.DueDate = due
	}
	return d
}

// cutLabels takes the labels off the end of a content, unless there is nothing else.
func cutLabels(content string) (title string, tags []string) {
	const space = " \t\n\f\r"
	for {
		start := strings.LastIndexAny(content, space) + 1
		rest := strings.TrimRight(content[:start], space)
		label, found := strings.CutPrefix(content[start:], "@")
		if !found || label == "" || rest == "" {
			slices.Reverse(tags)
			return content, tags
		}
		tags, content = append(tags, label), rest
	}
}

// date reads a date, or a date and a time, which is local where there is no zone.
func (r *todoistReader) date(text, zone string) (docket.DueDate, bool) {
	due, ok := docket.ParseDueDate(strings.Replace(text, " ", "T", 1))
	if ok && zone != "" && isLocal(due) {
		if in, known := r.zones.load(zone); known {
			return inZone(due, in), true
		}
	}
	return due, ok
}

// tickTickReader reads a backup of TickTick. The list of a task becomes a tag.
type tickTickReader struct {
	h     header
	to    *reading
	zones zones
}

// tickTickPriorities are TickTick's, of which 0 says nothing.
var tickTickPriorities = map[string]docket.Priority{"1": docket.Low, "3": docket.Medium, "5": docket.High}

func (r tickTickReader) row(line int, cells []string) error {
	if cells == nil {
		return nil
	}
	get := func(column string) string { return strings.TrimSpace(r.h.cell(cells, column)) }
	d := docket.Draft{NewTask: docket.NewTask{Fields: docket.Fields{
		Title: get("title"), Description: optional(r.h.cell(cells, "content")),
		Completed: get("status") == "1" || get("status") == "2", // completed, archived
		Priority:  tickTickPriorities[get("priority")],
	}}}
	if id := get("taskid"); id != "" {
		d.ID = "ticktick:" + id
	}
	tags, ok := splitTags(get("tags"))
	if !ok && get("tags") != "" {
		r.to.skip(line, "tags_left_out", "The task is kept, without its tags, which are no list.")
	}
	d.Tags = tags
	if list := listTag(r.to, line, get("list name")); list != "" {
		d.Tags = append(d.Tags, list)
	}
	times := tickTickTime(get("created time"), &d.CreatedAt) && tickTickTime(get("completed time"), &d.CompletedAt)
	if !times {
		r.to.skip(line, "invalid_time", "The task was left out: Created Time or Completed Time is not a time such as 2026-12-01T09:00:00+0000.")
		return nil
	}
	r.due(line, get, &d)
	for _, column := range []string{"repeat", "reminder", "parentid"} {
		if get(column) != "" {
			r.to.skip(line, "field_left_out", "The task is kept, without its "+column+".")
		}
	}
	return r.to.add(line, d)
}

// due sets the due date: an instant, or what it is in the task's zone when that is a
// whole day or a local time.
func (r tickTickReader) due(line int, get func(string) string, d *docket.Draft) {
	var at time.Time
	text := get("due date")
	if !tickTickTime(text, &at) {
		r.to.skip(line, "due_date_left_out", `The task is kept, without its due date "`+shorten(text)+`".`)
		return
	}
	if text == "" {
		return
	}
	day, local := strings.EqualFold(get("is all day"), "true"), strings.EqualFold(get("is floating"), "true")
	in, known := r.zones.load(get("timezone"))
	if (day || local) && !known {
		r.to.skip(line, "unknown_zone", `The due date is that in UTC: the zone "`+shorten(get("timezone"))+`" is not known.`)
		in = time.UTC
	}
	switch {
	case day:
		d.DueDate = docket.DueDate(at.In(in).Format(time.DateOnly))
	case local:
		d.DueDate = docket.DueDate(at.In(in).Format(localTime))
	default:
		d.DueDate = dueOf(at.UTC().Format(time.RFC3339))
	}
}

// tickTickTime sets the time that a text holds, if it holds any.
func tickTickTime(text string, to *time.Time) (ok bool) {
	if text == "" {
		return true
	}
	var err error
	if *to, err = time.Parse("2006-01-02T15:04:05-0700", text); err != nil {
		*to, err = time.Parse(time.RFC3339, text)
	}
	return err == nil
}
