package strictyaml

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type example struct {
	Name  string            `yaml:"name"`
	Every time.Duration     `yaml:"every"`
	Most  Size              `yaml:"most"`
	Words []string          `yaml:"words"`
	Texts map[string]string `yaml:"texts"`
	Inner []inner           `yaml:"inner"`

	_ Later `yaml:"later" not:"would come"`
}

type inner struct {
	ID string `yaml:"id"`
}

func TestDecode(t *testing.T) {
	text := "base: &b {id: x}\n"
	if s := Decode(File{"f", []byte(text)}, "a file", 1000, &example{}); s.Noted() != 1 {
		t.Error(s.Problems())
	}
	got := example{Name: "before", Words: []string{"gone"}}
	text = "every: 1d12h\nmost: 2MiB\nwords: [a, b]\ntexts: {k: &v w, l: *v}\ninner: [&b {id: x}, {<<: *b}]\n"
	s := Decode(File{"f", []byte(text)}, "a file", 1000, &got)
	want := example{"before", 36 * time.Hour, 2 << 20, []string{"a", "b"}, map[string]string{"k": "w", "l": "w"}, []inner{{"x"}, {"x"}}, Later{}}
	if diff := cmp.Diff(want, got); diff != "" || s.Noted() > 0 {
		t.Error(diff, s.Problems())
	}
	s.Errorf("inner[1].id", "odd")
	s.Errorf("texts.none", "odd")
	s.KeyErrorf("texts.l", "odd")
	var places []string
	for _, p := range s.Problems() {
		places = append(places, fmt.Sprintf("%d:%d", p.Line, p.Column))
	}
	if diff := cmp.Diff([]string{"4:8", "4:18", "5:17"}, places); diff != "" {
		t.Error(diff, s.Problems())
	}
}

// FuzzDecode is that whatever a file holds, each problem has a place in it.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"name: a\nevery: 1h\n", "inner: [{id: 1}, {id: }]\n", "a: &a [*a]\n", "<<: {name: a}\n", "later: 1\n---\n",
		"texts: {? [a] : b}\n", "\xef\xbb\xbfname: |\n  a\n", "name: !!binary gICA\n", "\tname: a\n", "name: '\xff'\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range Decode(File{"f", text}, "a file", 10_000, &example{}).Problems() {
			if p.Line < 1 || p.Column < 1 || p.Text == "" || len(p.String()) > 10_000 {
				t.Fatalf("problem without a place: %q", p.String())
			}
		}
	})
}
