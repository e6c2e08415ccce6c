package edge

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"docket"
	"docket/internal/problem"
)

// bodyReadTimeout bounds the arrival of a request's body, fileReadTimeout that of one
// that is larger than that of a batch.
const (
	bodyReadTimeout = 10 * time.Second
	fileReadTimeout = time.Minute
)

// limitBody returns problem.ErrBodyTooLarge when the declared length is too large.
// Otherwise reading r.Body beyond the limit fails with that error.
func (x *exchange) limitBody(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if len(r.TransferEncoding) > 0 {
		// A proxy that parses the chunks differently could be made to see a second request (RFC 9112, section 6.1).
		x.Header().Set("Connection", "close")
	}
	most := int64(problem.MaxBody)
	if r.ContentLength < 0 || r.ContentLength > most {
		most = x.edge.maxBody(r)
	}
	patience := bodyReadTimeout
	if most > problem.MaxBatchBody {
		x.file, patience = true, fileReadTimeout
	}
	body := &limitedBody{limited: http.MaxBytesReader(x, r.Body, most), whole: r.Body, exchange: x}
	if r.ContentLength > most {
		if r.Header.Get("Expect") == "" { // with it, the client has not sent the body
			body.discard()
		}
		return problem.ErrBodyTooLarge
	}
	// Also for a body that no handler reads: net/http reads it to its end before it answers.
	_ = http.NewResponseController(x).SetReadDeadline(time.Now().Add(patience))
	r.Body = body
	return nil
}

// limitedBody counts what is read of a body, and gives the errors of reading it
// their kinds.
type limitedBody struct {
	limited  io.ReadCloser // fails after the limit
	whole    io.Reader
	exchange *exchange
}

func (b *limitedBody) Close() error { return b.limited.Close() }

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.limited.Read(p)
	if err := b.exchange.receive(n); err != nil {
		b.exchange.Header().Set("Connection", "close") // the rest is not read
		return n, err
	}
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, problem.ErrSlowBody
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		b.discard()
		return n, problem.ErrBodyTooLarge
	}
	return n, &docket.Error{Kind: problem.Malformed, Detail: "The request body could not be read to its end.", Err: err}
}

// discard reads what is left of a body that is too large, within bounds. A
// client that is still sending when the connection is closed may not see the
// answer.
func (b *limitedBody) discard() {
	const most, patience = problem.MaxImportBody + 1<<20, 2 * time.Second
	_ = http.NewResponseController(b.exchange).SetReadDeadline(time.Now().Add(patience))
	_, _ = io.CopyN(io.Discard, b.whole, most)
}

// receive counts n bytes of the request's body that have arrived.
func (x *exchange) receive(n int) error {
	x.body += int64(n)
	more := taken{bodies: int64(n)}
	if x.file {
		more = taken{files: int64(n)}
	}
	if err := x.edge.load.receive(x.share, more); err != nil {
		return x.refused(err)
	}
	return nil
}

// withBody adds the bytes of the request's body that are held to t.
func (x *exchange) withBody(t *taken) {
	if x.file {
		t.files += x.body
	} else {
		t.bodies += x.body
	}
}
