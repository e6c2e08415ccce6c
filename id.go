package docket

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// idGenerator makes UUIDs of version 7 that increase strictly, also within one
// microsecond and when the clock steps back (RFC 9562, section 6.2, method 3).
type idGenerator struct {
	last atomic.Uint64 // a stamp
}

// next returns the id of something made at now; random supplies its low 62 bits.
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

// stampOf is a time as ids hold it: milliseconds since 1970 in the upper 48
// bits, then 12 bits of fraction.
func stampOf(t time.Time) uint64 {
	micros := uint64(max(0, t.UnixMicro())) // ids begin in 1970
	return micros/1000<<12 | micros%1000<<12/1000
}

func uuidV7(stamp, random uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], stamp>>12<<16|7<<12|stamp&0xfff)
	binary.BigEndian.PutUint64(id[8:], 2<<62|random>>2)
	return id
}
