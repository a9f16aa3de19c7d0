package host

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestPartOfDisk compares with node_exporter's expression.
func TestPartOfDisk(t *testing.T) {
	ignored := regexp.MustCompile(`^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`)
	names := strings.Fields(`sda sda1 sda12 sdaa sdaa1 hdb3 vdc1 xvda xvda1 xvd1 sd1 d1 nvme0n1 nvme0n1p nvme0n1p2 nvme10n12p34 nvmen1p1
		nvme0np1 nvme0n1n2p1 nvme0n1c0p1 mmcblk0 mmcblk0p1 dm-0 md127 sr0 loop0 loop ram0 zram1 zzram1 fd0 fd cciss/c0d0p1 Sda1 sdA1 sda1p 1 1a xsda1`)
	for _, a := range []string{"", "x", "s", "h", "v", "xv", "z", "nvme", "nvme1", "1"} {
		for _, b := range []string{"d", "da", "ram", "loop", "n", "n1", "n1p", "np"} {
			for _, c := range []string{"", "0", "17", "p1", "-1"} {
				names = append(names, fmt.Sprint(a, b, c))
			}
		}
	}
	for _, name := range names {
		if got, want := partOfDisk([]byte(name)), ignored.MatchString(name); got != want {
			t.Errorf("%s is left out: %t, want %t", name, got, want)
		}
	}
}
