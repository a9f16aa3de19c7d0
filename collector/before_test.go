package collector

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// before is what the program of before behavior had versions said of the data
// folder in testdata, which it made.
type before struct {
	Gates []struct {
		Name, State string
		Epoch       uint64
		Holds       []struct {
			ID, By, Cause, Alert string
			Match                map[string]string
		}
		Agreed []string
	}
	Effects []struct{ ID, Mitigation, Target, Mode, State, Alert, Hold, Result string }
	Steps   [][2]string // of incident i2: actor and sentence
}

// extract puts an archive of testdata into a folder.
func extract(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		body, err := io.ReadAll(in)
		if err == nil {
			err = os.WriteFile(path, body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readBefore(t *testing.T) (want before) {
	t.Helper()
	text, err := os.ReadFile("testdata/before/want.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// TestBefore starts on a data folder that the program before typed records made:
// gates, holds, effects and who approved are as they were.
func TestBefore(t *testing.T) {
	want := readBefore(t)
	dir := t.TempDir()
	extract(t, "testdata/before/data.tar.gz", dir)
	c := testConfig(t)
	c.Data, c.Rules = filepath.Join(dir, "data"), []string{"testdata/before/rules.yml"}
	m := replay(t, c)
	if m.BehaviorView() != 1 {
		t.Errorf("replayed by version %d of the behavior", m.BehaviorView())
	}
	checkBefore(t, want, m)
	steps := [][2]string{}
	in, _ := m.IncidentView("i2")
	for _, s := range in.Log {
		steps = append(steps, [2]string{s.Actor, string(s.Said.Kind)})
	}
	if len(steps) != len(want.Steps) {
		t.Errorf("%d steps, want %d: %v", len(steps), len(want.Steps), steps)
	}
	for i := range min(len(steps), len(want.Steps)) {
		if steps[i][0] != want.Steps[i][0] || steps[i][1] == string(record.Legacy) {
			t.Errorf("step %d: %v, was %v", i, steps[i], want.Steps[i])
		}
	}
	r := start(t, c)
	for _, g := range want.Gates {
		if v, _ := r.machine.GateView(g.Name); v.Closed != (g.State == "closed") {
			t.Errorf("after the start gate %s is closed: %t, was %s", g.Name, v.Closed, g.State)
		}
	}
	if got := r.machine.BehaviorView(); got != machine.Behavior {
		t.Errorf("behavior version %d after the start, want %d", got, machine.Behavior)
	}
	r.stop()
	again := replay(t, c) // and once more, with what this program wrote
	if again.BehaviorView() != machine.Behavior || again.Hash() != r.machine.Hash() {
		t.Error("another replay leads to another state")
	}
}

// TestBackupBefore restores a backup of then, whose snapshot has prose.
func TestBackupBefore(t *testing.T) {
	f, err := os.Open("testdata/before/backup.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	c := testConfig(t)
	if _, err := Restore(t.Context(), c.Data, z, "root", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	m := replay(t, c)
	want := readBefore(t)
	for _, g := range want.Gates {
		v, _ := m.GateView(g.Name)
		for _, h := range g.Holds {
			if !slices.ContainsFunc(v.Holds, func(is machine.Hold) bool { return is.ID == h.ID }) {
				t.Errorf("gate %s lost hold %s: %+v", g.Name, h.ID, v.Holds)
			}
		}
	}
	in, _ := m.IncidentView("i2")
	if len(in.Log) < len(want.Steps) || in.Log[0].Said.Kind != record.Legacy || in.Log[0].Said.Arg("text") != want.Steps[0][1] {
		t.Errorf("the prose of then is not what it was: %+v", in.Log)
	}
}

// checkBefore compares gates, holds, approvals and effects.
func checkBefore(t *testing.T, want before, m *machine.Machine) {
	t.Helper()
	effects := m.EffectsView()
	if len(effects) != len(want.Effects) {
		t.Fatalf("%d effects, want %d", len(effects), len(want.Effects))
	}
	for i, e := range want.Effects {
		is := effects[i]
		got := fmt.Sprint(is.ID, is.Mitigation, is.Target, is.Mode, is.State, is.Alert, is.Hold)
		if was := fmt.Sprint(e.ID, e.Mitigation, e.Target, e.Mode, e.State, e.Alert, e.Hold); got != was {
			t.Errorf("effect %s, was %s", got, was)
		}
	}
	for _, g := range want.Gates {
		v, ok := m.GateView(g.Name)
		var holds, agreed []string
		for _, h := range v.Holds {
			holds = append(holds, fmt.Sprint(h.ID, h.By, h.Cause, h.Alert, h.Match))
		}
		for _, a := range v.Approvals {
			agreed = append(agreed, a.Actor)
		}
		was := []string{}
		for _, h := range g.Holds {
			was = append(was, fmt.Sprint(h.ID, h.By, h.Cause, h.Alert, h.Match))
		}
		if d := cmp.Diff(was, holds); !ok || d != "" || v.Epoch != g.Epoch || v.Closed != (g.State == "closed") || !slices.Equal(agreed, g.Agreed) {
			t.Errorf("gate %s: epoch %d, closed %t, agreed %v\n%s", g.Name, v.Epoch, v.Closed, agreed, d)
		}
	}
}
