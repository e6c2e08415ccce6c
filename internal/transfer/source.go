package transfer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// maxRecord bounds a line of a file, in bytes, and a record of several lines. The
// largest task takes half of that.
const maxRecord = 256 << 10

// decodeText returns the text of a file as UTF-8 without a byte order mark. The file is
// UTF-8, or UTF-16 with a byte order mark. Errors, also those of reading the text, are
// *FileError where the file is at fault.
func decodeText(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(&paced{r: r})
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return nil, badFile(0, "compressed", "The file is a zip or gzip archive. Unpack it, and import the files in it.")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		_, _ = b.Discard(2) // it was peeked
		var order binary.ByteOrder = binary.LittleEndian
		if head[0] == 0xfe {
			order = binary.BigEndian
		}
		return transform.NewReader(b, &utf16Decoder{order: order, line: 1}), nil
	case bytes.IndexByte(head, 0) >= 0:
		return nil, badFile(0, "not_text", "The file is not a text in UTF-8, or in UTF-16 with a byte order mark. Save it as UTF-8.")
	case bytes.HasPrefix(head, []byte("\ufeff")):
		_, _ = b.Discard(len("\ufeff")) // it was peeked
	}
	return validText{transform.NewReader(b, encoding.UTF8Validator)}, nil
}

// validText tells what is wrong with a text that is not UTF-8.
type validText struct{ r io.Reader }

func (v validText) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	if errors.Is(err, encoding.ErrInvalidUTF8) {
		err = badFile(0, "not_utf8", "The file is not UTF-8: it is probably in Latin-1 or Windows-1252. Save it as UTF-8.")
	}
	return n, err
}

// utf16Decoder decodes UTF-16 without a byte order mark. Unlike that of x/text, which
// puts U+FFFD for them, it refuses surrogates that are not one of a pair.
type utf16Decoder struct {
	transform.NopResetter

	order binary.ByteOrder
	line  int
}

// Transform implements transform.Transformer.
func (u *utf16Decoder) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		r, size, err := u.first(src[read:], atEOF)
		if err == nil && len(dst)-written < utf8.RuneLen(r) {
			err = transform.ErrShortDst
		}
		if err != nil {
			return written, read, err
		}
		written += utf8.EncodeRune(dst[written:], r)
		read += size
		if r == '\n' {
			u.line++
		}
	}
	return written, read, nil
}

// first decodes the first character of b, which has size bytes.
func (u *utf16Decoder) first(b []byte, atEOF bool) (r rune, size int, err error) {
	size = 2
	if len(b) >= size {
		if r = rune(u.order.Uint16(b)); utf16.IsSurrogate(r) {
			size = 4
		}
	}
	switch {
	case len(b) < size && atEOF:
		return r, size, orTruncated(u.line, io.ErrUnexpectedEOF)
	case len(b) < size:
		return r, size, transform.ErrShortSrc
	case size == 2:
		return r, size, nil
	}
	if r = utf16.DecodeRune(r, rune(u.order.Uint16(b[2:]))); r == utf8.RuneError {
		err = badFile(u.line, "not_utf16", "The file is not UTF-16: it has half of a character (a surrogate without the other of its pair). Save it as UTF-8.")
	}
	return r, size, err
}

// Parsing is all computation. A paced reader pauses after so many bytes: Go looks for
// arrivals on the network only every 10 ms while all cores are busy, so the requests of
// others would wait.
const (
	pauseAfter = 128 << 10
	pause      = time.Millisecond
)

type paced struct {
	r        io.Reader
	unpaused int
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if p.unpaused += n; p.unpaused >= pauseAfter {
		p.unpaused = 0
		time.Sleep(pause)
	}
	return n, err
}

// lineReader reads lines, which end in LF or CRLF.
type lineReader struct {
	r    *bufio.Reader
	line int // the number of the last line
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReader(r)} }

// next returns the next line, without its end. At the end of the file the error is
// io.EOF. Together with the bytes that its caller holds already, the line has at most
// maxRecord bytes.
func (l *lineReader) next(held int) (string, error) {
	l.line++
	var text []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if text = append(text, part...); held+len(text) > maxRecord {
			return "", badFile(l.line, "line_too_long", "The line has more than %d bytes.", maxRecord)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(text) > 0:
			return string(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}
