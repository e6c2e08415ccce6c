package transfer

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Content lines of iCalendar (RFC 5545, section 3.1). docs/decisions/0020-formats.md says
// why they are not a library's.

// foldAt is the longest line that is written, in bytes without its end.
const foldAt = 75

// writeLine writes a content line, folded between characters.
func writeLine(w io.Writer, name, value string) error {
	line := name + ":" + value
	var b strings.Builder
	for room := foldAt; len(line) > room; room = foldAt - 1 {
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		b.WriteString(line[:cut] + "\r\n ")
		line = line[cut:]
	}
	b.WriteString(line + "\r\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var textEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// escapeText writes a TEXT value (section 3.3.11). It has no control characters but tabs
// and ends of lines.
func escapeText(text string) string {
	return textEscapes.Replace(strings.Map(func(r rune) rune {
		if (r < ' ' || r == 0x7f) && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, text))
}

var textUnescapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\;`, ";", `\,`, ",")

// splitTexts returns the texts of a list, separated by commas that are not escaped.
func splitTexts(value string) (texts []string) {
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case ',':
			texts = append(texts, textUnescapes.Replace(value[start:i]))
			start = i + 1
		}
	}
	return append(texts, textUnescapes.Replace(value[start:]))
}

// contentLine is a line as it is read, with the parameters that matter.
type contentLine struct {
	line        int
	name, value string // the name in upper case
	kind, zone  string // the parameters VALUE and TZID
}

// contentLines reads the content lines of a file.
type contentLines struct{ *lineReader }

// next returns the next line that is not empty. It reports false when it is no content
// line. At the end of the file the error is io.EOF.
func (c contentLines) next() (line contentLine, ok bool, err error) {
	text := ""
	for text == "" {
		if text, err = c.lineReader.next(0); err != nil {
			return contentLine{}, false, err
		}
	}
	number := c.line
	var whole strings.Builder
	whole.WriteString(text)
	for c.folded() {
		more, err := c.lineReader.next(whole.Len())
		if err != nil {
			return contentLine{}, false, err
		}
		whole.WriteString(more[1:])
	}
	line, ok = parseLine(whole.String())
	line.line = number
	return line, ok, nil
}

// folded reports whether the next line of the file continues the last one.
func (c contentLines) folded() bool {
	b, err := c.r.Peek(1)
	return err == nil && (b[0] == ' ' || b[0] == '\t')
}

func parseLine(text string) (c contentLine, ok bool) {
	head, quoted := 0, false
	for ; head < len(text) && (quoted || text[head] != ':'); head++ {
		if text[head] == '"' {
			quoted = !quoted
		}
	}
	if head == len(text) {
		return c, false
	}
	c.value = text[head+1:]
	name, rest, more := cutUnquoted(text[:head])
	c.name = strings.ToUpper(name)
	for more {
		var parameter string
		parameter, rest, more = cutUnquoted(rest)
		key, value, _ := strings.Cut(parameter, "=")
		switch strings.ToUpper(key) {
		case "VALUE":
			c.kind = strings.ToUpper(value)
		case "TZID":
			c.zone = strings.Trim(value, `"`)
		}
	}
	return c, c.name != ""
}

// cutUnquoted cuts a text around the first semicolon that is not quoted.
func cutUnquoted(text string) (before, after string, found bool) {
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ';' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}
