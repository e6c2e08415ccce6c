package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the scripts in testdata on each database, and those in
// testdata/sqlite on SQLite. Beside testscript's own commands (exec, stdout,
// stderr, cmp, grep, env, …) they have these:
//
//	serve [NAME=VALUE...]    start docket in the script's directory, on $DATABASE_URL
//	                         if that is set; sets $url and $port
//	shutdown                 end docket as an operator does; it must end cleanly
//	exits CODE PROGRAM...    run a program that must end with this code; stdout and
//	                         stderr then check its output
//
//	http METHOD PATH [-H 'Name: value']... [BODY|@FILE]
//	                         send a request; stdout then checks the body of the answer
//	status CODE              the answer's status
//	header NAME REGEXP       the answer has the header, and all of its value matches
//	! header NAME            the answer has no such header
//	json PATH VALUE          the value in the body is this JSON
//	json PATH ~ REGEXP       all of the string in the body matches
//	! json PATH              the body has no such value
//	problem CODE KIND        the answer is a complete problem document of this status and kind
//	save NAME PATH           set $NAME to the string or number in the body
//	keep FILE [-without NAME...]
//	                         write the body to FILE, as indented JSON, without these members
//
// A PATH is written as in jq: . is the whole body, .errors[0].pointer one
// value, .[].title the list of all titles.
func TestScripts(t *testing.T) {
	alongside(t)
	byDefault := func(testing.TB) string { return "" } // a file in the script's directory
	t.Run("any", func(t *testing.T) { runScripts(t, "testdata", byDefault) })
	t.Run("sqlite", func(t *testing.T) { runScripts(t, "testdata/sqlite", byDefault) })
	for name, database := range postgresDatabases {
		t.Run(name, func(t *testing.T) { runScripts(t, "testdata", database) })
	}
}

// runScripts runs the scripts in dir, each on a database of its own, which the
// function makes. It returns the URL.
func runScripts(t *testing.T, dir string, database func(testing.TB) string) {
	contract, err := filepath.Abs("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": cmdServe, "shutdown": cmdShutdown, "exits": cmdExits,
			"http": cmdHTTP, "status": cmdStatus, "header": cmdHeader, "json": cmdJSON,
			"problem": cmdProblem, "save": cmdSave, "keep": cmdKeep,
		},
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, cleanEnv()...)
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("contract", contract)
			t := env.T().(testing.TB)
			env.Setenv("DATABASE_URL", database(t))
			env.Values[scriptKey{}] = &script{t: t, server: newServer(t, env.WorkDir, "")}
			return nil
		},
	})
}

// script is the state that the commands of one script share.
type script struct {
	t      testing.TB
	server *server
	client client
	path   string // of the last request
	last   *answer
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// usage ends the script with the usage of a command unless ok.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "serve [NAME=VALUE...]")
	s := scriptOf(ts)
	s.server.database = ts.Getenv("DATABASE_URL")
	url := s.server.Start(ts, args...)
	s.client = newClient(s.t, url, 1)
	ts.Setenv("url", url)
	ts.Setenv("port", url[strings.LastIndexByte(url, ':')+1:])
}

func cmdShutdown(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "shutdown")
	scriptOf(ts).server.Stop(ts)
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "exits CODE PROGRAM [ARG...]")
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s ended with code %d, not %s", args[1], code, args[0])
	}
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	const how = "http METHOD PATH [-H 'Name: value']... [BODY|@FILE]"
	usage(ts, !neg && len(args) >= 2, how)
	s, method, path := scriptOf(ts), args[0], args[1]
	var headers []string
	for args = args[2:]; len(args) >= 2 && args[0] == "-H"; args = args[2:] {
		headers = append(headers, args[1])
	}
	usage(ts, len(args) <= 1, how)
	body := strings.Join(args, "")
	if name, ok := strings.CutPrefix(body, "@"); ok {
		body = ts.ReadFile(name)
	}
	a, err := s.client.do(s.server.ctx, method, path, body, headers...)
	ts.Check(err)
	s.path, s.last = path, &a
	_, err = ts.Stdout().Write(a.Body)
	ts.Check(err)
	ts.Logf("[status %d]", a.Status)
}

