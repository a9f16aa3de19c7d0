package host

import (
	"fmt"
	"strings"
	"testing"
)

// TestHiddenMounts: what a later mount hides cannot be asked.
func TestHiddenMounts(t *testing.T) {
	for _, c := range []struct{ name, root, mounts, want string }{
		{"below a later mount", "/", "1 0 / ext4, 2 1 /a/b ext4, 3 1 /ab ext4, 4 1 /a xfs", "/ /ab /a"},
		{"below one that is not reported", "/", "1 0 / ext4, 2 1 /a/b ext4, 3 1 /a overlay", "/"},
		{"of one that is covered", "/", "1 0 / ext4, 2 1 /a ext4, 3 2 /a/b ext4, 4 3 /a/b/c ext4, 5 2 /a xfs", "/ /a"},
		{"two below", "/", "1 0 / ext4, 2 1 /a/b ext4, 3 2 /a/b/c ext4, 4 1 /a/d ext4, 5 1 /a xfs", "/ /a"},
		{"mounted again", "/", "1 0 / ext4, 2 1 /a/b ext4, 3 1 /a ext4, 4 3 /a/b xfs", "/ /a /a/b"},
		{"the root is listed late", "/", "2 4 /run tmpfs, 3 2 /run/x ext4, 4 1 / ext4, 5 4 /data ext4", "/run /run/x / /data"},
		{"the root is listed late, in a container", "/host", "2 4 /run tmpfs, 3 2 /run/x ext4, 4 1 / ext4", "/host/run /host/run/x /host"},
		{"moved below a later one", "/", "1 0 / ext4, 2 4 /a/b ext4, 3 2 /a/b/c ext4, 4 1 /a ext4", "/ /a/b /a/b/c /a"},
		{"it is its own parent", "/", "1 1 / ext4, 2 2 /a/b ext4, 3 2 /a ext4", "/ /a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var text strings.Builder
			for m := range strings.SplitSeq(c.mounts, ", ") {
				w := strings.Fields(m)
				fmt.Fprintf(&text, "%s %s 0:1 / %s rw - %s /dev/x rw\n", w[0], w[1], w[2], w[3])
			}
			list, _, err := scanMounts(strings.NewReader(text.String()), c.root)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range list {
				got = append(got, m.path)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("found %s, want %s", s, c.want)
			}
		})
	}
}

// TestMountListIsBounded puts mounts on one path without end.
func TestMountListIsBounded(t *testing.T) {
	for _, types := range [][]string{{"ext4"}, {"ext4", "overlay"}} {
		var l mountList
		for i := range 50 * maxMounts {
			l.add(&mountPoint{device: "x", fstype: types[i%len(types)], point: "/a", path: "/a", self: float64(i + 1), parent: float64(i)})
			if cap(l.all) > 2*maxMounts {
				t.Fatalf("%s: %d mounts are kept", types, cap(l.all))
			}
		}
		if len(l.all) > 1 || l.leftOut != 0 {
			t.Errorf("%s: %d mounts, %d left out", types, len(l.all), l.leftOut)
		}
	}
}

func TestMountNumbers(t *testing.T) {
	for _, text := range []string{"x 1 0:1 / /a rw - ext4 /dev/x rw\n", "1 x 0:1 / /a rw - ext4 /dev/x rw\n"} {
		if list, _, err := scanMounts(strings.NewReader(text), "/"); err == nil || len(list) > 0 {
			t.Errorf("%q: %d mounts, error %v", text, len(list), err)
		}
	}
}
