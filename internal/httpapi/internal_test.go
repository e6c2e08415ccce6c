package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"docket"
	"docket/internal/problem"
)

// TestEveryPathParameterIsRead holds the table: a parameter in a path that no
// row reads would leave its field empty, and every user would share one owner.
func TestEveryPathParameterIsRead(t *testing.T) {
	for _, rt := range routes {
		var want, got []string
		for _, match := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(rt.Path, -1) {
			want = append(want, match[1])
		}
		for _, p := range rt.params {
			if p.in == inPath {
				got = append(got, p.name)
			}
			if p.in == inHeader && http.CanonicalHeaderKey(p.name) != p.name {
				t.Errorf("%s: the header %s is not in its canonical form", rt.ID, p.name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %s reads %v", rt.Method, rt.Path, got)
		}
	}
}

// TestSortsAreInTheContract compares the values of sort that are published with
// those that are taken.
func TestSortsAreInTheContract(t *testing.T) {
	if published := sort.tag.Get("enum"); published != strings.ReplaceAll(sortNames(), ", ", ",") {
		t.Errorf("published are %s, taken %s", published, sortNames())
	}
}

// TestBoundsAreInTheContract compares the bounds that the contract publishes with
// those of the domain.
func TestBoundsAreInTheContract(t *testing.T) {
	schemas := document().Components.Schemas.Map()
	for _, name := range []string{"Task", "TaskCreate", "TaskUpdate"} {
		fields := schemas[name].Properties
		for field, most := range map[string]int{"title": docket.MaxTitle, "description": docket.MaxDescription} {
			if published := fields[field].MaxLength; published == nil || *published != most {
				t.Errorf("%s publishes another bound for %s than %d", name, field, most)
			}
		}
		if tags := fields["tags"]; *tags.MaxItems != docket.MaxTags || *tags.Items.MaxLength != docket.MaxTag {
			t.Errorf("%s publishes %d tags of %d characters", name, *tags.MaxItems, *tags.Items.MaxLength)
		}
		for _, value := range fields["priority"].Enum {
			if _, known := docket.ParsePriority(fmt.Sprint(value)); !known || len(fields["priority"].Enum) != 3 {
				t.Errorf("%s publishes the priority %v", name, value)
			}
		}
	}
	for tag, most := range map[reflect.StructTag]int{search.tag: docket.MaxSearch, userID.tag: docket.MaxUserID, tag.tag: docket.MaxTag} {
		if published := tag.Get("maxLength"); published != strconv.Itoa(most) {
			t.Errorf("%s is published as the bound, want %d", published, most)
		}
	}
	key := schemas["APIKeyMade"].Properties["key"]
	if key.Pattern != "^"+docket.APIKeyPattern+"$" || *schemas["APIKeyCreate"].Properties["name"].MaxLength != docket.MaxAPIKeyName {
		t.Errorf("an API key is published as %s", key.Pattern)
	}
	for _, name := range []string{"APIKeyCreate", "APIKey"} {
		var scopes []any
		for _, scope := range docket.ScopeNames() {
			scopes = append(scopes, scope)
		}
		if published := schemas[name].Properties["scopes"].Items.Enum; !slices.Equal(published, scopes) {
			t.Errorf("%s publishes the scopes %v", name, published)
		}
	}
	if published := offset.tag.Get("maximum"); published != strconv.Itoa(docket.MaxOffset) {
		t.Errorf("the largest offset is published as %s", published)
	}
}

// TestOrderOfTheDocumentation compares the order of the operations at /docs with
// that of the table.
func TestOrderOfTheDocumentation(t *testing.T) {
	script, err := os.ReadFile("../web/static/docs.js")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "const order = [")
	list, _, _ = strings.Cut(list, "]")
	var shown, want []string
	for _, match := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list, -1) {
		shown = append(shown, match[1])
	}
	for _, rt := range routes {
		want = append(want, rt.ID)
	}
	if !slices.Equal(shown, want) {
		t.Errorf("shown are %v, want %v", shown, want)
	}
}

