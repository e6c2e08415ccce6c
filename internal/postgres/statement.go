package postgres

import (
	"slices"
	"strconv"
	"strings"
)

// statement is SQL whose parameters have names in its source: @title. It is
// compiled once, when the program starts. pgx.NamedArgs would parse the text for
// each request. A is the type that holds the arguments.
type statement[A any] struct {
	sql       string // with $1, $2 and so on, in the order in which the names first appear
	names     []string
	arguments []func(A) any
}

// parameters tells for each name where its argument is.
type parameters[A any] map[string]func(A) any

// compile compiles the source of a statement. Every @ in it begins a name of p;
// another name is a defect, and panics.
func (p parameters[A]) compile(source string) *statement[A] {
	s := &statement[A]{}
	var sql strings.Builder
	for {
		text, rest, found := strings.Cut(source, "@")
		sql.WriteString(text)
		if !found {
			s.sql = sql.String()
			return s
		}
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz_"))]
		source = rest[len(name):]
		i := slices.Index(s.names, name)
		if i < 0 {
			argument, known := p[name]
			if !known {
				panic("postgres: a statement has the unknown parameter @" + name)
			}
			i = len(s.names)
			s.names, s.arguments = append(s.names, name), append(s.arguments, argument)
		}
		sql.WriteString("$" + strconv.Itoa(i+1))
	}
}

// args returns the arguments of the statement, taken from a.
func (s *statement[A]) args(a A) []any {
	list := make([]any, len(s.arguments))
	for i, argument := range s.arguments {
		list[i] = argument(a)
	}
	return list
}
