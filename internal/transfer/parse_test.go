package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"docket"
)

// parsed is what a parser finds.
type parsed struct {
	Tasks []docket.Draft
	Skips []string // "line code"
}

func parse(f *Format, file string) (p parsed, err error) {
	text, err := decodeText(strings.NewReader(file))
	if err != nil {
		return p, err
	}
	err = f.read(text, &reading{
		add:  func(_ int, d docket.Draft) error { p.Tasks = append(p.Tasks, d); return nil },
		skip: func(line int, code, _ string) { p.Skips = append(p.Skips, fmt.Sprintf("%d %s", line, code)) },
	})
	return p, err
}

// utf16Of encodes a text, with a byte order mark.
func utf16Of(text string, little bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		if high, low := byte(u>>8), byte(u); little {
			b.Write([]byte{low, high})
		} else {
			b.Write([]byte{high, low})
		}
	}
	return b.String()
}

const (
	oneJSON = `{"docket":1,"exported_at":"2026-12-01T00:00:00.000000Z","tasks":[{"title":"Kauf Müsli 😀"}]}`
	oneCSV  = "title\nKauf Müsli 😀\n"
	oneTodo = "BEGIN:VTODO\r\nUID:1\r\nSUMMARY:Kauf Müsli 😀\r\nEND:VTODO\r\n"
	oneIcal = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + oneTodo + "END:VCALENDAR\r\n"
	oneLine = "Kauf Müsli 😀\n"
)

var ones = map[*Format]string{JSON: oneJSON, CSV: oneCSV, Calendar: oneIcal, TodoTxt: oneLine}

func TestCharsetsAndLineEnds(t *testing.T) {
	for f, file := range ones {
		lf := strings.ReplaceAll(file, "\r\n", "\n")
		for name, text := range map[string]string{
			"UTF-8": file, "byte order mark": "\ufeff" + file, "LF": lf, "CRLF": strings.ReplaceAll(lf, "\n", "\r\n"),
			"UTF-16 LE": utf16Of(file, true), "UTF-16 BE": utf16Of(file, false), "no end of line": strings.TrimRight(file, "\r\n"),
		} {
			got, err := parse(f, text)
			if err != nil || len(got.Tasks) != 1 || got.Tasks[0].Title != "Kauf Müsli 😀" || len(got.Skips) != 0 {
				t.Errorf("%s in %s: %+v, %v", f.Name, name, got, err)
			}
		}
	}
}

