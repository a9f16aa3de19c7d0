package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A schema, byte by byte:
//
//	uvarint words, series, labels of all series together
//	each word, in strictly rising order: uvarint bytes shared with the word
//	before, uvarint length of the rest, the rest
//	each series: word of the name, uvarint labels, then two words a label

// A Schema is the series that a host measures, in order. It does not change.
type Schema struct {
	series []Series
	names  []string // of the labels, sorted
	raw    []byte   // as it is encoded
	id     [16]byte
	size   int // bytes of memory, about
}

// Series are the series in order.
func (s *Schema) Series() []Series { return s.series }

// ID is the beginning of the SHA-256 of the encoded schema: schemas with one
// id are equal.
func (s *Schema) ID() [16]byte { return s.id }

// NewSchema makes a schema. The series must differ. They are taken as they are:
// checking is the reader's task.
func NewSchema(series []Series) *Schema {
	index := map[string]uint64{}
	names := map[string]bool{}
	labels := 0
	for _, s := range series {
		index[s.Name] = 0
		for _, l := range s.Labels {
			index[l.Name], index[l.Value], names[l.Name] = 0, 0, true
		}
		labels += len(s.Labels)
	}
	words := slices.Sorted(maps.Keys(index))
	var raw []byte
	for _, n := range [...]int{len(words), len(series), labels} {
		raw = binary.AppendUvarint(raw, uint64(n))
	}
	last := ""
	for i, word := range words {
		index[word] = uint64(i)
		n := shared(last, word)
		raw = appendString(binary.AppendUvarint(raw, uint64(n)), word[n:])
		last = word
	}
	for _, s := range series {
		raw = binary.AppendUvarint(raw, index[s.Name])
		raw = binary.AppendUvarint(raw, uint64(len(s.Labels)))
		for _, l := range s.Labels {
			raw = binary.AppendUvarint(raw, index[l.Name])
			raw = binary.AppendUvarint(raw, index[l.Value])
		}
	}
	s := &Schema{series: slices.Clone(series), names: slices.Sorted(maps.Keys(names)), raw: raw}
	s.identify()
	return s
}

func (s *Schema) identify() {
	sum := sha256.Sum256(s.raw)
	s.id = [16]byte(sum[:])
}

// shared is how many bytes a and b begin with alike.
func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// parseSchema reads what NewSchema encoded, and checks it.
func parseSchema(raw []byte) (*Schema, error) {
	if len(raw) > maxSchema {
		return nil, fmt.Errorf("%d bytes, at most %d", len(raw), maxSchema)
	}
	p := schemaParser{cursor: cursor{b: raw}}
	nwords, nseries, nlabels := p.short(), p.short(), p.short()
	switch left := uint64(len(p.b)); {
	// The least size of each bounds what is allocated for a count that lies.
	case p.bad || max(nwords, nseries, nlabels) > left || 2*(nwords+nseries+nlabels) > left:
		return nil, fmt.Errorf("counts: %w", errShape)
	case nseries == 0:
		return nil, errors.New("no series")
	case nseries > MaxSeries:
		return nil, fmt.Errorf("%d series, at most %d", nseries, MaxSeries)
	}
	if err := p.readWords(int(nwords)); err != nil {
		return nil, err
	}
	p.isName = make([]bool, nwords)
	p.labels = make([]Attr, 0, nlabels)
	s := &Schema{series: make([]Series, nseries)}
	seen := make(map[string]struct{}, nseries)
	for i := range s.series {
		before := p.b
		if err := p.one(&s.series[i]); err != nil {
			return nil, inField("series", inField(index(i), err))
		}
		// Words differ and numbers are short: what is coded alike is alike.
		seen[stringOf(before[:len(before)-len(p.b)])] = struct{}{}
		if len(seen) == i {
			return nil, inField("series", inField(index(i), fmt.Errorf("%s stands twice with the same labels", s.series[i].Name)))
		}
	}
	if len(p.b) != 0 || len(p.labels) != int(nlabels) {
		return nil, fmt.Errorf("series: %w", errShape)
	}
	for i, is := range p.isName {
		if is {
			s.names = append(s.names, p.words[i])
		}
	}
	s.raw = bytes.Clone(raw)
	s.identify()
	s.size = len(raw) + p.text + 16*len(s.names) + 40*len(s.series) + 32*len(p.labels)
	return s, nil
}

type schemaParser struct {
	cursor
	words  []string
	text   int // bytes that hold the words
	isName []bool
	labels []Attr // of all series
}

// short reads a number in as few bytes as it needs.
func (p *schemaParser) short() uint64 {
	before := p.b
	v := p.uvarint()
	if n := len(before) - len(p.b); !p.bad && n > 1 && before[n-1] == 0 {
		p.bad = true
	}
	return v
}

func (p *schemaParser) readWords(n int) error {
	text := make([]byte, 0, 2*len(p.b))
	ends := make([]int, n)
	start := 0 // of the word before
	for i := range ends {
		keep, rest := p.short(), p.str()
		from := len(text)
		if p.bad || keep > uint64(from-start) {
			return fmt.Errorf("words: %w", errShape)
		}
		if from+int(keep)+len(rest) > maxSchema {
			return fmt.Errorf("more than %d bytes of words", maxSchema)
		}
		text = append(append(text, text[start:start+int(keep)]...), rest...)
		if i > 0 && bytes.Compare(text[start:from], text[from:]) >= 0 {
			return fmt.Errorf("words: %w: not in order", errShape)
		}
		start, ends[i] = from, len(text)
	}
	p.words, p.text = make([]string, n), cap(text)
	start = 0
	for i, end := range ends {
		p.words[i], start = stringOf(text[start:end]), end
		if err := checkWord(p.words[i], maxLabel); err != nil {
			return fmt.Errorf("%.40q: %w", p.words[i], err)
		}
	}
	return nil
}

func (p *schemaParser) word() (string, int) {
	i := p.short()
	if p.bad || i >= uint64(len(p.words)) {
		p.bad = true
		return "", 0
	}
	return p.words[i], int(i)
}

func (p *schemaParser) one(s *Series) error {
	s.Name, _ = p.word()
	n := p.short()
	if n > maxLabels {
		return fmt.Errorf("%d labels, at most %d", n, maxLabels)
	}
	from := len(p.labels)
	for range n {
		name, i := p.word()
		value, _ := p.word()
		if p.bad {
			return errShape
		}
		p.isName[i] = true
		p.labels = append(p.labels, Attr{name, value})
	}
	if p.bad {
		return errShape
	}
	s.Labels = p.labels[from:len(p.labels):len(p.labels)]
	if len(s.Name) > maxMetric {
		return fmt.Errorf("a name of %d bytes, at most %d", len(s.Name), maxMetric)
	}
	return checkNames(s.Labels)
}
