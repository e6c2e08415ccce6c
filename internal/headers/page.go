package headers

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"docket"
)

// Page is a page of a list. It tells apart the pages of all lists.
type Page struct {
	docket.ListMark

	sum []byte
}

// NewPage returns the page of up to limit tasks of a list that begins after cursor,
// which is empty for the first page, or after offset tasks.
func NewPage(list docket.ListMark, limit, offset int, cursor string) Page {
	b := binary.BigEndian.AppendUint64(nil, uint64(limit)) //nolint:gosec // positive
	if offset > 0 {
		b = append(b, "offset "+strconv.Itoa(offset)+" "...) // no cursor has spaces
	}
	return Page{list, list.Checksum(append(b, cursor...))}
}

// Of returns the page of the trash that has these tasks, and perhaps more behind them:
// tasks leave the trash without a change of the owner's state.
func (p Page) Of(tasks []docket.Task, more bool) Page {
	b := strconv.AppendBool(slices.Clone(p.sum), more)
	for i := range tasks {
		b = append(b, tasks[i].ID[:]...)
	}
	return Page{p.ListMark, p.Checksum(b)}
}

// ETag is the entity tag of the page while the owner's state is s.
func (p Page) ETag(s docket.State) string {
	b := make([]byte, 0, 32)
	for _, n := range []int64{s.Epoch, s.Counter, s.PurgedThrough} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // its bits
	}
	return `"` + base64.RawURLEncoding.EncodeToString(append(b, p.sum...)) + `"`
}

// KnownState returns the owner's state at which a client had the page, if one of
// its tags belongs to the page.
func (p Page) KnownState(tags []string) *docket.State {
	for _, tag := range tags {
		b, err := base64.RawURLEncoding.Strict().DecodeString(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
		if err != nil || len(b) != 32 || !bytes.Equal(b[24:], p.sum) {
			continue
		}
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) } //nolint:gosec // its bits
		return &docket.State{Epoch: number(0), Counter: number(1), PurgedThrough: number(2)}
	}
	return nil
}