// TestShapesAreWhatIsDecoded compares the fields of the contract's body
// schemas with those that the decoders take.
func TestShapesAreWhatIsDecoded(t *testing.T) {
	schemas := document().Components.Schemas.Map()
	for name, taken := range map[string][]string{
		"TaskCreate": append(namesOf(taskFields), readOnly...), "TaskUpdate": append(namesOf(taskFields), readOnly...), "TaskComplete": append(namesOf(completeFields), readOnly...),
		"Batch": namesOf(batchFields), "BatchUpdate": namesOf(operationFields), "BatchComplete": namesOf(operationFields),
		"BatchCreate": {"op", "id", "task"}, "BatchDelete": {"op", "id", "if_version"}, "BatchRestore": {"op", "id", "if_version"},
		"APIKeyCreate": namesOf(apiKeyFields),
	} {
		slices.Sort(taken)
		if published := slices.Sorted(maps.Keys(schemas[name].Properties)); !slices.Equal(published, taken) {
			t.Errorf("%s publishes %v and takes %v", name, published, taken)
		}
	}
	task := slices.Collect(maps.Keys(schemas["Task"].Properties))
	for _, field := range namesOf(taskFields) {
		if !slices.Contains(task, field) {
			t.Errorf("%s may be set and is not told", field)
		}
	}
	for _, field := range readOnly {
		if !slices.Contains(task, field) && !strings.HasPrefix(field, "deleted") {
			t.Errorf("%s is read-only and not of a task", field)
		}
	}
}

func namesOf[T any](fields []field[T]) (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"title":"x","description":null,"completed":true}`, `{"title":"a","title":"b"}`, `null`, `[]`, `{"a/~":{"b":[1,2,{}]}}`,
		"{\"title\":\"\xff\"}", `{"title":"\ud800"}`, `{"title":"\u0000"}`, `{"id":1,"version":2}`, `{"title":"x","priority":"high","due_date":"2026-12-01T09:00+02:00","tags":[" a","a"],"metadata":{"a":[1e400,{"b":null}]}}`,
		`{"title":"x","priority":"x","due_date":"2026-02-30","tags":[1],"metadata":[]}`, `{} {}`, ``, ` `, `{"title":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in input
		var f faults
		err := decodeCreate(&in, &f, data)
		if err != nil {
			if docket.KindOf(err) != problem.Malformed {
				t.Fatalf("%q: %v", data, err)
			}
			if strict(data) {
				t.Fatalf("%q is a strict JSON object and was refused: %v", data, err)
			}
			return
		}
		if !jsontext.Value(data).IsValid() {
			t.Fatalf("%q is not valid and was taken", data)
		}
		if len(f.list) > 0 {
			return
		}
		// What was taken is what a plain decoder reads, and may be stored.
		var plain struct {
			Title       string                    `json:"title"`
			Description *string                   `json:"description"`
			Completed   bool                      `json:"completed"`
			Priority    *string                   `json:"priority"`
			DueDate     *string                   `json:"due_date"`
			Tags        []string                  `json:"tags"`
			Metadata    map[string]jsontext.Value `json:"metadata"`
		}
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatalf("%q was taken and is no task: %v", data, err)
		}
		if strings.TrimSpace(plain.Title) != in.task.Title || plain.Completed != in.task.Completed || !reflect.DeepEqual(plain.Description, in.task.Description) {
			t.Fatalf("%q was read as %+v, want %+v", data, in.task, plain)
		}
		if len(in.task.Tags) > len(plain.Tags) || (plain.DueDate == nil) != (in.task.DueDate == "") || (len(plain.Metadata) == 0) != (in.task.Metadata == "") || plain.Priority != nil && *plain.Priority != in.task.Priority.String() {
			t.Fatalf("%q was read as %+v, want %+v", data, in.task, plain)
		}
		title := in.task.Title
		if n := utf8.RuneCountInString(strings.TrimSpace(title)); n < 1 || n > docket.MaxTitle || strings.ContainsRune(title, 0) {
			t.Fatalf("%q made the title %q", data, title)
		}
		for _, decode := range []func(*input, *faults, []byte) error{decodePut, decodePatch} {
			var f faults
			if err := decode(&in, &f, data); err != nil || len(f.list) > 0 {
				t.Fatalf("%q creates and does not update: %v %v", data, err, f.list)
			}
		}
	})
}

