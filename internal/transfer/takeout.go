package transfer

import (
	"strings"

	"docket"
)

// googleTask is a task of Google Tasks, in the file Tasks.json of Google Takeout.
type googleTask struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Notes     string `json:"notes"`
	Status    string `json:"status"` // needsAction or completed
	Due       string `json:"due"`    // a day, as its first instant in UTC
	Completed string `json:"completed"`
	Created   string `json:"created"`
	Updated   string `json:"updated"`
	Parent    string `json:"parent"`
	Deleted   bool   `json:"deleted"`
}

// googleList reads a list of tasks. Its title, which comes first, becomes a tag.
func (j *jsonReader) googleList() error {
	title := ""
	return j.members(map[string]func() error{
		"title": func() error {
			line, _, err := j.decode(&title)
			title = listTag(j.to, line, strings.TrimSpace(title))
			return err
		},
		"items": func() error {
			return j.each(func() error { return j.googleTask(title) })
		},
	})
}

func (j *jsonReader) googleTask(list string) error {
	var t googleTask
	line, ok, err := j.decode(&t)
	if err != nil || !ok {
		return err
	}
	if t.Deleted {
		j.to.skip(line, "deleted", "The task was left out: it is deleted.")
		return nil
	}
	d := docket.Draft{NewTask: docket.NewTask{Fields: docket.Fields{
		Title: t.Title, Description: optional(t.Notes), Completed: t.Status == "completed",
	}}}
	if t.ID != "" {
		d.ID = "google:" + t.ID
	}
	if list != "" {
		d.Tags = []string{list}
	}
	if day, _, _ := strings.Cut(t.Due, "T"); day != "" {
		d.DueDate = dueOf(day)
	}
	good := parseTime(t.Created, &d.CreatedAt) && parseTime(t.Updated, &d.UpdatedAt) && parseTime(t.Completed, &d.CompletedAt)
	if !good {
		j.to.skip(line, "invalid_time", "The task was left out: created, updated or completed is not a time as RFC 3339 has it.")
		return nil
	}
	if t.Parent != "" {
		j.to.skip(line, "field_left_out", "The task is kept, without the task that it is part of (parent).")
	}
	return j.to.add(line, d)
}
