package httpapi

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"docket"
)

// hidden is embedded the way that Huma does not bind.
type hidden struct {
	UserID string `path:"user_id"`
}

func TestUnboundParameterStopsTheStart(t *testing.T) {
	a := &api{mux: http.NewServeMux()}
	a.huma = humago.New(a.mux, config())
	register(a, huma.Operation{OperationID: "good", Method: http.MethodGet, Path: "/good/{user_id}"},
		func(context.Context, *struct{ UserPath }) (*struct{}, error) { return nil, nil })
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "{user_id}") {
			t.Errorf("registering an operation that does not bind its parameter: %q", p)
		}
	}()
	register(a, huma.Operation{OperationID: "bad", Method: http.MethodGet, Path: "/bad/{user_id}"},
		func(context.Context, *struct{ hidden }) (*struct{}, error) { return nil, nil })
}

func TestEveryPathParameterIsBound(t *testing.T) {
	operations := 0
	for path, item := range Contract().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			operations++
			if missing := unbound(op); missing != "" {
				t.Errorf("%s %s does not bind {%s}", op.Method, path, missing)
			}
		}
	}
	if operations < 9 {
		t.Errorf("the contract has %d operations", operations)
	}
}

func TestEveryKindHasItsProblem(t *testing.T) {
	seen := map[docket.Kind]bool{}
	for _, p := range problemTypes {
		if seen[p.Kind] || p.Status < 400 || p.Title == "" || p.Meaning == "" || p.Mend == "" {
			t.Errorf("row %+v is doubled or lacks something", p)
		}
		seen[p.Kind] = true
	}
	for _, kind := range []docket.Kind{
		docket.Internal, docket.Invalid, docket.NotFound, docket.Unavailable, docket.OutcomeUnknown, docket.StorageFull, docket.PreconditionFailed, docket.NotDeleted, docket.KeyInFlight, docket.QuotaExceeded, rateLimited,
		malformed, unauthorized, forbidden, untrustedOrigin, routeNotFound, methodNotAllowed, bodyTimeout, bodyTooLarge, notJSON,
	} {
		if !seen[kind] {
			t.Errorf("%s has no row", kind)
		}
	}
}

// TestShapesAreWhatIsDecoded compares the fields of the contract's body
// schemas with those that the decoders take.
func TestShapesAreWhatIsDecoded(t *testing.T) {
	schemas := Contract().Components.Schemas.Map()
	for name, b := range map[string]interface {
		decoder
		faultsOf() []docket.Fault
	}{"TaskCreate": &TaskCreate{}, "TaskUpdate": &TaskUpdate{}, "TaskComplete": &TaskComplete{}} {
		b.decode([]byte(`{"?":1}`))
		detail := b.faultsOf()[0].Detail
		_, list, _ := strings.Cut(detail, "The fields are ")
		taken := strings.Split(strings.TrimSuffix(list, "."), ", ")
		slices.Sort(taken)
		if published := slices.Sorted(maps.Keys(schemas[name].Properties)); !slices.Equal(published, taken) {
			t.Errorf("%s publishes %v and takes %v", name, published, taken)
		}
	}
	task := slices.Collect(maps.Keys(schemas["Task"].Properties))
	for _, field := range readOnly {
		if !slices.Contains(task, field) && !strings.HasPrefix(field, "deleted") {
			t.Errorf("%s is read-only and not of a task", field)
		}
	}
}

func (b *body) faultsOf() []docket.Fault { return b.faults }

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"title":"x","description":null,"completed":true}`, `{"title":"a","title":"b"}`, `null`, `[]`, `{"a/~":{"b":[1,2,{}]}}`,
		"{\"title\":\"\xff\"}", `{"title":"\ud800"}`, `{"title":"\u0000"}`, `{"id":1,"version":2}`, `{} {}`, ``, ` `, `{"title":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var create TaskCreate
		create.decode(data)
		if create.err != nil {
			if docket.KindOf(create.err) != malformed {
				t.Fatalf("%q: %v", data, create.err)
			}
			if strict(data) {
				t.Fatalf("%q is a strict JSON object and was refused: %v", data, create.err)
			}
			return
		}
		if !jsontext.Value(data).IsValid() {
			t.Fatalf("%q is not valid and was taken", data)
		}
		if len(create.faults) > 0 {
			return
		}
		// What was taken is what a plain decoder reads, and may be stored.
		var plain struct {
			Title       string  `json:"title"`
			Description *string `json:"description"`
			Completed   bool    `json:"completed"`
		}
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatalf("%q was taken and is no task: %v", data, err)
		}
		if strings.TrimSpace(plain.Title) != strings.TrimSpace(create.Title) || plain.Completed != create.Completed || !reflect.DeepEqual(plain.Description, create.Description) {
			t.Fatalf("%q was read as %+v, want %+v", data, create.task(), plain)
		}
		task := create.task()
		if n := utf8.RuneCountInString(strings.TrimSpace(task.Title)); n < 1 || n > docket.MaxTitle || strings.ContainsRune(task.Title, 0) {
			t.Fatalf("%q made the title %q", data, task.Title)
		}
		var update TaskUpdate
		update.decode(data)
		if update.err != nil || len(update.faults) > 0 {
			t.Fatalf("%q creates and does not update: %v %v", data, update.err, update.faults)
		}
	})
}

// strict reports whether data is one JSON object by the decoder's own rules.
func strict(data []byte) bool {
	var v map[string]jsontext.Value
	return json.Unmarshal(data, &v) == nil && v != nil
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1", "limit=1&limit=2", "%zz", "a;b", "%ff", "lim%69t=1", "=", "&&", "a=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_, faults, err := parseQuery(raw, "limit")
		if err != nil && docket.KindOf(err) != malformed {
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
