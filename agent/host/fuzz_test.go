package host

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// FuzzFiles parses whatever a file holds: what comes of it is bounded, and a
// reader takes it.
func FuzzFiles(f *testing.F) {
	c, all := sources(f)
	for i, s := range all {
		f.Add(byte(i), s.raw)
		f.Add(byte(i), s.raw[:len(s.raw)/2])
		f.Add(byte(i), bytes.ReplaceAll(s.raw, []byte(" 1"), []byte(" -18446744073709551615")))
	}
	f.Add(byte(8), []byte("a:b: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n\x7f: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"))
	f.Fuzz(func(t *testing.T, which byte, raw []byte) {
		s := all[int(which)%len(all)].source
		fresh := newTable()
		for _, k := range c.table.kinds { // the sources write into another table
			k.table, k.byKey = fresh, map[string]*row{}
		}
		fresh.kinds = c.table.kinds
		fresh.begin()
		before := bytes.Clone(raw)
		err := s.measure(fresh, raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("the parser writes into what it reads")
		}
		if again := s.measure(fresh, raw); (err == nil) != (again == nil) {
			t.Fatalf("error %v, then %v", err, again)
		}
		for _, k := range fresh.kinds {
			if len(k.byKey) > k.max {
				t.Fatalf("%d rows of %d", len(k.byKey), k.max)
			}
		}
		if len(fresh.values) > 0 {
			read(t, &Collector{table: fresh})
		}
	})
}

func FuzzMounts(f *testing.F) {
	f.Add([]byte("27 1 254:0 / /a\\040b rw shared:1 master:2 - ext4 /dev/x rw\n27 1 254:0 / /a rw - nfs4 n:/x ro\n"), "/")
	f.Add([]byte("27 1 254:0 / /host/a rw - ext4 /dev/x rw\n27 1 254:0 / /host rw - ext4  rw\n"), "/host")
	f.Add([]byte(manyMounts("a", 300)), "/")
	f.Add([]byte("1 2 3:4 / /\x00\xff\\777 rw - \x1b x y\n - - \n"), "")
	f.Fuzz(func(t *testing.T, raw []byte, root string) {
		list, leftOut, _ := scanMounts(bytes.NewReader(raw), root)
		if len(list) > maxMounts || leftOut > bytes.Count(raw, []byte("\n")) {
			t.Fatalf("%d mounts, %d left out", len(list), leftOut)
		}
		table := newTable()
		c := &Collector{table: table}
		rows := c.newFilesystems(&Options{}).rows
		table.begin()
		for _, m := range list {
			if !m.reported() || m.path == "" {
				t.Fatalf("%+v is reported", m)
			}
			if cells := rows.get([]byte(m.id())); len(cells) != 7 {
				t.Fatalf("%d values of %+v", len(cells), m)
			}
		}
		if len(list) > 0 {
			read(t, c)
		}
	})
}

func FuzzOSInfo(f *testing.F) {
	f.Add([]byte("NAME=\"Debian GNU/Linux\"\nID=debian\n"))
	f.Add([]byte("NAME='\n\nVERSION=\"\\\\\\\"\"\n=x\nID"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		series := identitySeries(osInfo(raw))
		if !slices.IsSortedFunc(series[0].Labels, func(a, b report.Attr) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }) {
			t.Fatalf("labels %v", series[0].Labels)
		}
		c := &Collector{table: newTable()}
		c.table.fixed(series).set(nil, 1)
		read(t, c)
	})
}
