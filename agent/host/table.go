package host

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	goneTicks   = 60 // a row that was not seen in so many ticks leaves the schema
	changeTicks = 10 // ticks that earn one change of the schema
	changesKept = 4  // changes that can be saved up
)

// A table holds the values of one tick. What is not written in a tick is
// absent in it.
//
// Rows come and go with devices, and a new schema costs everyone downstream:
// so the schema changes every ten ticks at most, in the long run. What turns
// up meanwhile has to wait.
type table struct {
	series  []report.Series
	values  []float64
	rows    []*row // by at
	kinds   []*rows
	schema  *report.Schema
	tick    int
	changes int // that are left
	changed bool
	touched int // keys that are wanted and were asked for
}

// A row is the series that one key of a file stands for: those of one disk,
// say.
type row struct {
	home  *rows
	key   string
	at, n int
	seen  int // tick
}

func newTable() *table { return &table{changes: changesKept} }

func (t *table) begin() {
	t.tick++
	if t.tick%changeTicks == 0 {
		t.changes = min(t.changes+1, changesKept)
	}
	for i := range t.values {
		t.values[i] = report.Absent
	}
	for _, k := range t.kinds {
		k.leftOut = 0
	}
}

// end returns values of the caller's own.
func (t *table) end() (*report.Schema, []float64) {
	if t.tick%changeTicks == 0 && t.changes > 0 {
		t.dropGone()
	}
	if t.changed {
		t.schema = report.NewSchema(t.series)
		t.changed = false
		t.changes--
	}
	return t.schema, slices.Clone(t.values)
}

func (t *table) dropGone() {
	gone := func(r *row) bool { return t.tick-r.seen >= goneTicks }
	if !slices.ContainsFunc(t.rows, gone) {
		return
	}
	old := *t
	t.rows, t.series, t.values, t.changed = nil, nil, nil, true
	for _, r := range old.rows {
		if gone(r) {
			delete(r.home.byKey, r.key)
			continue
		}
		from := r.at
		r.at = len(t.values)
		t.rows = append(t.rows, r)
		t.series = append(t.series, old.series[from:from+r.n]...)
		t.values = append(t.values, old.values[from:from+r.n]...)
	}
}

// rows are the rows of one kind, at most max. A metric belongs to one kind, so
// that no series stands twice.
type rows struct {
	table   *table
	max     int
	want    func(key []byte) bool // whether a key is reported; keeps nothing of it
	series  func(key string) []report.Series
	byKey   map[string]*row
	leftOut int // keys of this tick without room
}

func (t *table) kind(most int, want func([]byte) bool, series func(string) []report.Series) *rows {
	k := &rows{table: t, max: most, want: want, series: series, byKey: map[string]*row{}}
	t.kinds = append(t.kinds, k)
	return k
}

// metrics is a kind whose keys each stand for one metric without labels.
func (t *table) metrics(names map[string]string) *rows {
	return t.kind(len(names),
		func(key []byte) bool { _, ok := names[string(key)]; return ok },
		func(key string) []report.Series { return []report.Series{{Name: names[key]}} })
}

// group is a kind of one row, of metrics without labels; its key is empty.
func (t *table) group(names ...string) *rows {
	series := make([]report.Series, len(names))
	for i, name := range names {
		series[i].Name = name
	}
	return t.fixed(series)
}

// fixed is a kind of one row, whose key is empty.
func (t *table) fixed(series []report.Series) *rows {
	return t.kind(1, func([]byte) bool { return true }, func(string) []report.Series { return series })
}

// get is where to write the values of key, until the next get; nil if it is
// not reported.
func (k *rows) get(key []byte) []float64 {
	t := k.table
	r, ok := k.byKey[string(key)]
	if !ok && !k.want(key) {
		return nil
	}
	t.touched++
	if !ok {
		if r = k.add(key); r == nil {
			return nil
		}
	}
	r.seen = t.tick
	return t.values[r.at : r.at+r.n : r.at+r.n]
}

func (k *rows) add(key []byte) *row {
	t := k.table
	if len(k.byKey) == k.max {
		k.leftOut++
		return nil
	}
	if t.changes == 0 {
		return nil
	}
	r := &row{home: k, key: string(key), at: len(t.values)}
	series := k.series(r.key)
	r.n = len(series)
	k.byKey[r.key] = r
	t.rows = append(t.rows, r)
	t.series = append(t.series, series...)
	for range series {
		t.values = append(t.values, report.Absent)
	}
	t.changed = true
	return r
}

// set writes the only value of key.
func (k *rows) set(key []byte, v float64) {
	if cells := k.get(key); cells != nil {
		cells[0] = v
	}
}

// there tells whether key was written in this tick.
func (k *rows) there(key []byte) bool {
	r := k.byKey[string(key)]
	return r != nil && r.seen == k.table.tick
}
