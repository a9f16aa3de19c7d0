package message

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"
)

// A row is one text of the catalog: English, Japanese and, where English
// tells one from many, the English form for one. The number is then the text's
// first argument.
//
// The English form is the key. What stands after a bar in it is not shown: it
// tells texts apart that are one word in English, as `open|gate` and
// `open|incident`.
type row []string

func (r row) key() string     { return r[0] }
func (r row) english() string { return shown(r[0]) }

func shown(key string) string {
	text, _, _ := strings.Cut(key, "|")
	return text
}

// rows is the catalog.
func rows() []row {
	return slices.Concat(commonWords, pageWords, builtInWords, webWords, screenWords, pagesWords)
}

// newCatalog makes the rows ready to be said.
func newCatalog() (catalog.Catalog, error) {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	for _, r := range rows() {
		english := catalog.String(r.english())
		if len(r) > 2 {
			english = plural.Selectf(1, "%d", "one", r[2], "other", r.english())
		}
		if err := b.Set(language.English, r.key(), english); err != nil {
			return nil, fmt.Errorf("the text %q: %w", r.key(), err)
		}
		if err := b.SetString(language.Japanese, r.key(), r[1]); err != nil {
			return nil, fmt.Errorf("the Japanese of %q: %w", r.key(), err)
		}
	}
	return b, nil
}

func knownTexts() map[string]bool {
	known := map[string]bool{}
	for _, r := range rows() {
		known[r.key()] = true
	}
	return known
}

// said is a call of T, or of a t that stands for it, with a fixed text, in Go or
// in a template.
var said = regexp.MustCompile("\\b(?:T[ (]|t\\()\\s*(\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`)")

// Missing are the texts that files say with T and that the catalog lacks, as
// FILE: text; for the tests of those who say them. A text that is put together
// while the program runs is not found.
func Missing(files fs.FS, patterns ...string) ([]string, error) {
	known := knownTexts()
	var out []string
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return nil, fmt.Errorf("the pattern %s: %w", pattern, err)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("the pattern %s: no file is like it", pattern)
		}
		for _, name := range names {
			source, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, fmt.Errorf("look for texts: %w", err)
			}
			for _, found := range said.FindAllSubmatch(source, -1) {
				text, err := strconv.Unquote(string(found[1]))
				if err != nil || !known[text] {
					out = append(out, name+": "+text)
				}
			}
		}
	}
	return out, nil
}
