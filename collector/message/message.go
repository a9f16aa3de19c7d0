// Package message says to people what the machine knows: in their language, in
// their time zone, the gravest first. What is not known is said to be not
// known.
//
// It promises that texts of others (labels, annotations, names of evidence)
// stay text: on one line, bounded, and never read as ours. It decides nothing
// and holds no state, only texts that it made before.
package message

import (
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Options are what a Writer needs.
type Options struct {
	Machine machine.Shown
	// Evidence names events by their places in the ledger, as cell/source/id,
	// in the order of refs.
	Evidence func(refs []window.Ref) []string
	// Differ names the fields in which the events of pairs differ. It may be nil.
	Differ func(pairs []window.Ref) []string
	// Detail is what the collector remembers of a condition of its own that stands,
	// as an error says it; empty for any other alert. It may be nil.
	Detail   func(machine.Alert) string
	Language Language       // English if empty
	Zone     *time.Location // this host's if nil
	// External is the URL of the screen, without a slash at its end.
	External string
}

// A Writer writes. It may be used by many at once.
type Writer struct {
	o        Options
	words    map[Language]*Words
	rendered rendered
}

// New makes a writer.
func New(o Options) *Writer {
	if o.Language == "" {
		o.Language = English
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	c, err := newCatalog()
	if err != nil {
		panic(err) // it is constant, and a test makes it
	}
	w, known := &Writer{o: o, words: map[Language]*Words{}}, knownTexts()
	for _, l := range []Language{English, Japanese} {
		w.words[l] = newWords(l, o.Zone, c, known)
	}
	return w
}

// Words are the words of a language; those of the configuration if the
// catalog does not speak it.
func (w *Writer) Words(l Language) *Words {
	if words, ok := w.words[l]; ok {
		return words
	}
	if words, ok := w.words[w.o.Language]; ok {
		return words
	}
	return w.words[English]
}

// Record says a note of the record in the language of the configuration.
func (w *Writer) Record(n record.Note) string { return w.Words(w.o.Language).Record(n) }
