package httpguard

import "testing"

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]bool{
		"/": true, "/gates/a?b=c": true, "/?next=//x": true,
		"": false, "gates": false, "//evil.example": false, `/\evil.example`: false, "https://evil.example/": false,
		"/\t/evil.example": false, "\t//evil.example": false, "/a\x7f": false, "javascript:alert(1)": false,
	} {
		if got := LocalPath(next); got != want {
			t.Errorf("%q: %v, want %v", next, got, want)
		}
	}
}
