package column

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgtype"

	"docket"
)

// tagsJSON returns tags as the column tags holds them: a JSON array, or null.
func tagsJSON(tags []string) *string {
	if len(tags) == 0 {
		return nil
	}
	text := []byte{'['}
	for i, tag := range tags {
		if i > 0 {
			text = append(text, ',')
		}
		text, _ = jsontext.AppendQuote(text, tag) // which is valid UTF-8
	}
	return new(string(append(text, ']')))
}

// tagEnd begins and ends each tag in the column tags_folded. No text holds it.
const tagEnd = "\x00"

// foldedTags returns tags as the column tags_folded holds them: folded, with tagEnd
// around each; nil when there are none.
func foldedTags(tags []string) []byte {
	if len(tags) == 0 {
		return nil
	}
	return []byte(tagEnd + strings.Join(docket.FoldTags(tags), tagEnd) + tagEnd)
}

// TagsToFind returns for each tag what tags_folded holds exactly when the task has it.
func TagsToFind(tags []string) [][]byte {
	list := make([][]byte, len(tags))
	for i, tag := range tags {
		list[i] = foldedTags([]string{tag})
	}
	return list
}

// keepTags reads the column tags. As this program writes them, tags without an escape
// are parts of one text.
func (t *texts) keepTags(b []byte) []string {
	text := t.keep(b)
	inner, begins := strings.CutPrefix(text, `["`)
	inner, ends := strings.CutSuffix(inner, `"]`)
	if begins && ends && !strings.Contains(inner, `\`) {
		if tags := strings.Split(inner, `","`); strings.Count(inner, `"`) == 2*(len(tags)-1) {
			return tags
		}
	}
	var tags []string
	if err := (*tagsText)(&tags).unmarshal(text); err != nil {
		t.bad = err
	}
	return tags
}

// tagsText scans the column tags from the text format.
type tagsText []string

// ScanText implements pgtype.TextScanner.
func (t *tagsText) ScanText(v pgtype.Text) error { return t.unmarshal(v.String) }

func (t *tagsText) unmarshal(text string) error {
	if err := json.Unmarshal([]byte(text), (*[]string)(t)); err != nil {
		return fmt.Errorf("postgres: column tags is no array of texts: %w", err)
	}
	return nil
}
