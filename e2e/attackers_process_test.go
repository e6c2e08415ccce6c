package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// atWork is the line with which the process of an attack says that each client has
// been answered once.
const atWork = "at work\n"

// attackPage is the most that a page of a list may have: 8 MiB, and the task with
// which it ends.
const attackPage = 8<<20 + 64<<10

// closed counts, among the statuses, connections that the server closed.
const closed = 0

// carryOut is the process of an attack: it prints atWork and, when it has read a
// line, the report. The process ends with its input, which ends with the test.
func carryOut(description string) (code int) {
	p := &attacking{ended: make(chan struct{}), report: attackReport{Statuses: map[int]int{}}}
	if err := json.Unmarshal([]byte(description), &p.attack); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		if _, err := os.Stdin.Read(make([]byte, 1)); err == nil {
			close(p.ended)
			_, _ = io.Copy(io.Discard, os.Stdin) // only its end matters
		}
		os.Exit(1)
	}()
	p.client = client{p.URL, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: p.Clients}}}
	var answered, working sync.WaitGroup
	for range p.Clients {
		answered.Add(1)
		working.Go(func() { p.work(sync.OnceFunc(answered.Done)) })
	}
	answered.Wait()
	fmt.Print(atWork)
	working.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(p.report); err != nil {
		return 1
	}
	return 0
}

// attacking is an attack that its process carries out.
type attacking struct {
	attack
	client client
	ended  chan struct{} // closed when the attack should end

	mu     sync.Mutex
	report attackReport
}

// work is one client, until its first fault. It calls answered after each request.
func (p *attacking) work(answered func()) {
	defer answered()
	if p.Reads == onlyTheStatus {
		conn, a, err := p.begin()
		p.note(a, err)
		answered()
		<-p.ended
		if conn != nil {
			_ = conn.Close() // the server may have been first
		}
		return
	}
	for r := (reader{attack: p.attack, path: p.Path}); !r.whole || !p.isOver(); answered() {
		a, err := p.send(r.path)
		if err == nil && a.Status == http.StatusOK {
			err = r.take(a)
		}
		if !p.note(a, err) {
			return
		}
	}
}

// send sends the request of the attack to a path, which may be that of a next page.
func (p *attacking) send(path string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), attackAnswer)
	defer cancel()
	return p.client.do(ctx, p.Method, path, p.Body, p.Headers...)
}

// begin sends a GET on a connection of its own and reads the status alone. The
// little that the kernel takes in addition is bounded.
func (p *attacking) begin() (conn net.Conn, a answer, err error) {
	address := strings.TrimPrefix(p.URL, "http://")
	conn, err = net.Dial("tcp", address)
	if err != nil {
		return nil, answer{}, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetReadBuffer(4 << 10)
	}
	line := make([]byte, len("HTTP/1.1 200"))
	err = errors.Join(err, conn.SetDeadline(time.Now().Add(attackAnswer)))
	if err == nil {
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", p.Path, address)
	}
	if err == nil {
		_, err = io.ReadFull(conn, line)
	}
	if err == nil {
		a.Status, err = strconv.Atoi(string(line[len("HTTP/1.1 "):]))
	}
	return conn, a, err
}

func (p *attacking) isOver() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// note counts an answer, and returns false when it is a fault. A connection that the
// server closed counts as status 0: beside other processes attackers may be so slow.
func (p *attacking) note(a answer, err error) (fine bool) {
	const most = 3 // faults of a process
	if broken := (*url.Error)(nil); errors.As(err, &broken) && !broken.Timeout() {
		a.Status, err = closed, nil
	}
	if err == nil && a.Status != closed && a.Status != http.StatusOK && a.Status != http.StatusTooManyRequests && (!p.Passes || a.Status != http.StatusServiceUnavailable) {
		err = fmt.Errorf("%d %.300s", a.Status, a.Body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.report.Statuses[a.Status]++
	} else if len(p.report.Faults) < most {
		p.report.Faults = append(p.report.Faults, err.Error())
	}
	return err == nil
}

// reader is what one client has read.
type reader struct {
	attack
	path  string          // of the next request
	seen  map[string]bool // the tasks on the pages so far
	whole bool            // what the client reads has ended once at least
}

var (
	nextPage = regexp.MustCompile(`<([^>]*)>; rel="next"`)
	taskID   = []byte(`"id":"`)
)

// take reads a 200, and returns an error when it is wrong.
func (r *reader) take(a answer) error {
	if name, value, found := strings.Cut(r.Wanted, ": "); found && a.Header.Get(name) != value {
		return fmt.Errorf("an answer has no header %s", r.Wanted)
	}
	if r.Reads == wholeAnswer {
		r.whole = true
		return nil
	}
	if len(a.Body) > attackPage {
		return fmt.Errorf("a page has %d bytes", len(a.Body))
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	for body := a.Body; ; {
		_, after, found := bytes.Cut(body, taskID)
		if !found {
			break
		}
		id, rest, _ := bytes.Cut(after, []byte(`"`))
		if r.seen[string(id)] {
			return fmt.Errorf("task %s arrives twice", id)
		}
		r.seen[string(id)], body = true, rest
	}
	if next := nextPage.FindStringSubmatch(a.Header.Get("Link")); next != nil {
		return r.follow(next[1])
	}
	if len(r.seen) != r.Tasks {
		return fmt.Errorf("%d tasks of %d arrived", len(r.seen), r.Tasks)
	}
	r.path, r.seen, r.whole = r.Path, nil, true
	return nil
}

// follow makes a reference in an answer the path of the next request.
func (r *reader) follow(reference string) error {
	base, err := url.Parse(r.path)
	if err != nil {
		return err
	}
	next, err := base.Parse(reference)
	if err != nil {
		return err
	}
	r.path = next.String()
	return nil
}
