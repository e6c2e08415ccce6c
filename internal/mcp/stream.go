package mcp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"docket"
	"docket/internal/problem"
)

// Serve speaks with one client over a pair of streams, for a user, until ctx or the
// input ends. The user may call every tool.
func (a *Agents) Serve(ctx context.Context, owner docket.UserID, in io.ReadCloser, out io.WriteCloser, log *slog.Logger) error {
	var calls work
	defer func() { _ = calls.end() }() // the SDK does not wait for them when the input ends
	server := a.server(func(*tool) bool { return true }, func(t *tool, arguments jsontext.Value) (string, error) {
		answer, err := calls.do(ctx, func(ctx context.Context) (string, error) { return a.call(ctx, t, owner, arguments) })
		return answer, shown(err, log)
	})
	stream := &stream{in: bufio.NewReaderSize(in, problem.MaxBatchBody), Closer: in, out: out, answered: make(chan struct{}, 1)}
	err := server.Run(ctx, &sdk.IOTransport{Reader: stream, Writer: answers{stream}, MaxLineLength: problem.MaxBatchBody})
	if ctx.Err() != nil {
		return nil // it was told to stop
	}
	return err
}

// shown returns an error as an agent on a stream may see it, and logs a failure.
func shown(err error, log *slog.Logger) error {
	if _, ok := err.(refusal); err == nil || ok { //nolint:errorlint // nothing wraps a refusal
		return err
	}
	document := problem.New(problem.Place{}, err)
	if document.Status >= 500 {
		log.Error("a call failed", "error", err)
	}
	return refusal{document.Detail}
}

// lastAnswers is how long the end of the input waits for answers.
const lastAnswers = 2 * docket.StatementTimeout

// stream is the input of a pair of streams, which ends when each request before its end
// has been answered, after lastAnswers at the latest. The SDK ends a session, and drops
// the answers that it still owes, as soon as the input ends.
type stream struct {
	io.Closer
	in   *bufio.Reader
	out  io.WriteCloser
	rest []byte // of the last line
	err  error  // that follows it

	mu       sync.Mutex
	open     int           // requests that are not answered
	answered chan struct{} // of capacity 1: one was
}

// Read returns a part of a line.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		switch {
		case s.err == io.EOF: //nolint:errorlint // bufio returns it as it is
			s.wait()
			return 0, io.EOF
		case s.err != nil && !errors.Is(s.err, bufio.ErrBufferFull): // a longer line is for the SDK to refuse
			return 0, s.err
		}
		s.rest, s.err = s.in.ReadSlice('\n')
		s.count(s.rest, 1)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// answers is the output of a stream.
type answers struct{ s *stream }

// Write writes one message.
func (a answers) Write(message []byte) (int, error) {
	n, err := a.s.out.Write(message)
	a.s.count(message, -1)
	return n, err
}

// Close closes the output.
func (a answers) Close() error { return a.s.out.Close() }

// count counts a request that was read, by 1, or an answer that was written, by -1. A
// subscription is not answered while it lasts.
func (s *stream) count(message []byte, by int) {
	var m struct {
		ID     jsontext.Value `json:"id"`
		Method string         `json:"method"`
	}
	if json.Unmarshal(message, &m) != nil || len(m.ID) == 0 || m.Method == "subscriptions/listen" || (m.Method != "") != (by > 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += by
	select {
	case s.answered <- struct{}{}:
	default:
	}
}

// wait waits until each request is answered.
func (s *stream) wait() {
	late := time.After(lastAnswers)
	for {
		s.mu.Lock()
		open := s.open
		s.mu.Unlock()
		if open <= 0 {
			return
		}
		select {
		case <-s.answered:
		case <-late:
			return
		}
	}
}
