package machine

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// A golden tape is entries as JSON, one a line, and last the hash of the state
// that they lead to.
type tapeLine struct {
	Kind entry.Kind `json:"kind,omitempty"`
	Time int64      `json:"time,omitempty"`
	Body []byte     `json:"body,omitempty"`
	Hash string     `json:"hash,omitempty"` // of the state, on the last line
}

func tapeOf(version uint32) string { return fmt.Sprintf("testdata/behavior-%d.tape", version) }

// TestGoldenTapes applies the tape of each version of the behavior. If the hash
// moves, entries that were applied long ago would be judged in another way than
// they were: raise Behavior, ask for the version where the answer differs, and
// make a tape of the new version with -update; those before it stay.
func TestGoldenTapes(t *testing.T) {
	if *update {
		for version := uint32(firstBehavior); version <= Behavior; version++ {
			if _, err := os.Stat(tapeOf(version)); version == Behavior || err != nil { // a tape stays
				writeTape(t, tapeOf(version), everything(t, version))
			}
		}
	}
	seen := map[entry.Kind]bool{}
	for version := uint32(firstBehavior); version <= Behavior; version++ {
		lines := readTape(t, tapeOf(version))
		m := New()
		for i, l := range lines[:len(lines)-1] {
			e := entry.Entry{Index: uint64(i + 1), Time: l.Time, Kind: l.Kind, Body: l.Body, Hash: sha256.Sum256(l.Body)}
			if err := CanApply(e); err != nil {
				t.Fatal(err)
			}
			m.Apply(e)
			seen[l.Kind] = true
		}
		hash := m.Hash()
		if got, want := hex.EncodeToString(hash[:]), lines[len(lines)-1].Hash; got != want || m.Behavior != version {
			t.Errorf("version %d: the state's hash is %s, was %s; it stands at version %d", version, got, want, m.Behavior)
		}
	}
	for kind := entry.KindGenesis; entry.Known(kind) == nil; kind++ {
		if !seen[kind] {
			t.Errorf("no golden tape has an entry of kind %d", kind)
		}
	}
}

// everything is a history with entries of every kind, and every action of
// people, at one version of the behavior.
func everything(t *testing.T, version uint32) *rig {
	r := historyAt(t, min(version, firstBehavior))
	if version > firstBehavior {
		r.must(r.json(entry.KindBehavior, entry.Behavior{Version: version}))
	}
	if version >= 3 {
		r.recount(false) // what came before
	}
	r.must(r.json(entry.KindLead, entry.Lead{}))
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "carol", On: true, Reason: "done"}))
	r.must(r.json(entry.KindResult, entry.Result{Effect: "e1", State: string(Verified), Said: record.New(record.ResultConfirmed, "3")}))
	r.must(r.json(entry.KindNotifyState, entry.NotifyState{
		Kept: []entry.NotifyRecord{{Of: entry.KeptSilence, Key: "s1", Updated: 1, Expires: r.now.Add(time.Hour).UnixNano(), Body: []byte("silence")}},
		Told: []entry.Notification{{At: r.now.UnixNano(), Receiver: "slack", Integration: "slack", Firing: 1, Alerts: []string{"a1"}, Incidents: []string{"i1"}}},
	}))
	r.apply(entry.KindWrite, []byte("opaque"))
	r.later(time.Minute)
	r.tick()
	d := by("bob", VerdictReal)
	d.Do = entry.DoOpen
	r.must(r.json(entry.KindDecision, d))
	for i := range 12 {
		r.later(time.Minute)
		r.send(payout(fmt.Sprint("h", i), "w7", fmt.Sprint("q", i), "a", []string{"1.5", "x", "2e3"}[i%3]))
	}
	for _, e := range r.m.EffectsView() {
		if e.State == Planned && e.Mode == rules.Approve {
			r.json(entry.KindDecision, entry.Decision{Do: entry.DoApprove, Actor: "bob", Effect: e.ID})
			break
		}
	}
	r.json(entry.KindDecision, entry.Decision{Do: entry.DoVerdict, Actor: "bob", Incident: "i1", Verdict: VerdictTest, Reason: "tried"})
	r.must(r.json(entry.KindRestored, entry.Restored{Actor: "root", Backup: r.now.Add(-time.Hour)}))
	if version >= 3 {
		r.feesRaised()
		r.recountsLate()
		r.holdsByName()
		r.everyForm()
		r.must(r.json(entry.KindShed, r.m.shedStep(0, 500, true)))
	}
	r.later(48 * time.Hour)
	r.tick()
	return r
}

