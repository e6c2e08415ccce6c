package postgres

import (
	"encoding/binary"
	"math/bits"
)

// hashOf returns the hash by which Citus assigns a text to a shard: PostgreSQL's
// hash_bytes, which is Bob Jenkins's lookup3 with its own initial value. A hash that was
// wrong would cost a detour, because any worker answers for any user.
func hashOf(text string) int32 {
	k, rot := []byte(text), bits.RotateLeft32
	a := 0x9e3779b9 + uint32(len(k)) + 3923095 //nolint:gosec // modulo 1<<32
	b, c := a, a
	for ; len(k) >= 12; k = k[12:] {
		a, b, c = a+binary.LittleEndian.Uint32(k), b+binary.LittleEndian.Uint32(k[4:]), c+binary.LittleEndian.Uint32(k[8:])
		a, c = (a-c)^rot(c, 4), c+b
		b, a = (b-a)^rot(a, 6), a+c
		c, b = (c-b)^rot(b, 8), b+a
		a, c = (a-c)^rot(c, 16), c+b
		b, a = (b-a)^rot(a, 19), a+c
		c, b = (c-b)^rot(b, 4), b+a
	}
	var last [12]byte
	copy(last[:8], k)
	if len(k) > 8 {
		copy(last[9:], k[8:]) // the lowest byte of c is that of the length
	}
	a, b, c = a+binary.LittleEndian.Uint32(last[:]), b+binary.LittleEndian.Uint32(last[4:]), c+binary.LittleEndian.Uint32(last[8:])
	c = (c ^ b) - rot(b, 14)
	a = (a ^ c) - rot(c, 11)
	b = (b ^ a) - rot(a, 25)
	c = (c ^ b) - rot(b, 16)
	a = (a ^ c) - rot(c, 4)
	b = (b ^ a) - rot(a, 14)
	c = (c ^ b) - rot(b, 24)
	return int32(c) //nolint:gosec // two's complement, as PostgreSQL has it
}