// strict reports whether data is one JSON object by the decoder's own rules.
func strict(data []byte) bool {
	var v map[string]jsontext.Value
	return json.Unmarshal(data, &v) == nil && v != nil
}

func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`{"operations":[{"op":"create","task":{"title":"x"}},{"op":"delete","id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","if_version":1}]}`,
		`{"operations":[{"op":"complete","id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","task":{"completed":false}}]}`,
		`{"operations":[{"op":"create","id":"019a4e6f-1b2c-7d3e-8f40-516273849a5b","task":{"title":"x","tags":["a"],"metadata":{"a":1}}}],"x":1}`,
		`{"operations":[{}]}`, `{"operations":[]}`, `{"operations":1}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in input
		var f faults
		err := decodeBatch(&in, &f, data)
		if err != nil && docket.KindOf(err) != problem.Malformed {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil || len(f.list) > 0 {
			return
		}
		if n := len(in.operations); n < 1 || n > docket.MaxBatch {
			t.Fatalf("%q has %d operations", data, n)
		}
		for _, o := range in.operations {
			if o.Action == docket.Toggle || o.Action == docket.Create && (len(o.New.Normalize()) > 0 || o.If.Match.Set || o.ID != uuid.Nil && !docket.ValidNewID(o.ID)) || len(o.Update.Normalize()) > 0 {
				t.Fatalf("%q has the operation %+v", data, o)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1", "limit=1&limit=2", "%zz", "a;b", "%ff", "lim%69t=1", "=", "&&", "a=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		in := input{strict: true}
		faults, err := in.parseQuery(raw, []param{limit, tag})
		if err != nil && docket.KindOf(err) != problem.Malformed {
			t.Fatalf("%q: %v", raw, err)
		}
		for _, fault := range faults {
			if fault.In != docket.InParameter || fault.Code == "" || utf8.RuneCountInString(fault.Name) > 65 {
				t.Fatalf("%q: %+v", raw, fault)
			}
		}
	})
}

// FuzzPath routes a request by an arbitrary path: it is answered with a known
// status, never redirected, and never reaches a task of a user whom the path
// does not name.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/api/alice/tasks", "/api//tasks", "/api/%2e%2e/tasks", "/api/a%2Fb/tasks/", "/api/u1/../u2/tasks", "/%ff", "/docs/../api/x/tasks", "//evil/api"} {
		f.Add(seed)
	}
	var owner docket.UserID
	handler := New(docket.NewService(listing(func(asked docket.UserID) { owner = asked })), Options{})
	f.Fuzz(func(t *testing.T, path string) {
		owner = ""
		r, err := http.NewRequest(http.MethodGet, "http://docket.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = r.URL.Parse(path); err != nil || r.URL.Host != "docket.example" || !strings.HasPrefix(r.URL.Path, "/") {
			return // not what net/http hands on
		}
		r.RequestURI = r.URL.RequestURI()
		w := &statusOnly{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 400, 404, 405, 422}, w.status) {
			t.Fatalf("%q was answered with %d", path, w.status)
		}
		if owner != "" && (w.status != 200 || !strings.HasPrefix(r.URL.Path, "/api/"+string(owner)+"/tasks")) {
			t.Fatalf("%q reached the tasks of %q and was answered with %d", path, owner, w.status)
		}
	})
}

// listing is a Store that only lists, and reports whose list was asked for.
func listing(asked func(docket.UserID)) docket.Store { return lister{asked: asked} }

type lister struct {
	docket.Store
	asked func(docket.UserID)
}

func (l lister) List(_ context.Context, owner docket.UserID, _ docket.ListQuery) (docket.Page, error) {
	l.asked(owner)
	return docket.Page{}, nil
}

func (lister) APIKeys(context.Context, docket.UserID) ([]docket.APIKey, error) { return nil, nil }

type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header { return s.header }

func (s *statusOnly) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}

func (s *statusOnly) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}
