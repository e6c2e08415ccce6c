package docket

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// idGenerator makes UUIDs of version 7 that increase strictly, even within one
// microsecond and after the clock stepped back (RFC 9562, section 6.2, method 3).
type idGenerator struct {
	last atomic.Uint64 // a stamp
}

// next returns an id for the time now; random supplies its low 62 bits.
func (g *idGenerator) next(now time.Time, random uint64) uuid.UUID {
	stamp := stampOf(now)
	for {
		last := g.last.Load()
		stamp = max(stamp, last+1)
		if g.last.CompareAndSwap(last, stamp) {
			return uuidV7(stamp, random)
		}
	}
}

// stampOf returns a time as ids hold it: milliseconds since 1970 in the upper 48
// bits, then 12 bits of fraction. Times before 1970 count as 1970.
func stampOf(t time.Time) uint64 {
	micros := uint64(max(0, t.UnixMicro()))
	return micros/1000<<12 | micros%1000<<12/1000
}

func uuidV7(stamp, random uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], stamp>>12<<16|7<<12|stamp&0xfff)
	binary.BigEndian.PutUint64(id[8:], 2<<62|random>>2)
	return id
}