// TestUnreadableFiles are files of which nothing is imported.
func TestUnreadableFiles(t *testing.T) {
	long := strings.Repeat("x", maxRecord+16<<10)
	for _, test := range []struct {
		f          *Format
		file, want string // line and code
	}{
		{JSON, "", "1 truncated"},
		{CSV, "", "1 no_header"},
		{Calendar, "", "1 not_icalendar"},
		{JSON, "PK\x03\x04rest", "0 compressed"},
		{CSV, "PK\x03\x04rest", "0 compressed"},
		{TodoTxt, "\x1f\x8brest", "0 compressed"},
		{CSV, "t\x00i\x00t\x00l\x00e\x00", "0 not_text"},
		{CSV, "title\nM\xfcsli\n", "0 not_utf8"},
		{JSON, "{\"tasks\":[{\"title\":\"M\xfcsli\"}]}", "0 not_utf8"},
		{Calendar, strings.Replace(oneIcal, "ü", "\xfc", 1), "0 not_utf8"},
		{TodoTxt, "M\xfcsli", "0 not_utf8"},
		{TodoTxt, "\xff\xfea\x00\n\x00\x00\xd8b\x00", "2 not_utf16"},           // a high surrogate before a letter
		{CSV, utf16Of("title\na\n", true) + "\x00\xdc\x00\xd8", "3 not_utf16"}, // the pair in the wrong order
		{JSON, utf16Of(`["`, false) + "\xdc\x00\x00\"\x00]", "1 not_utf16"},
		{TodoTxt, utf16Of("a\nb", false) + "\xd8\x3d", "2 truncated"},
		{TodoTxt, utf16Of("a\nb", true) + "c", "2 truncated"},

		{JSON, `{"docket":1,"tasks":[{"title":"a"},` + "\n" + `{"ti`, "2 truncated"},
		{JSON, `{"docket":1,"tasks":[{"title":"a"}`, "1 truncated"},
		{JSON, "{\n\"docket\":2,\"tasks\":[]}", "2 newer_version"},
		{JSON, "{\"tasks\":[],\n\"docket\":17}", "2 newer_version"},
		{JSON, `{"docket":1,"docket":1}`, "1 duplicate_name"},
		{JSON, oneJSON + "\n{}", "2 trailing_data"},
		{JSON, "title\nx", "1 not_json"},
		{JSON, `{"tasks":[{"title":"\ud800"}]}`, "1 not_json"},
		{JSON, `"tasks"`, "1 no_tasks"},
		{JSON, `{"docket":1,"tasks":{}}`, "1 no_tasks"},

		{CSV, "name,when\nx,y\n", "1 no_header"},
		{CSV, oneJSON, "1 no_header"},
		{CSV, "title\na\n\"b\nc\n", "3 truncated"},
		{CSV, "title\r\na\r\n\"b\r\nc\r\n", "3 truncated"},
		{CSV, "title\na,\"b", "2 truncated"},
		{CSV, "title\n\"" + long + "\"\n", "2 record_too_long"},
		{CSV, "title\n\"" + strings.Repeat("xxxxxxx\n", maxRecord/8+2000), "33281 record_too_long"},

		{Calendar, "x", "1 not_icalendar"},
		{Calendar, "BEGIN:VCARD\r\nEND:VCARD\r\n", "1 not_icalendar"},
		{Calendar, "\n\n", "1 not_icalendar"},
		{Calendar, oneIcal + "BEGIN:VTODO\r\n", "8 not_icalendar"},
		{Calendar, strings.TrimSuffix(oneIcal, "END:VCALENDAR\r\n"), "7 truncated"},
		{Calendar, "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:x", "4 truncated"},
		{Calendar, "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nEND:VCALENDAR\r\n", "3 malformed"},
		{Calendar, "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:A\r\n", 20), "11 too_deep"},
		{Calendar, "BEGIN:VCALENDAR\r\nX-A:" + long + "\r\n", "2 line_too_long"},
		{Calendar, "BEGIN:VCALENDAR\r\nX-A:a\r\n" + strings.Repeat(" "+strings.Repeat("x", 1000)+"\r\n", 300), "265 line_too_long"},
		{TodoTxt, "a\n" + long, "2 line_too_long"},
	} {
		_, err := parse(test.f, test.file)
		got := fmt.Sprint(err)
		if e, ok := err.(*FileError); ok {
			got = fmt.Sprintf("%d %s", e.Line, e.Code)
		}
		if got != test.want {
			t.Errorf("%s %.80q: %s, want %s", test.f.Name, test.file, got, test.want)
		}
	}
}

func ical(lines ...string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nSUMMARY:a\n" + strings.Join(lines, "\n") + "\nEND:VTODO\nEND:VCALENDAR\n"
}

