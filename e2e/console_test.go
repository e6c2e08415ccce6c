package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// consoleBlock is a fenced block of a Markdown page whose info string starts
// with "console".
type consoleBlock struct {
	server bool // it starts the server: its info string is "console server"
	line   int  // of its first line in the page
	steps  []consoleStep
}

// consoleStep is a command and its output in the page.
type consoleStep struct {
	line    int
	command string // with its continuation lines
	output  string
}

// parseConsole returns the console blocks of a page. A line that starts with
// "$ " is a command, which goes on after a backslash at its end; the lines up
// to the next command or the end of the block are its output.
func parseConsole(page string) ([]consoleBlock, error) {
	var blocks []consoleBlock
	var block *consoleBlock
	var fence bool
	for i, line := range strings.Split(page, "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && fence:
			fence, block = false, nil
		case isFence:
			fence = true
			if words := strings.Fields(info); len(words) > 0 && words[0] == "console" {
				blocks = append(blocks, consoleBlock{line: i + 2, server: len(words) > 1 && words[1] == "server"})
				block = &blocks[len(blocks)-1]
			}
		case block != nil:
			if err := block.add(i+1, line); err != nil {
				return nil, err
			}
		}
	}
	if fence {
		return nil, errors.New("a block is not closed")
	}
	if len(blocks) == 0 {
		return nil, errors.New("there is no console block")
	}
	return blocks, nil
}

func (b *consoleBlock) add(number int, line string) error {
	if command, ok := strings.CutPrefix(line, "$ "); ok {
		b.steps = append(b.steps, consoleStep{line: number, command: command})
		return nil
	}
	if len(b.steps) == 0 {
		return fmt.Errorf("line %d: a console block starts with a command, after \"$ \"", number)
	}
	step := &b.steps[len(b.steps)-1]
	if step.output == "" && strings.HasSuffix(step.command, `\`) {
		step.command += "\n" + line
	} else {
		step.output += line + "\n"
	}
	return nil
}

// varying matches what differs between runs: ids, times, request ids and sync
// tokens. Only ids are distinguished, because later commands use them.
var varying = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}` +
	`|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z` +
	`|\b[A-Z2-7]{26}\b` +
	`|"next":"[\w-]+"|\bid: [\w-]+` +
	`|[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT`)

// pairing matches the ids of a page with those of a run. Each side numbers its ids
// in the order in which they appear. Two texts are equal when they are equal with
// every id replaced by its number.
type pairing struct{ page, run numbering }

type numbering []string

func (n *numbering) number(id string) int {
	for i, known := range *n {
		if known == id {
			return i
		}
	}
	*n = append(*n, id)
	return len(*n) - 1
}

// neutral replaces the varying parts of text.
func (n *numbering) neutral(text string) string {
	return varying.ReplaceAllStringFunc(text, func(value string) string {
		switch {
		case strings.HasPrefix(value, `"next"`):
			return `"next":"<token>"`
		case strings.HasPrefix(value, "id: "):
			return "id: <token>"
		case strings.HasSuffix(value, "GMT"):
			return "<date>"
		case strings.HasSuffix(value, "Z") && strings.Contains(value, ":"):
			return "<time>"
		case strings.Contains(value, "-"):
			return fmt.Sprintf("<id %d>", n.number(value))
		}
		return "<request id>"
	})
}

// command returns the page's command with the ids of the run. An id that no output
// has shown is not replaced.
func (p *pairing) command(text string) string {
	return varying.ReplaceAllStringFunc(text, func(value string) string {
		if len(value) != 36 {
			return value
		}
		i := p.page.number(value)
		for len(p.run) <= i {
			p.run = append(p.run, value)
		}
		return p.run[i]
	})
}

// compare returns both outputs without their varying parts. They are equal when
// the command printed what the page shows.
func (p *pairing) compare(page, run string) (want, got string) {
	clean := func(text string) string {
		return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	}
	return p.page.neutral(clean(page)), p.run.neutral(clean(run))
}
