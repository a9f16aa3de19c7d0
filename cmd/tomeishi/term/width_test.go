package term

import "testing"

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		in      string
		columns int
		want    string
	}{
		{"instance", 8, "instance"},
		{"instance", 7, "ins…nce"},
		{"instance", 2, "i…"},
		{"instance", 1, "…"},
		{"instance", 0, ""},
		{"取引所", 6, "取引所"},
		{"取引所", 5, "取…所"},
		{"取引所", 4, "取…"},
	} {
		if got := Clip(tt.in, tt.columns); got != tt.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.in, tt.columns, got, tt.want)
		}
	}
}

// FuzzClip never makes a text wider than asked, and leaves short ones alone.
func FuzzClip(f *testing.F) {
	f.Add("instance", 5)
	f.Add("取引所", 3)
	f.Add("é́x", 1)
	f.Fuzz(func(t *testing.T, s string, columns int) {
		columns = min(max(columns, 0), 200)
		got := Clip(s, columns)
		if Columns(got) > columns {
			t.Errorf("Clip(%q, %d) = %q, %d columns", s, columns, got, Columns(got))
		}
		if Columns(s) <= columns && got != s {
			t.Errorf("Clip(%q, %d) = %q", s, columns, got)
		}
	})
}
