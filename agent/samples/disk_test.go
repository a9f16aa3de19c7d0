package samples

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/smalldisk"
)

// left makes a folder with the chunks of an outage, and says what they hold.
func left(t *testing.T, seconds int) (dir string, added map[int64][]float64, chunks []string) {
	t.Helper()
	dir = ramDir(t)
	c := newCollector(t)
	c.set(down)
	l := start(t, dir, c)
	l.seconds(seconds)
	l.stop()
	return dir, l.added, l.files("*" + suffix)
}

func TestDamagedFiles(t *testing.T) {
	damage := []struct {
		name string
		do   func(raw []byte) []byte
	}{
		{"torn", func(raw []byte) []byte { return raw[:len(raw)/2] }},
		{"empty", func([]byte) []byte { return nil }},
		{"a flipped bit", func(raw []byte) []byte { raw[len(raw)/3] ^= 4; return raw }},
		{"something behind", func(raw []byte) []byte { return append(raw, 0) }},
		{"zeros", func(raw []byte) []byte { clear(raw); return raw }},
		{"a newer version", func(raw []byte) []byte { raw[4]++; return raw }},
	}
	for _, tt := range damage {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, added, chunks := left(t, 140)
				raw, err := os.ReadFile(chunks[2])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(chunks[2], tt.do(raw), 0o600); err != nil {
					t.Fatal(err)
				}
				c := newCollector(t)
				l := start(t, dir, c)
				l.seconds(10)
				missing := c.missing(t, added)
				if len(missing) != chunkFrames || l.metric("damaged_files_total") != "1" || l.metric(`dropped_frames_total{reason="damaged"}`) != "30" {
					t.Errorf("%d are missing, %s files, %s frames counted", len(missing), l.metric("damaged_files_total"), l.metric(`dropped_frames_total{reason="damaged"}`))
				}
				if aside := l.files("*" + damaged); !slices.Equal(aside, []string{chunks[2] + damaged}) {
					t.Errorf("set aside: %q", aside)
				}
				if left := l.files("*" + suffix); len(left) != 0 {
					t.Errorf("left: %q", left)
				}
				l.stop()
			})
		})
	}
}

// TestFolder: what else lies in it, and chunks that vanish.
func TestFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, chunks := left(t, 130)
		at := func(name string) string { return filepath.Join(dir, "samples", name) }
		for _, name := range []string{"notes.txt", "1-2" + suffix, "0946684829000-30-99" + suffix + ".tmp", "x" + suffix} {
			if err := os.WriteFile(at(name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(at("0946684829000-30-98"+suffix), 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range maxDamaged + 3 {
			n := name{last: 946684000000 + int64(i), frames: 5, serial: uint64(i)}
			if err := os.WriteFile(at(n.file()), []byte("no samples"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := newCollector(t)
		l := start(t, dir, c)
		if err := os.Remove(chunks[0]); err != nil {
			t.Fatal(err)
		}
		l.seconds(10)
		if missing := c.missing(t, added); len(missing) != chunkFrames {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
		if n := len(l.files("*" + damaged)); n != maxDamaged {
			t.Errorf("%d damaged files are kept", n)
		}
		entries, err := os.ReadDir(at(""))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), damaged) {
				names = append(names, e.Name())
			}
		}
		if want := []string{"0946684829000-30-98" + suffix, "1-2" + suffix, "lane", "notes.txt", "x" + suffix}; !slices.Equal(names, want) {
			t.Errorf("left: %q", names)
		}
	})
}

func TestOldIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, _ := left(t, 100)
		time.Sleep(24*time.Hour - 60*time.Second)
		c := newCollector(t)
		l := start(t, dir, c)
		l.seconds(10)
		// A chunk goes with its newest frame.
		missing := c.missing(t, added)
		if len(missing) == 0 || len(missing) > 60 || len(missing)%chunkFrames != 0 || fmt.Sprint(len(missing)) != l.metric(`dropped_frames_total{reason="age"}`) {
			t.Errorf("%d are missing, %s were counted", len(missing), l.metric(`dropped_frames_total{reason="age"}`))
		}
		if left := l.files("*" + suffix); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
		l.stop()
	})
}

