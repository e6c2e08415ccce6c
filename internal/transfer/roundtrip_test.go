package transfer

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"docket"
)

var now = time.Date(2026, 12, 1, 9, 30, 0, 123456000, time.UTC)

// importer prepares drafts; nothing is stored.
var importer = docket.NewService(nil, docket.WithClock(func() time.Time { return now }))

// write returns the file of some tasks.
func write(t rapid.TB, f *Format, tasks ...docket.Task) string {
	var b bytes.Buffer
	w, err := f.begin(&b, now)
	for i := range tasks {
		if err == nil {
			err = w.task(&tasks[i])
		}
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read returns the tasks of a file, of which nothing may be left out.
func read(t rapid.TB, f *Format, file string) (tasks []docket.Task) {
	got, err := parse(f, file)
	if err != nil || len(got.Skips) > 0 {
		t.Fatalf("%v, %q in\n%s", err, got.Skips, file)
	}
	for _, d := range got.Tasks {
		task, faults := importer.ImportedTask("alice", d)
		if len(faults) > 0 {
			t.Fatalf("%+v in\n%s", faults, file)
		}
		tasks = append(tasks, task)
	}
	return tasks
}

// texts are of every class of Unicode, and of what the formats give a meaning.
func texts(most int) *rapid.Generator[string] {
	r := rapid.OneOf(
		rapid.Rune(),
		rapid.RuneFrom(nil, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs, unicode.Cf, unicode.Co),
		rapid.SampledFrom([]rune("=+-@'\",;:\\\t\r\n \u2028\u0085\ufeff\u202e()x0aß😀")),
	).Filter(func(r rune) bool { return r != 0 && r != unicode.ReplacementChar })
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"pri:A", "due:2026-05-05", "a@b", "(B)", "\r\n", "'", "="}), 1, most/15+1)
	return rapid.OneOf(rapid.StringOfN(r, 1, most, -1), rapid.Map(words, func(w []string) string { return strings.Join(w, " ") }))
}

func tasks() *rapid.Generator[docket.Task] {
	return rapid.Custom(func(t *rapid.T) docket.Task {
		at := rapid.Map(rapid.Int64Range(0, now.UnixMicro()), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
		draft := docket.Draft{ID: uuid.Must(uuid.NewV7()).String(), CreatedAt: at.Draw(t, "created_at"), UpdatedAt: at.Draw(t, "updated_at")}
		draft.Title = texts(30).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "title")
		if rapid.Bool().Draw(t, "described") {
			draft.Description = new(texts(300).Draw(t, "description"))
		}
		if draft.Completed = rapid.Bool().Draw(t, "completed"); draft.Completed {
			draft.CompletedAt = at.Draw(t, "completed_at")
		}
		draft.Priority = rapid.SampledFrom([]docket.Priority{docket.Low, docket.Medium, docket.High}).Draw(t, "priority")
		due := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "due"), 0).UTC()
		draft.DueDate = docket.DueDate(rapid.SampledFrom([]string{"", due.Format(time.DateOnly), due.Format(localTime), due.Format(time.RFC3339)}).Draw(t, "due_date"))
		draft.Tags = rapid.SliceOfN(texts(12).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }), 0, 5).Draw(t, "tags")
		draft.Metadata = docket.Metadata(rapid.SampledFrom([]string{"", "{}", `{"n":1.50,"big":123456789012345678901234567890}`, `{"a":[{"b":"c, \"d\""}],"é":null}`}).Draw(t, "metadata"))
		task, faults := importer.ImportedTask("alice", draft)
		if len(faults) > 0 {
			t.Fatalf("%+v of %+v", faults, draft)
		}
		return task
	})
}

var sameTask = cmpopts.EquateEmpty()