// lastAnswer returns the answer to the last request, which checks are about.
func lastAnswer(ts *testscript.TestScript) *answer {
	a := scriptOf(ts).last
	if a == nil {
		ts.Fatalf("no request was sent yet")
	}
	return a
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "status CODE")
	if got := lastAnswer(ts).Status; strconv.Itoa(got) != args[0] {
		ts.Fatalf("the status is %d, not %s", got, args[0])
	}
}

func cmdHeader(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 2 && !neg || len(args) == 1 && neg, "header NAME REGEXP, or ! header NAME")
	values := lastAnswer(ts).Header.Values(args[0])
	switch {
	case neg && len(values) > 0:
		ts.Fatalf("there is a header %s: %q", args[0], values)
	case !neg && len(values) != 1:
		ts.Fatalf("there are %d headers %s", len(values), args[0])
	case !neg && !matches(ts, args[1], values[0]):
		ts.Fatalf("%s is %q, which does not match %s", args[0], values[0], args[1])
	}
}

// matches reports whether the expression matches text from end to end.
func matches(ts *testscript.TestScript, expression, text string) bool {
	re, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	ts.Check(err)
	return re.MatchString(text)
}

// valueAt returns the value at path in the body of the last answer.
func valueAt(ts *testscript.TestScript, path string) (any, bool) {
	var body any
	ts.Check(lastAnswer(ts).decode(&body))
	value, ok, err := lookUp(body, path)
	ts.Check(err)
	return value, ok
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2 && !neg || len(args) == 1 && neg, "json PATH VALUE, json PATH ~ REGEXP, or ! json PATH")
	got, ok := valueAt(ts, args[0])
	if ok == neg {
		ts.Fatalf("there is %s value at %s", map[bool]string{true: "a", false: "no"}[ok], args[0])
	}
	if neg {
		return
	}
	if args[1] == "~" && len(args) == 3 {
		if text, ok := got.(string); !ok || !matches(ts, args[2], text) {
			ts.Fatalf("%s is %v, which does not match %s", args[0], got, args[2])
		}
		return
	}
	var want any
	if err := json.Unmarshal([]byte(strings.Join(args[1:], " ")), &want); err != nil {
		ts.Fatalf("the expected value is no JSON: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("%s differs (- expected, + actual):\n%s", args[0], diff)
	}
}

func cmdProblem(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "problem CODE KIND")
	cmdStatus(ts, false, args[:1])
	cmdHeader(ts, false, []string{"Content-Type", `application/problem\+json`})
	path, _, _ := strings.Cut(scriptOf(ts).path, "?")
	for name, want := range map[string]any{
		".type":       "/problems/" + args[1],
		".status":     float64(lastAnswer(ts).Status),
		".instance":   path,
		".request_id": lastAnswer(ts).Header.Get("X-Request-Id"),
	} {
		if got, _ := valueAt(ts, name); got != want {
			ts.Fatalf("%s is %v, not %v", name, got, want)
		}
	}
	cmdJSON(ts, false, []string{".title", "~", ".+"})
	cmdJSON(ts, false, []string{".detail", "~", `[A-Z].*\.`})
	if _, ok := valueAt(ts, ".errors"); ok != (lastAnswer(ts).Status == http.StatusUnprocessableEntity || strings.HasSuffix(path, "/batch") || strings.HasSuffix(path, "/import")) {
		ts.Fatalf("errors belong to a 422, a batch and an import, and to nothing else")
	}
}

func cmdSave(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "save NAME PATH")
	switch value, _ := valueAt(ts, args[1]); value := value.(type) {
	case string:
		ts.Setenv(args[0], value)
	case float64:
		ts.Setenv(args[0], strconv.FormatFloat(value, 'f', -1, 64))
	default:
		ts.Fatalf("%s is neither a string nor a number: %v", args[1], value)
	}
}

func cmdKeep(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) > 2 && args[1] == "-without"), "keep FILE [-without NAME...]")
	body, _ := valueAt(ts, ".")
	if object, ok := body.(map[string]any); ok {
		for _, name := range args[1:] {
			delete(object, name)
		}
	}
	text, err := json.MarshalIndent(body, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(text, '\n'), 0o600))
}