// TestParts are files of which something is left out, and told.
func TestParts(t *testing.T) {
	for _, test := range []struct {
		f      *Format
		file   string
		titles string
		skips  []string
	}{
		{JSON, "{\"tasks\":[\n{\"title\":7},\n\n{\"title\":\"b\"},\n{\"title\":\"c\",\"created_at\":\"x\"},5]}", "b", []string{"2 wrong_type", "5 invalid_time", "5 wrong_type"}},
		{JSON, `[{"title":"a","unknown":1},{"title":"b"}]`, "a b", nil},
		{JSON, `{"items":[{"items":[{"title":"a"}]}, 5, {"items":5}]}`, "a", nil},
		{JSON, `[{"title":"a","tags":["` + strings.Repeat(`a","`, maxRecord/4) + `"]},{"title":"b"}]`, "b", []string{"1 record_too_long"}},
		{CSV, "title,completed\na,true\nb\"c,true\nd,maybe\n\n,,\ne,FALSE\n", "a e", []string{"3 stray_quote", "4 invalid_completed"}},
		{CSV, "title;due_date\na;2026-12-01\n", "a", nil},
		{CSV, "title\tcolour\na\tred\n", "a", []string{"1 unknown_column"}},
		{CSV, "\"a\"b\ntitle\nc\n", "c", nil},
		{CSV, "title\nc\n\"a\"b\n", "c", []string{"3 stray_quote"}},
		{CSV, "title\nc\n\"a\"b\"", "c", []string{"3 stray_quote"}},
		{Calendar, ical("RRULE:FREQ=DAILY", "BEGIN:VALARM", "ACTION:DISPLAY", "END:VALARM", "X-APPLE:1"), "a", []string{"2 fields_left_out"}},
		{Calendar, ical("DUE;TZID=Nowhere:20261201T090000"), "a", []string{"5 unknown_zone"}},
		{Calendar, ical("DUE;TZID=Nowhere:20261201T090000", "DUE;TZID=Elsewhere:20261201T090000", "DUE:20261201"), "a", []string{"5 unknown_zone", "2 fields_left_out"}},
		{Calendar, ical("SUMMARY:b", "DESCRIPTION:one", "DESCRIPTION:two"), "a", []string{"2 fields_left_out"}},
		{CSV, "title,x,title\na,,b\nc,,,\nd,,,,e\n", "a c d", []string{"1 unknown_column", "1 repeated_column", "4 surplus_cells"}},
		{JSON, `[{"title":"a","deleted":true},{"title":"b","deleted":false},{"title":"c","deleted":true,"deleted_at":"2026-12-01T09:00:00Z"}]`, "b c", []string{"1 no_deleted_at"}},
		{Calendar, ical(slices.Repeat([]string{"CATEGORIES:" + strings.Repeat("x,", maxRecord/4)}, 3)...), "", []string{"2 malformed_todo"}},
		{Calendar, ical("DUE:tomorrow"), "", []string{"2 malformed_todo"}},
		{Calendar, ical("COMPLETED:x"), "", []string{"2 malformed_todo"}},
		{Calendar, ical("STATUS:CANCELLED"), "a", []string{"2 status_changed"}},
		{Calendar, ical("no colon"), "", []string{"2 malformed_todo"}},
		{Calendar, strings.Replace(ical(), "UID:1\n", "", 1), "a", []string{"2 no_uid"}},
		{Calendar, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nnothing\nEND:VCALENDAR\n", "", []string{"2 not_a_task", "5 malformed_line"}},
		{TodoTxt, "\na\n\n  \nb\n", "a b", nil},
	} {
		got, err := parse(test.f, test.file)
		if err != nil {
			t.Errorf("%s %q: %v", test.f.Name, test.file, err)
		}
		var titles []string
		for _, d := range got.Tasks {
			titles = append(titles, d.Title)
		}
		if strings.Join(titles, " ") != test.titles || !cmp.Equal(got.Skips, test.skips) {
			t.Errorf("%s %q: %q, %q", test.f.Name, test.file, titles, got.Skips)
		}
	}
}

// TestForeignFiles reads files as other services write them.
func TestForeignFiles(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	draft := func(id, title, description string, f docket.Fields) docket.Draft {
		f.Title, f.Description = title, optional(description)
		return docket.Draft{ID: id, NewTask: docket.NewTask{Fields: f}}
	}
	timed := func(d docket.Draft, created, updated, completed string) docket.Draft {
		for at, text := range map[*time.Time]string{&d.CreatedAt: created, &d.UpdatedAt: updated, &d.CompletedAt: completed} {
			if text != "" {
				*at = day(text)
			}
		}
		return d
	}
	for file, test := range map[string]struct {
		f    *Format
		want parsed
	}{
		"todoist.csv": {CSV, parsed{
			[]docket.Draft{
				draft("", "Buy milk", "Two litres\n\nFrom the corner", docket.Fields{Priority: docket.High, Tags: []string{"home", "shop"}, DueDate: "2026-12-01"}),
				draft("", "Call Bob", "", docket.Fields{DueDate: "2026-12-01T08:00:00Z"}),
				draft("", "Stand up", "", docket.Fields{Tags: []string{"Work"}}),
				draft("", "Mail bob@example.com", "", docket.Fields{Priority: docket.Low, Tags: []string{"Work"}, DueDate: "2026-12-02T10:00:00"}),
			},
			[]string{"6 field_left_out", "8 due_date_left_out"},
		}},
		"ticktick.csv": {CSV, parsed{
			[]docket.Draft{
				timed(draft("ticktick:1", "Buy milk", "Two litres", docket.Fields{Priority: docket.High, Tags: []string{"shop", "food", "Errands"}, DueDate: "2026-12-01"}), "2026-11-20T08:00:00Z", "", ""),
				timed(draft("ticktick:2", "Call Bob", "", docket.Fields{Tags: []string{"Errands"}, DueDate: "2026-12-01T08:00:00Z"}), "2026-11-20T08:00:01Z", "", ""),
				timed(draft("ticktick:3", "Wake up", "", docket.Fields{Completed: true, Priority: docket.Low, Tags: []string{"Inbox"}, DueDate: "2026-12-01T07:00:00"}), "2026-11-20T08:00:02Z", "", "2026-11-21T08:00:02Z"),
			},
			[]string{"9 field_left_out", "9 field_left_out"},
		}},
		"takeout.json": {JSON, parsed{
			[]docket.Draft{
				timed(draft("google:dGFzazE", "Buy milk", "Two litres", docket.Fields{Tags: []string{"My Tasks"}, DueDate: "2026-12-01"}), "2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", ""),
				timed(draft("google:dGFzazI", "Find purse", "", docket.Fields{Completed: true, Tags: []string{"My Tasks"}}), "2026-11-19T08:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
				timed(draft("google:dGFzazM", "", "", docket.Fields{Tags: []string{"My Tasks"}}), "", "2026-11-20T09:00:00Z", ""),
			},
			[]string{"22 field_left_out", "33 deleted"},
		}},
	} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(test.f, string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestNotesFitTheirTask fills a description to its last character.
func TestNotesFitTheirTask(t *testing.T) {
	most := strings.Repeat("ü", docket.MaxDescription-len(noteBreak)-3)
	got, err := parse(CSV, "TYPE,CONTENT,DESCRIPTION\ntask,a,\nnote,"+most+",\nnote,four,\nnote,abc,\nnote,d,\ntask,b,"+most+"\nnote,four,\nnote,abc,\n")
	if err != nil || len(got.Tasks) != 2 || !cmp.Equal(got.Skips, []string{"4 note_left_out", "6 note_left_out", "8 note_left_out"}) {
		t.Fatalf("%d tasks, %q, %v", len(got.Tasks), got.Skips, err)
	}
	for _, d := range got.Tasks {
		if *d.Description != most+"\n\nabc" {
			t.Errorf("%s: …%s", d.Title, strings.TrimLeft(*d.Description, "ü"))
		}
	}
}

// TestListsTooLongForATag keeps the tasks of such lists.
func TestListsTooLongForATag(t *testing.T) {
	fits, long := strings.Repeat("ü", docket.MaxTag), strings.Repeat("ü", docket.MaxTag+1)
	for _, test := range []struct {
		f          *Format
		file, code string
	}{
		{JSON, `{"items":[{"title":"%s","items":[{"title":"a"}]}]}`, "1 list_left_out"},
		{CSV, "TYPE,CONTENT\nsection,%s\ntask,a\n", "2 list_left_out"},
		{CSV, "Title,List Name\na,%s\n", "2 list_left_out"},
	} {
		got, err := parse(test.f, fmt.Sprintf(test.file, long))
		if err != nil || len(got.Tasks) != 1 || got.Tasks[0].Tags != nil || !cmp.Equal(got.Skips, []string{test.code}) {
			t.Errorf("%s: %+v, %v", test.file, got, err)
		}
		got, err = parse(test.f, fmt.Sprintf(test.file, fits))
		if err != nil || len(got.Tasks) != 1 || !cmp.Equal(got.Tasks[0].Tags, []string{fits}) || got.Skips != nil {
			t.Errorf("%s: %+v, %v", test.file, got, err)
		}
	}
}

// TestManyLabels reads rows with as many labels as they have room for: at a cost that
// grows with the square of their number it takes a quarter of an hour.
func TestManyLabels(t *testing.T) {
	const labels = maxRecord/3 - 10
	got, err := parse(CSV, "TYPE,CONTENT\n"+strings.Repeat("task,a @x"+strings.Repeat(" @y", labels-1)+"\n", 30))
	if err != nil || len(got.Tasks) != 30 {
		t.Fatalf("%d tasks, %v", len(got.Tasks), err)
	}
	for _, d := range got.Tasks {
		if d.Title != "a" || len(d.Tags) != labels || d.Tags[0] != "x" || d.Tags[labels-1] != "y" {
			t.Errorf("%q, %d labels", d.Title, len(d.Tags))
		}
	}
}

// TestManyColumns has as many columns of one name as a record has room for: all but the
// first are told.
func TestManyColumns(t *testing.T) {
	const columns = maxRecord / len("title,")
	got, err := parse(CSV, strings.Repeat("title,", columns-1)+"title\na\n")
	if err != nil || len(got.Tasks) != 1 || len(got.Skips) != columns-1 {
		t.Errorf("%d tasks, %d skips, %v", len(got.Tasks), len(got.Skips), err)
	}
}

// TestManyZones looks for a bounded number of zones in each file.
func TestManyZones(t *testing.T) {
	var todos []string
	for i := range maxZones + 1 {
		zone := fmt.Sprintf("Nowhere/%d", i)
		if i == maxZones {
			zone = "Europe/Berlin"
		}
		todos = append(todos, fmt.Sprintf("BEGIN:VTODO\nUID:%d\nSUMMARY:a\nDUE;TZID=%s:20261201T090000\nEND:VTODO\n", i, zone))
	}
	got, err := parse(Calendar, "BEGIN:VCALENDAR\n"+strings.Join(todos, "")+"END:VCALENDAR\n")
	if err != nil || len(got.Tasks) != maxZones+1 || got.Tasks[maxZones].DueDate != "2026-12-01T09:00:00" || len(got.Skips) != maxZones+1 {
		t.Errorf("%d tasks, the last one is %+v, %d skips, %v", len(got.Tasks), got.Tasks[len(got.Tasks)-1], len(got.Skips), err)
	}
}

// TestNobodyWaitsForTheImport stops it, also where the file has no task.
func TestNobodyWaitsForTheImport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	file := strings.NewReader(strings.Repeat("\n", 1<<20))
	i := Import{Format: TodoTxt, Open: func() (io.Reader, error) {
		return readFunc(func(p []byte) (int, error) { cancel(); return file.Read(p) }), nil
	}}
	if _, err := i.Run(ctx); !errors.Is(err, context.Canceled) || file.Len() == 0 {
		t.Errorf("%v, and %d bytes are left", err, file.Len())
	}
}

// TestDueDatesOfCalendars reads DUE in every form.
func TestDueDatesOfCalendars(t *testing.T) {
	for line, want := range map[string]docket.DueDate{
		"DUE;VALUE=DATE:20261201":                "2026-12-01",
		"DUE:20261201":                           "2026-12-01",
		"DUE:20261201T090000":                    "2026-12-01T09:00:00",
		"DUE;VALUE=DATE-TIME:20261201T090000Z":   "2026-12-01T09:00:00Z",
		"DUE;TZID=Europe/Berlin:20261201T090000": "2026-12-01T08:00:00Z",
		"DUE;TZID=Europe/Berlin:20260701T090000": "2026-07-01T07:00:00Z",
		`DUE;TZID="/example.org/2026/America/Argentina/Salta";X=":;":20261201T090000`: "2026-12-01T12:00:00Z",
		"due;tzid=UTC:20261201T090000":   "2026-12-01T09:00:00Z",
		"DUE;TZID=Home:20261201T090000":  "2026-12-01T08:00:00Z",
		"DUE;TZID=Local:20261201T090000": "2026-12-01T09:00:00",
	} {
		file := "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Home\nX-LIC-LOCATION:Europe/Berlin\nEND:VTIMEZONE\n" + strings.TrimPrefix(ical(line), "BEGIN:VCALENDAR\n")
		got, err := parse(Calendar, file)
		if err != nil || len(got.Tasks) != 1 || got.Tasks[0].DueDate != want {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
}

func TestLinesOfTodoTxt(t *testing.T) {
	const id = "019a4e6f-1b2c-7d3e-8f40-516273849a5b"
	for line, want := range map[string]string{ // title, completed, priority, due date, tags, creation, completion, id
		"(A) 2026-12-01 Call Mum +Family @phone due:2026-12-02": "Call Mum|false|high|2026-12-02|Family phone|2026-12-01||",
		"x 2026-12-03 2026-12-01 Call Mum pri:C":                "Call Mum|true|low|||2026-12-01|2026-12-03|",
		"x 2026-12-03 Call Mum":                                 "Call Mum|true|medium||||2026-12-03|",
		"x Call Mum":                                            "Call Mum|true|medium|||||",
		"xylophone lesson":                                      "xylophone lesson|false|medium|||||",
		"X 2026-12-03 not done":                                 "X 2026-12-03 not done|false|medium|||||",
		"(B)->Submit":                                           "(B)->Submit|false|medium|||||",
		"(Z) low":                                               "low|false|low|||||",
		"2026-02-30 no day":                                     "2026-02-30 no day|false|medium|||||",
		"Call @phone Mum":                                       "Call @phone Mum|false|medium||phone|||",
		"@phone":                                                "@phone|false|medium||phone|||",
		"mail a@b.c at 10:30 http://x/":                         "mail a@b.c at 10:30 http://x/|false|medium|||||",
		"due:tomorrow pri:AA docket:1":                          "due:tomorrow pri:AA docket:1|false|medium|||||",
		"1 + 1 @ home docket:" + id:                             "1 + 1 @ home|false|medium|||||" + id,
	} {
		d := parseTodo(line)
		date := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.Format(time.DateOnly)
		}
		got := fmt.Sprintf("%s|%v|%s|%s|%s|%s|%s|%s", d.Title, d.Completed, d.Priority, d.DueDate, strings.Join(d.Tags, " "), date(d.CreatedAt), date(d.CompletedAt), d.ID)
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