func writeTape(t *testing.T, path string, r *rig) {
	t.Helper()
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	hash := r.m.Hash()
	for _, e := range r.tape {
		if err := out.Encode(tapeLine{Kind: e.Kind, Time: e.Time, Body: e.Body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Encode(tapeLine{Hash: hex.EncodeToString(hash[:])}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readTape(t *testing.T, path string) (lines []tapeLine) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(bytes.NewReader(raw))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l tapeLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// TestBounds compares every number that this package and the rooms below it name
// as a constant with those of the version: a bound that moves needs a version.
func TestBounds(t *testing.T) {
	path := fmt.Sprintf("testdata/behavior-%d.bounds", Behavior)
	got := strings.Join(bounds(t, ".", "dedup", "../../rules/window", "../../rules/match", "../../rules/condition", "../../rules/kept", "../../rules/form/absence", "../../rules/form/count", "../../rules/form/reconcile", "../../agent/spelling"), "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("bounds differ from those of behavior version %d:\n%s", Behavior, got)
	}
}

// bounds are the constants of packages that are written with a number.
func bounds(t *testing.T, dirs ...string) (out []string) {
	t.Helper()
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, source, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.ValueSpec)
				if !ok {
					return true
				}
				for i, value := range spec.Values {
					text := string(source[set.Position(value.Pos()).Offset:set.Position(value.End()).Offset])
					if strings.ContainsAny(text, "0123456789") && !strings.ContainsAny(text, "\"`{(") {
						out = append(out, fmt.Sprintf("%s.%s = %s", file.Name.Name, spec.Names[i].Name, strings.Join(strings.Fields(text), " ")))
					}
				}
				return true
			})
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestRaiseBehaviorRefills raises the version between two payments to one address,
// which version 2 knew by two spellings, and while an agent is known that measures only.
func TestRaiseBehaviorRefills(t *testing.T) {
	r := newRigAt(t, 2, strings.Replace(testRules, "by: [data.request]", "by: [data.address]", 1))
	r.speaks("host")
	pay := func(id, address string) { r.send(payout(id, "w", "p"+id, address, "1")) }
	lower, checksummed := "0x52908400098527886e0f7030069857d2e4169ee7", "0x52908400098527886E0F7030069857D2E4169EE7"
	pay("1", checksummed)
	r.later(time.Minute)
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: 3}))
	r.restarted()
	if anew := r.gate("btc").Anew; !slices.Equal(anew, []string{"PaidTwice"}) {
		t.Errorf("counting anew: %v", anew)
	}
	pay("2", lower)
	if n := r.recount(false); n == 0 {
		t.Error("nothing came back")
	}
	r.wantClosed("btc", true)
	for range 61 {
		r.later(time.Second)
		r.speaks("host")
	}
	if got := r.named(agentSilent); len(got) != 1 || got[0].Label("of") != "events" {
		t.Errorf("an agent that never had a beat: %+v", got)
	}
	r.restarted()
}

// TestRaiseBehavior begins as a ledger of before versions, and goes on by the
// newest.
func TestRaiseBehavior(t *testing.T) {
	waits := strings.Replace(strings.Replace(testRules, "severity: critical", "severity: warning", 1), "mitigate: [stop]", "mitigate: [ask]", 1)
	approved := func(r *rig) *Incident {
		r.pay("w1", "p1")
		r.pay("w1", "p2")
		for _, e := range r.m.EffectsView() {
			if e.State == Planned && e.Mode == rules.Approve {
				if err := r.decide(entry.Decision{Do: entry.DoApprove, Effect: e.ID}); err != nil {
					r.t.Fatal(err)
				}
			}
		}
		return &r.m.IncidentsView()[0]
	}
	if strings.Count(waits, "[ask]") == 0 {
		t.Fatal("the rules of this test have changed")
	}
	before := newRigAt(t, firstBehavior, waits)
	if in := approved(before); slices.ContainsFunc(in.Log, func(s Step) bool { return s.Said.Kind == record.EffectApproved }) {
		t.Errorf("by version 1 the approval is not in the incident: %+v", in.Log)
	}
	after := newRigAt(t, firstBehavior, waits)
	after.must(after.json(entry.KindBehavior, entry.Behavior{Version: Behavior}))
	if in := approved(after); !slices.ContainsFunc(in.Log, func(s Step) bool { return s.Said.Kind == record.EffectApproved }) || len(in.Effects) == 0 {
		t.Errorf("by version 2 it is: %+v", in)
	}
	if out, ok := after.json(entry.KindBehavior, entry.Behavior{Version: firstBehavior}).(*Refusal); !ok || out.Why.Kind != record.VersionPassed {
		t.Errorf("lowered: %v", out)
	}
	newer := entry.Entry{Kind: entry.KindBehavior, Body: entry.Marshal(entry.Behavior{Version: Behavior + 1})}
	if err := CanApply(newer); err == nil || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("a version of tomorrow: %v", err)
	}
	after.restarted()
	if after.m.BehaviorView() != Behavior {
		t.Errorf("after a restart version %d", after.m.BehaviorView())
	}
}
