package machine

import (
	"bytes"
	"encoding/json"
	"math"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// readLevels reads the body of levels. The form that entry.Marshal makes is read
// without reflection, which would cost more than all the rest of a storm; any
// other form is left to package json.
func readLevels(body []byte) (l entry.Levels, err error) {
	r := levelsReader{b: body, names: map[string]string{}}
	if l = r.levels(); r.ok() {
		return l, nil
	}
	l = entry.Levels{}
	err = json.Unmarshal(body, &l)
	return l, err
}

// A levelsReader reads what json.Marshal makes of entry.Levels. After anything else
// it is strange, and what it returns means nothing.
type levelsReader struct {
	b       []byte
	strange bool
	names   map[string]string // of labels: they repeat
}

func (r *levelsReader) ok() bool { return !r.strange && len(r.b) == 0 }

func (r *levelsReader) levels() (l entry.Levels) {
	r.want(`{"set":`)
	l.Set = r.text()
	if r.has(`,"firing":[`) {
		for more := true; more; more = r.has(",") {
			l.Firing = append(l.Firing, r.level())
		}
		r.want("]")
	}
	if r.has(`,"resolved":[`) {
		for more := true; more; more = r.has(",") {
			l.Resolved = append(l.Resolved, r.text())
		}
		r.want("]")
	}
	r.want("}")
	return l
}

func (r *levelsReader) level() (l entry.Level) {
	r.want(`{"rule":`)
	l.Rule = r.text()
	r.want(`,"labels":[`)
	l.Labels = r.labels()
	if r.has(`,"annotations":[`) {
		l.Annotations = r.labels()
	}
	r.want(`,"value":`)
	l.Value = r.text()
	r.want(`,"active":`)
	l.Active = r.number()
	r.want("}")
	return l
}

// labels reads on after the bracket of an array that is not empty.
func (r *levelsReader) labels() []Label {
	out := make([]Label, 0, 8)
	for more := true; more; more = r.has(",") {
		r.want(`{"Name":`)
		name := r.quoted()
		known, ok := r.names[string(name)]
		if !ok {
			known = r.unquote(name)
			r.names[string(name)] = known
		}
		r.want(`,"Value":`)
		out = append(out, Label{Name: known, Value: r.text()})
		r.want("}")
	}
	r.want("]")
	return out
}

func (r *levelsReader) has(s string) bool {
	if r.strange || len(r.b) < len(s) || string(r.b[:len(s)]) != s {
		return false
	}
	r.b = r.b[len(s):]
	return true
}

func (r *levelsReader) want(s string) { r.strange = !r.has(s) }

func (r *levelsReader) text() string { return r.unquote(r.quoted()) }

// quoted takes a string as it stands, in its quotes.
func (r *levelsReader) quoted() []byte {
	if r.strange || len(r.b) == 0 || r.b[0] != '"' {
		r.strange = true
		return nil
	}
	for end := 1; ; end++ {
		i := bytes.IndexByte(r.b[end:], '"')
		if i < 0 {
			r.strange = true
			return nil
		}
		end += i
		if !escaped(r.b[1:end]) {
			raw := r.b[:end+1]
			r.b = r.b[end+1:]
			return raw
		}
	}
}

// escaped tells whether what follows b is escaped: b ends with an odd number of
// backslashes.
func escaped(b []byte) bool {
	return (len(b)-len(bytes.TrimRight(b, `\`)))%2 == 1
}

func (r *levelsReader) unquote(raw []byte) (s string) {
	if r.strange {
		return ""
	}
	for _, c := range raw {
		if c < ' ' || c == '\\' || c > '~' {
			r.strange = json.Unmarshal(raw, &s) != nil
			return s
		}
	}
	return string(raw[1 : len(raw)-1])
}

func (r *levelsReader) number() (n int64) {
	minus := r.has("-")
	i := 0
	for ; i < len(r.b) && '0' <= r.b[i] && r.b[i] <= '9'; i++ {
		if n > math.MaxInt64/10-1 {
			r.strange = true
			return 0
		}
		n = n*10 + int64(r.b[i]-'0')
	}
	if i == 0 || r.b[0] == '0' && i > 1 {
		r.strange = true
		return 0
	}
	r.b = r.b[i:]
	if minus {
		return -n
	}
	return n
}
