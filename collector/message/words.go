package message

import (
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"github.com/tomeishi/tomeishi/collector/record"
)

// A Language is one that the catalog speaks.
type Language string

// The languages.
const (
	English  Language = "en"
	Japanese Language = "ja"
)

// Words is the catalog of one language, in one time zone. It may be used by
// many at once.
type Words struct {
	language Language
	zone     *time.Location
	printer  *message.Printer
	known    map[string]bool // texts of the catalog

	sentences map[record.Kind]sentence
}

func newWords(l Language, zone *time.Location, c catalog.Catalog, known map[string]bool) *Words {
	tag := language.English
	if l == Japanese {
		tag = language.Japanese
	}
	return &Words{l, zone, message.NewPrinter(tag, message.Catalog(c)), known, sentences()}
}

// Language is the language, as the attribute lang of HTML names it.
func (w *Words) Language() Language { return w.language }

// Zone is where times are told.
func (w *Words) Zone() *time.Location { return w.zone }

// T says a text of the catalog, which is known by its English form; the
// arguments fill its verbs. Numbers get separators of thousands. What stands
// after a bar in the text is not shown: it tells texts apart that are one word
// in English, as `open|gate` and `open|incident`. A text that the catalog
// lacks is said in English; without arguments as it stands, so that it may be
// anything.
func (w *Words) T(text string, args ...any) string {
	if len(args) == 0 && !w.known[text] {
		return shown(text)
	}
	return w.printer.Sprintf(message.Key(text, shown(text)), args...)
}

// fixed says a text which may be one of the catalog, in the first of these
// contexts that has it; any other as it is.
func (w *Words) fixed(text string, contexts ...string) string {
	for _, context := range contexts {
		if w.known[text+context] && !strings.Contains(text, "%") {
			return w.T(text + context)
		}
	}
	return text
}

// Time is a moment as people of the language write it, to the second, with its
// zone, and with the year if that is not this one. The zero time and the first
// second of 1970 are said to be not known.
func (w *Words) Time(t time.Time) string {
	if t.IsZero() || t.UnixNano() == 0 {
		return w.T("not known")
	}
	t = t.In(w.zone)
	thisYear := t.Year() == time.Now().In(w.zone).Year()
	switch {
	case w.language == Japanese && thisYear:
		return t.Format("1月2日 15:04:05 MST")
	case w.language == Japanese:
		return t.Format("2006年1月2日 15:04:05 MST")
	case thisYear:
		return t.Format("2 Jan 15:04:05 MST")
	}
	return t.Format("2 Jan 2006 15:04:05 MST")
}

// Clock is the time of day of a moment, to the second, without its zone.
func (w *Words) Clock(t time.Time) string { return t.In(w.zone).Format(time.TimeOnly) }

// since is a moment that began something: of the last day its time of day, else
// its date too, both with the zone.
func (w *Words) since(t time.Time) string {
	if age := time.Since(t); age >= 0 && age < 20*time.Hour {
		return t.In(w.zone).Format("15:04:05 MST")
	}
	return w.Time(t)
}

// For is a duration as people say it, in at most two units, rounded down. A
// negative one is none.
func (w *Words) For(d time.Duration) string {
	d = max(0, d)
	if d > 0 && d < time.Second {
		return w.T("less than 1 s")
	}
	units := []struct {
		text  string
		count time.Duration
	}{
		{w.T("%d d", int(d/(24*time.Hour))), d / (24 * time.Hour)},
		{w.T("%d h", int(d/time.Hour%24)), d / time.Hour % 24},
		{w.T("%d min", int(d/time.Minute%60)), d / time.Minute % 60},
		{w.T("%d s", int(d/time.Second%60)), d / time.Second % 60},
	}
	first := 0
	for first < len(units)-1 && units[first].count == 0 {
		first++
	}
	if first == len(units)-1 || units[first+1].count == 0 {
		return units[first].text
	}
	return w.T("%s %s|units", units[first].text, units[first+1].text)
}

// Number is a whole number with separators of thousands.
func (w *Words) Number(n int) string { return w.T("%d|number", n) }

// Amount is an exact decimal with separators of thousands before its point; a
// text that is none stays as it is.
func (w *Words) Amount(sum string) string {
	digits, sign := strings.CutPrefix(sum, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return sum
	}
	var b strings.Builder
	if sign {
		b.WriteByte('-')
	}
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if point {
		b.WriteString("." + fraction)
	}
	return b.String()
}