// TestRoundTripsLoseWhatTheFormatCannotSay and nothing else: docs/data.md has the table.
func TestRoundTripsLoseWhatTheFormatCannotSay(t *testing.T) {
	lf := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
	for name, test := range map[string]struct {
		f    *Format
		loss func(t *docket.Task)
	}{
		"json": {JSON, func(*docket.Task) {}},
		"csv":  {CSV, func(t *docket.Task) { eachText(t, lf) }},
		"ics": {Calendar, func(t *docket.Task) {
			eachText(t, func(s string) string {
				return strings.Map(func(r rune) rune {
					if (r < ' ' || r == 0x7f) && r != '\t' && r != '\n' {
						return -1
					}
					return r
				}, strings.ReplaceAll(lf(s), "\r", "\n"))
			})
			for _, at := range []*time.Time{&t.CreatedAt, &t.UpdatedAt, &t.CompletedAt} {
				*at = at.Truncate(time.Second)
			}
		}},
		"todotxt": {TodoTxt, func(t *docket.Task) {
			for _, at := range []*time.Time{&t.CreatedAt, &t.CompletedAt} {
				*at = at.Truncate(24 * time.Hour)
			}
			t.UpdatedAt, t.Description, t.Metadata = t.CreatedAt, nil, ""
			t.Title, t.Tags = "", nil // words that begin with @ or + become tags
			if at, ok := t.DueDate.Moment(); ok {
				t.DueDate = docket.DueDate(at.Format(time.DateOnly))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				list := rapid.SliceOfN(tasks(), 0, 4).Draw(t, "tasks")
				kept := list[:0:0]
				for _, task := range list {
					test.loss(&task)
					if task.Title != "" || name == "todotxt" {
						kept = append(kept, task)
					}
				}
				if len(kept) < len(list) {
					t.Skip("a title of control characters alone")
				}
				got := read(t, test.f, write(t, test.f, list...))
				if name == "todotxt" {
					for i := range got {
						got[i].Title, got[i].Tags = "", nil
					}
				}
				if diff := cmp.Diff(kept, got, sameTask); diff != "" {
					t.Fatalf("(-want +got)\n%s\n%q", diff, write(t, test.f, list...))
				}
			})
		})
	}
}

// eachText changes every text of a task, and normalizes it as Docket does.
func eachText(t *docket.Task, change func(string) string) {
	t.Title = strings.TrimSpace(change(t.Title))
	if t.Description != nil {
		t.Description = optional(change(*t.Description))
	}
	var tags []string
	for _, tag := range t.Tags {
		if tag = strings.TrimSpace(change(tag)); tag != "" && !strings.Contains("\x00"+strings.Join(tags, "\x00")+"\x00", "\x00"+tag+"\x00") {
			tags = append(tags, tag)
		}
	}
	t.Tags = tags
}

func TestCalendarsAreFolded(t *testing.T) {
	task, faults := importer.ImportedTask("alice", docket.Draft{NewTask: docket.NewTask{Fields: docket.Fields{Title: strings.Repeat("😀é", 200), Tags: []string{"a,b", "c;d"}}}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	file := write(t, Calendar, task)
	for line := range strings.SplitSeq(strings.TrimSuffix(file, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ToValidUTF8(line, "?") != line || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line is %q", line)
		}
	}
	if !strings.Contains(file, "\r\nCATEGORIES:a\\,b,c\\;d\r\n") {
		t.Error(file)
	}
}

// TestFormulasAreGuarded in files that a spreadsheet opens.
func TestFormulasAreGuarded(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@A1": "'@A1", "\tx": "'\tx", "'=1": "''=1", "''-": "'''-",
		"\nx": "'\nx", "'x": "'x", "a=1": "a=1", "": "", "'": "'",
	} {
		if got := guard(text); got != want || unguard(got) != text {
			t.Errorf("%q is guarded as %q and read as %q", text, got, unguard(got))
		}
	}
}

// fuzz checks that a file, whatever it holds, is read or refused, and that what is read
// is written and read again as the same.
func fuzz(f *testing.F, format *Format, exact bool) {
	for other, file := range ones {
		if other == format {
			f.Add(file)
			f.Add(utf16Of(file, true))
			f.Add(file[:len(file)/2])
		}
	}
	f.Fuzz(func(t *testing.T, file string) {
		got, err := parse(format, file)
		if err != nil {
			return
		}
		var first []docket.Task
		for i, d := range got.Tasks {
			if !docketID(d.ID) {
				d.ID = uuid.NewSHA1(uuid.Nil, []byte{byte(i)}).String()
			}
			if task, faults := importer.ImportedTask("alice", d); len(faults) == 0 {
				first = append(first, task)
			}
		}
		again := first
		if !exact {
			again = readAny(t, format, write(t, format, first...))
		}
		if last := readAny(t, format, write(t, format, again...)); !cmp.Equal(again, last, sameTask) {
			t.Errorf("%s", cmp.Diff(again, last, sameTask))
		}
	})
}

// readAny is read for tasks whose loss makes some of them invalid.
func readAny(t *testing.T, f *Format, file string) (tasks []docket.Task) {
	got, err := parse(f, file)
	if err != nil {
		t.Fatalf("%v in\n%q", err, file)
	}
	for _, d := range got.Tasks {
		if task, faults := importer.ImportedTask("alice", d); len(faults) == 0 {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

func FuzzReadJSON(f *testing.F)     { fuzz(f, JSON, true) }
func FuzzReadCSV(f *testing.F)      { fuzz(f, CSV, false) }
func FuzzReadCalendar(f *testing.F) { fuzz(f, Calendar, false) }
func FuzzReadTodoTxt(f *testing.F)  { fuzz(f, TodoTxt, false) }