// TestNoFolder: where none can be made, memory serves, within its bound.
func TestNoFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := ramDir(t)
		if err := os.WriteFile(filepath.Join(dir, "samples"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		c := newCollector(t)
		l := start(t, dir, c)
		l.seconds(3)
		c.set(down)
		l.schema = schema(500)
		l.seconds(600)
		if n := l.logs.count("the disk fails"); n < 6 || n > 11 {
			t.Errorf("said %d times in ten minutes:\n%s", n, l.logs)
		}
		if l.metric(`backlog_bytes{in="disk"}`) != "0" || l.metric("disk_errors_total") == "0" {
			t.Errorf("%s bytes on disk, %s errors", l.metric(`backlog_bytes{in="disk"}`), l.metric("disk_errors_total"))
		}
		l.q.mu.Lock()
		if l.q.inMemory > maxMemory || l.q.inMemory < maxMemory/2 {
			t.Errorf("%d bytes in memory", l.q.inMemory)
		}
		l.q.mu.Unlock()
		c.set(nil)
		l.seconds(60)
		missing := c.missing(t, l.added)
		if len(missing) == 0 || fmt.Sprint(len(missing)) != l.metric(`dropped_frames_total{reason="room"}`) {
			t.Errorf("%d are missing, %s were counted", len(missing), l.metric(`dropped_frames_total{reason="room"}`))
		}
		if newest := missing[len(missing)-1]; newest-missing[0] != int64(len(missing)-1)*1000 {
			t.Error("others than the oldest were dropped")
		}
		l.stop()
	})
}

// TestFullDisk: what the disk did not take is written once there is room.
func TestFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, "256k")
	ballast := filepath.Join(disk, "ballast")
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		l := start(t, disk, c)
		l.seconds(65)
		if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		l.seconds(65)
		if n := len(l.files("*" + suffix)); n != 2 || l.metric("disk_errors_total") == "0" {
			t.Errorf("%d files, %s errors", n, l.metric("disk_errors_total"))
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		l.stop()
		if tmp := l.files("*.tmp"); len(tmp) != 0 {
			t.Errorf("left: %q", tmp)
		}
		added := l.added
		c.set(nil)
		l = start(t, disk, c)
		l.seconds(10)
		if missing := c.missing(t, added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestReadOnly: chunks are sent although they cannot be removed.
func TestReadOnly(t *testing.T) {
	disk := smalldisk.Mount(t, "1m")
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		l := start(t, disk, c)
		l.seconds(70)
		l.stop()
		added, id := l.added, l.id
		smalldisk.ReadOnly(t, disk)
		l = start(t, disk, c)
		if l.id != id {
			t.Error("another id")
		}
		l.seconds(70)
		c.set(nil)
		l.seconds(20)
		if missing := append(c.missing(t, added), c.missing(t, l.added)...); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		if l.metric("disk_errors_total") == "0" {
			t.Error("no error was counted")
		}
		l.stop()
	})
}

func TestLaneID(t *testing.T) {
	d := folder(filepath.Join(t.TempDir(), "a", "samples"))
	first, err := d.lane()
	if err != nil || first == (report.SpoolID{}) {
		t.Fatalf("%v, %v", first, err)
	}
	if again, err := d.lane(); err != nil || again != first {
		t.Errorf("%v, %v; want %v", again, err, first)
	}
	good, err := os.ReadFile(d.path(laneFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{nil, []byte("x"), good[:20], append(bytes.Clone(good), 1), durable.Frame(laneMagic, laneVersion, []byte("short"))} {
		if err := os.WriteFile(d.path(laneFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := d.lane()
		if again, _ := d.lane(); err != nil || id == first || again != id {
			t.Errorf("after %q: %v, then %v, %v", raw, id, again, err)
		}
	}
	newer := durable.Frame(laneMagic, laneVersion+1, make([]byte, 40))
	if err := os.WriteFile(d.path(laneFile), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.lane(); err == nil {
		t.Error("no error for a newer version")
	}
	if raw, err := os.ReadFile(d.path(laneFile)); err != nil || !bytes.Equal(raw, newer) {
		t.Errorf("a newer version was overwritten: %q, %v", raw, err)
	}
}

func TestNames(t *testing.T) {
	for _, n := range []name{{1, 1, 0}, {1792586775123, 30, 7}, {9999999999999, 4096, 1<<64 - 1}} {
		if got, ok := parseName(n.file()); !ok || got != n {
			t.Errorf("%s: %v, %v", n.file(), got, ok)
		}
	}
	for _, bad := range []string{"", "lane", "1-1-1.samples", "0000000000001-0-1.samples", "-000000000001-1-1.samples", "0000000000001-1-1.samples.tmp", "0000000000001-+1-1.samples", "0000000000001-1-99999999999999999999.samples"} {
		if n, ok := parseName(bad); ok {
			t.Errorf("%q is %v", bad, n)
		}
	}
}
