package message

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
)

// verbs are those of a text, numbered when they are not in order.
var verbs = regexp.MustCompile(`%(?:\[\d+\])?[a-z]`)

// TestCatalog finds rows that are said twice or by half.
func TestCatalog(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if len(r) < 2 || len(r) > 3 {
			t.Fatalf("%q: a row has English, Japanese and at most the English for one", r)
		}
		if seen[r.key()] {
			t.Errorf("%q is there twice", r.key())
		}
		seen[r.key()] = true
		for i, text := range r {
			if strings.TrimSpace(text) == "" || strings.ReplaceAll(verbs.ReplaceAllString(text, ""), "%%", "") != strings.ReplaceAll(verbs.ReplaceAllString(text, ""), "%", "") {
				t.Errorf("%q: text %d is %q", r.key(), i, text)
			}
		}
		if strings.ContainsFunc(verbs.ReplaceAllString(r.english(), ""), unicode.IsLetter) && !japanese(r[1]) {
			t.Errorf("%q: %q is not Japanese", r.key(), r[1])
		}
		for _, other := range r[1:] {
			if got, want := verbsOf(other), verbsOf(r.english()); !slices.Equal(got, want) {
				t.Errorf("%q: the verbs of %q are %q, want %q", r.key(), other, got, want)
			}
		}
		if len(r) > 2 && !strings.HasPrefix(verbs.FindString(r.english()), "%d") {
			t.Errorf("%q: the number is not the first argument", r.key())
		}
	}
}

// verbsOf are the verbs of a text in the order of its arguments.
func verbsOf(text string) []string {
	out := verbs.FindAllString(text, -1)
	if strings.Contains(text, "%[") {
		slices.Sort(out)
		for i, v := range out {
			out[i] = "%" + v[strings.IndexByte(v, ']')+1:]
		}
	}
	return out
}

func japanese(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r > 0x2fff }) }

// TestSaid finds texts of this package that the catalog lacks.
func TestSaid(t *testing.T) {
	missing, err := Missing(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range missing {
		if !strings.HasPrefix(text, "words_test.go") {
			t.Errorf("the catalog lacks %s", text)
		}
	}
	known := knownTexts()
	lines, err := os.ReadFile("lines.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`say\("([^"]*)"`).FindAllSubmatch(lines, -1)
	for _, name := range names {
		if !known[string(name[1])] {
			t.Errorf("the catalog lacks the name of the line %s", name[1])
		}
	}
	if len(names) < 10 {
		t.Errorf("the names of lines were not found: %d", len(names))
	}
}

func TestMissing(t *testing.T) {
	files := fstest.MapFS{
		"a.go":       {Data: []byte("w.T(\"Gates\"); w.T(\n\"no such \\\"text\\\"\", 1); x.T(text); GOT(\"no call\"); t(\"nor that\")")},
		"b/c.html":   {Data: []byte("{{.T \"Open\"}} {{$.w.T `nor this` 1}} {{(T \"open|gate\")}} {{T .Text}}")},
		"unread.txt": {Data: []byte(`T("not looked at")`)},
	}
	got, err := Missing(files, "*.go", "b/*.html")
	want := []string{`a.go: no such "text"`, "a.go: nor that", "b/c.html: nor this"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if _, err := Missing(files, "*.css"); err == nil {
		t.Error("a pattern without a file is no error: a test with it could not fail")
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestT(t *testing.T) {
	w := New(Options{Language: Japanese})
	en, ja := w.Words(English), w.Words(Japanese)
	if w.Words("").Language() != Japanese || w.Words("fr").Language() != Japanese || New(Options{Language: "fr"}).Words("").Language() != English {
		t.Error("no language is not that of the configuration")
	}
	for _, c := range []struct{ got, want string }{
		{en.T("Gates"), "Gates"},
		{ja.T("Gates"), "ゲート"},
		{en.T("open|gate"), "open"},
		{ja.T("open|gate"), "開"},
		{ja.T("open|incident"), "対応中"},
		{en.T("%d alerts", 0), "0 alerts"},
		{en.T("%d alerts", 1), "1 alert"},
		{en.T("%d alerts", 1001), "1,001 alerts"},
		{ja.T("%d alerts", 1), "アラート1件"},
		{en.T("%s ago", "%d <b>${x}"), "%d <b>${x} ago"},
		{ja.T("nobody translated %d of this|here", 2), "nobody translated 2 of this"},
		{ja.T("100 % of others"), "100 % of others"},
		{en.Number(1234567), "1,234,567"},
		{ja.Number(-1234), "-1,234"},
		{en.Amount("1234567.0450"), "1,234,567.0450"},
		{en.Amount("-123456"), "-123,456"},
		{ja.Amount("123"), "123"},
		{en.Amount("12e3"), "12e3"},
		{en.Amount(""), ""},
		{en.Amount(".5"), ".5"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
