package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// attack is what clients of one user do at the same time. They run in a process of
// their own, so that what they take from the bystanders they take in the server
// alone.
type attack struct {
	URL     string // of the server; start sets it
	Clients int
	Method  string
	Path    string
	Body    string
	Headers []string // lines of the request
	Wanted  string   // a line that the headers of each 200 have, if it is not empty
	Reads   reading
	Passes  bool // over all tasks of the user: one that reaches its deadline is answered with 503
	Tasks   int  // how many are on all pages together
}

// reading says what a client reads of its answers.
type reading int

const (
	// wholeAnswer is read. Then the client sends its request again.
	wholeAnswer reading = iota
	// everyPage of a list is read and counted. Then the client begins anew.
	everyPage
	// onlyTheStatus is read, of one answer. The client keeps its connection.
	onlyTheStatus
)

// attackVariable is the variable that makes the test binary the process of the
// attack that it describes.
const attackVariable = "E2E_ATTACK"

// attackReport is what the clients of an attack were answered.
type attackReport struct {
	Statuses map[int]int // how many answers had each status, which is 200 or 429, or 503 of a pass
	Faults   []string    // the first of the wrong answers, and requests without one
}

// attackers is the process of an attack. It ends with the test, also when that is
// killed, which closes in.
type attackers struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start returns when each client of the attack has been answered once.
func (a attack) start(t *testing.T, url string) *attackers {
	t.Helper()
	a.URL = url
	description, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	p := &attackers{cmd: givingWay(t, os.Args[0])}
	p.cmd.Env = append(os.Environ(), attackVariable+"="+string(description))
	p.cmd.Stderr = os.Stderr
	in, failed := p.cmd.StdinPipe()
	out, err := p.cmd.StdoutPipe()
	if err := errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Wait() }) // unless end was there, it was killed
	if line, err := p.out.ReadString('\n'); line != atWork {
		t.Fatalf("the attackers print %q, %v", line, err)
	}
	return p
}

// end ends the attack, when each client has had a 200 that is whole, or else keeps
// its connection. It reports what was wrong, and returns how many answers had each
// status.
func (p *attackers) end(t *testing.T) (statuses map[int]int) {
	t.Helper()
	_, _ = io.WriteString(p.in, "\n") // fails after a fault of each client
	line, err := io.ReadAll(p.out)
	if err := errors.Join(err, p.cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	var report attackReport
	if err := json.Unmarshal(line, &report); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	for _, fault := range report.Faults {
		t.Errorf("an attacker: %s", fault)
	}
	return report.Statuses
}
