package column

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"docket"
)

// kind says how values of type T are stored.
type kind[T any] struct {
	sqlType string
	size    int
	decode  func(*texts, []byte) T
	dest    func(*T) any
	value   func(T) any
	array   func([]T) any
	null    func(T) bool // whether a value is stored as null; nil when most are not
}

var (
	uuidType = kind[uuid.UUID]{
		"uuid", 16, func(_ *texts, b []byte) uuid.UUID { return uuid.UUID(b) }, pointer[uuid.UUID],
		func(id uuid.UUID) any { return UUID(id) }, UUIDs, nil,
	}
	textType         = kind[string]{"text", 0, (*texts).keep, pointer[string], boxed[string], boxed[[]string], nil}
	optionalTextType = kind[*string]{"text", 0, (*texts).keepOptional, pointer[*string], boxed[*string], func(list []*string) any { return pgtype.FlatArray[*string](list) }, nil}
	booleanType      = kind[bool]{"boolean", 1, func(_ *texts, b []byte) bool { return b[0] != 0 }, pointer[bool], boxed[bool], boxed[[]bool], nil}
	bigintType       = kind[int64]{"bigint", 8, func(_ *texts, b []byte) int64 { return number(b) }, pointer[int64], boxed[int64], boxed[[]int64], nil}
	timeType         = kind[time.Time]{
		timestamp, 8, func(_ *texts, b []byte) time.Time { return moment(b) },
		func(t *time.Time) any { return (*UTCTime)(t) }, boxed[time.Time], boxed[[]time.Time], nil,
	}
	optionalTimeType = nullable(timeType, func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	})
	priorityType = nullable(kind[docket.Priority]{
		sqlType: "smallint", size: 2, decode: func(_ *texts, b []byte) docket.Priority { return docket.Priority(b[1]) }, dest: pointer[docket.Priority],
	}, func(p docket.Priority) *int16 {
		if p == docket.Medium {
			return nil
		}
		return new(int16(p))
	})
	tagsType = nullable(kind[[]string]{
		sqlType: "text", decode: (*texts).keepTags, dest: func(tags *[]string) any { return (*tagsText)(tags) },
	}, tagsJSON)
	bytesType = kind[[]byte]{sqlType: "bytea", value: boxed[[]byte], array: boxed[[][]byte], null: func(b []byte) bool { return b == nil }}
)

// nullable is k for a type of which some values are stored as null: those for which
// of returns nil.
func nullable[T, V any](k kind[T], of func(T) *V) kind[T] {
	k.value = func(v T) any { return of(v) }
	k.null = func(v T) bool { return of(v) == nil }
	k.array = func(list []T) any {
		values := make(pgtype.FlatArray[*V], len(list))
		for i, v := range list {
			values[i] = of(v)
		}
		return values
	}
	return k
}

// emptyAsNull is the kind of texts that are stored as null when they are empty.
func emptyAsNull[T ~string]() kind[T] {
	return nullable(kind[T]{sqlType: "text", decode: func(k *texts, b []byte) T { return T(k.keep(b)) }, dest: pointer[T]}, func(text T) *string {
		if text == "" {
			return nil
		}
		return new(string(text))
	})
}

func pointer[T any](p *T) any { return p }

func boxed[T any](v T) any { return v }

// UUID is an id as pgx encodes it without parsing its text.
func UUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// UUIDs are ids as every exec mode encodes them in an array.
func UUIDs(ids []uuid.UUID) any {
	list := make(pgtype.FlatArray[pgtype.UUID], len(ids))
	for i, id := range ids {
		list[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	return list
}

// timestamp is the type of times.
const timestamp = "timestamptz"

// isInfinite reports whether a timestamptz is infinity or -infinity.
func isInfinite(b []byte) bool { return number(b) == math.MaxInt64 || number(b) == math.MinInt64 }

// number decodes a bigint.
func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // two's complement

// moment decodes a timestamptz: microseconds since the year 2000.
func moment(b []byte) time.Time {
	const y2000 = 946_684_800_000_000
	return time.UnixMicro(y2000 + number(b)).UTC()
}

// UTCTime scans a timestamptz. Null is the zero time.
type UTCTime time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (t *UTCTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return errors.New("the time is infinite")
	}
	*t = UTCTime(v.Time.UTC())
	return nil
}

// OptionalTime is the argument for a time that is stored as null when it is zero.
func OptionalTime(t time.Time) any { return optionalTimeType.value(t) }

// Priorities are priorities as every exec mode encodes them in an array.
func Priorities(list []docket.Priority) []int16 {
	values := make([]int16, len(list))
	for i, p := range list {
		values[i] = int16(p)
	}
	return values
}

// dueAt is the moment at which a due date counts in orders and filters. It is zero
// when there is none.
func dueAt(t *docket.Task) (at time.Time) {
	if t.DueDate != "" {
		at, _ = t.DueDate.Moment()
	}
	return at
}
