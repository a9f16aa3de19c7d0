package examples

import (
	"io/fs"
	"os"
	"reflect"
	"testing"

	"github.com/tomeishi/tomeishi/rules"
)

func TestAllAreSound(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.yml")
	if err != nil || len(names) != len(all) {
		t.Errorf("All has %d files of %v (%v)", len(all), names, err)
	}
	set, problems := rules.Parse(all)
	for _, p := range problems {
		t.Error(p)
	}
	for _, g := range set.Gates {
		if enforces := g.Mode == rules.Enforce; enforces != (g.Name == "demo/withdrawals") {
			t.Errorf("gate %s has mode %s", g.Name, g.Mode)
		}
	}
}

// TestLanguage: the rules to copy from say nothing that would be found.
func TestLanguage(t *testing.T) {
	text, err := os.ReadFile("language/forms.yml")
	if err != nil {
		t.Fatal(err)
	}
	set, problems := rules.Parse([]rules.File{{Name: "forms.yml", Text: text}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	said := map[string]bool{}
	for _, r := range set.Rules {
		said[reflect.TypeOf(r.Body).Elem().PkgPath()] = true
	}
	if len(said) != len(rules.Forms())+1 { // and the one that records
		t.Errorf("not every form has a rule: %v", said)
	}
}

func TestDemo(t *testing.T) {
	demo, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	set, problems := rules.Parse(demo)
	if len(problems) != 0 || len(set.Rules) != 1 {
		t.Fatal(problems)
	}
	r := set.Rules[0]
	got := r.Render(map[string]string{"request": "w-1"}, "2", []string{"c/app/1", "c/app/2"})
	if want := "2 payments for withdrawal w-1"; got["summary"] != want {
		t.Errorf("summary = %q, want %q", got["summary"], want)
	}
	want := "raises a critical alert when, among payout.sent events of one data.request within 1d, there are at least 2 different values of data.payment; when it raises the alert, it closes the gate demo/withdrawals (if the gate enforces)."
	if got := r.Explain(); got != want {
		t.Errorf("Explain() = %q, want %q", got, want)
	}
	use := r.Mitigate[0]
	if m := rules.Effective(use.Mode, use.Mitigation.Mode, set.Gates[0].Mode); m != rules.Enforce {
		t.Errorf("the demo's effect is %s, want enforce", m)
	}
}
