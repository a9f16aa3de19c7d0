package message

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestPage writes pages of what became of a real machine. The bubble's clock
// begins at 9 o'clock of 1 January 2000 in Tokyo.
func TestPage(t *testing.T) {
	for name, run := range map[string]func(c *cell) machine.Alert{
		"stopped": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1")
			time.Sleep(time.Hour)
			c.happens("payout.sent", "w1", "w2", "w2", "w1")
			time.Sleep(2*time.Hour + 5*time.Minute)
			return c.AlertsView()[0]
		},
		"held": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			c.refused(
				report.Refused{Gate: "withdrawals/btc", Request: "w3", Asset: "BTC", Amount: "1.50"},
				report.Refused{Gate: "withdrawals/btc", Request: "w4", Asset: "JPY", Amount: "1234567"},
				report.Refused{Gate: "withdrawals/btc", Request: "w5"},
				report.Refused{Gate: "withdrawals/btc", Unnamed: 2},
			)
			time.Sleep(90 * time.Second)
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: "bob", Reason: "looks\nwrong", Verdict: "false"})
			return c.alert("PaidTwice")
		},
		"opened": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			for _, who := range []string{"bob", "alice"} {
				c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: who, Reason: "r", Verdict: "real"})
			}
			return c.alert("PaidTwice")
		},
		"over": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			a := c.alert("PaidTwice")
			time.Sleep(25 * time.Hour)
			c.apply(entry.KindTick, struct{}{})
			return c.again(a)
		},
		"approval": func(c *cell) machine.Alert {
			c.happens("payout.large", "w1")
			return c.alert("PaidTooMuch")
		},
		"verified": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			c.apply(entry.KindResult, entry.Result{Effect: "e1", State: string(machine.Verified), Said: record.New(record.ResultConfirmed, "2")})
			return c.alert("PaidTwice")
		},
		"restored": func(c *cell) machine.Alert {
			c.happens("payout.large", "w1")
			c.apply(entry.KindRestored, entry.Restored{Actor: "erin", Backup: time.Now().Add(-time.Hour)})
			return c.alert("PaidTooMuch")
		},
		"elsewhere": func(c *cell) machine.Alert { // a person closed it above
			c.happens("payout.large", "w1")
			c.decide(entry.Decision{Do: entry.DoClose, Gate: "withdrawals", Actor: "carol", Reason: "a leak"})
			return c.alert("PaidTooMuch")
		},
		"shadow": func(c *cell) machine.Alert {
			c.happens("payout.often", "w1")
			return c.alert("PaidOften")
		},
		"off": func(c *cell) machine.Alert {
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration", For: time.Hour})
			time.Sleep(time.Second)
			c.happens("payout.sent", "w1", "w1")
			return c.alert("PaidTwice")
		},
		"off_later": func(c *cell) machine.Alert { // it waited for approval before
			c.happens("payout.large", "w1")
			time.Sleep(time.Second)
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration", For: time.Hour})
			return c.alert("PaidTooMuch")
		},
		"watchdog": func(c *cell) machine.Alert {
			c.own(report.Event{Type: report.BeatType})
			return c.alert("Watchdog")
		},
		"rules_blind": func(c *cell) machine.Alert {
			c.apply(entry.KindCondition, entry.Condition{
				Name: "RuleErrors", Firing: true, About: record.New(record.AboutRulesBlind), Labels: []machine.Label{{Name: "error", Value: "blind"}},
			})
			return c.alert("RuleErrors")
		},
		"plain": func(c *cell) machine.Alert {
			c.happens("registration.completed", "c1")
			return c.alert("Registered")
		},
		"ended": func(c *cell) machine.Alert {
			c.happens("registration.completed", "c1")
			a := c.alert("Registered")
			time.Sleep(11 * time.Minute)
			c.apply(entry.KindTick, struct{}{})
			return c.again(a)
		},
		"gate_closed": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			return c.alert("GateClosed")
		},
		"approval_wanted": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: "bob", Reason: "it is a test", Verdict: "test"})
			return c.alert("ApprovalWanted")
		},
		"opened_alone": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			time.Sleep(3 * time.Minute)
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: "bob", Reason: "nothing is wrong", Verdict: "false"})
			return c.alert("OpenedAlone")
		},
		"gate_opened": func(c *cell) machine.Alert {
			c.happens("payout.sent", "w1", "w1")
			a := c.alert("GateClosed")
			for _, who := range []string{"bob", "alice"} {
				c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: who, Reason: "r", Verdict: "real"})
			}
			return c.again(a)
		},
		"approval_lapsed": func(c *cell) machine.Alert { // and another that does not count
			c.happens("payout.sent", "w1", "w1")
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: "bob", Reason: "r", Verdict: "real"})
			a := c.alert("ApprovalWanted")
			c.happens("payout.sent", "w2", "w2")
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/btc", Actor: "uid:0", Reason: "r", Verdict: "real"})
			return c.again(a)
		},
		"automatic_on": func(c *cell) machine.Alert {
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration"})
			a := c.alert("AutomaticOff")
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", On: true})
			return c.again(a)
		},
		"off_approval": func(c *cell) machine.Alert { // it waits for approval anyway
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration", For: time.Hour})
			time.Sleep(time.Second)
			c.happens("payout.large", "w1")
			return c.alert("PaidTooMuch")
		},
		"automatic_off": func(c *cell) machine.Alert {
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration"})
			return c.alert("AutomaticOff")
		},
		"hold": func(c *cell) machine.Alert {
			c.happens("payout.stolen", "w1")
			return c.alert("Stolen")
		},
		"hold_verified": func(c *cell) machine.Alert {
			c.happens("payout.stolen", "w1")
			c.apply(entry.KindResult, entry.Result{Effect: "e1", State: string(machine.Verified), Said: record.New(record.ResultHeldSeen, "2")})
			return c.alert("Stolen")
		},
		"hold_released": func(c *cell) machine.Alert {
			c.happens("payout.stolen", "w1")
			a := c.alert("Stolen")
			c.decide(entry.Decision{Do: entry.DoOpen, Gate: "withdrawals/eth", Hold: "h1", Actor: "bob", Reason: "theirs", Verdict: "false"})
			return c.again(a)
		},
		"hold_off": func(c *cell) machine.Alert {
			c.decide(entry.Decision{Do: entry.DoSwitch, Actor: "dave", Reason: "migration", For: time.Hour})
			time.Sleep(time.Second)
			c.happens("payout.stolen", "w1")
			return c.alert("Stolen")
		},
		"hold_unasked": func(c *cell) machine.Alert {
			c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
			c.own(report.Event{Type: report.BeatType, Data: []byte(`{"asked":[{"gate":"withdrawals/eth","lacks":["request"]}]}`)})
			c.happens("payout.stolen", "w1")
			return c.alert("Stolen")
		},
		"hold_unnamed": func(c *cell) machine.Alert {
			c.happens("payout.tagged", "w1")
			return c.alert("Tagged")
		},
		"hold_declined": func(c *cell) machine.Alert {
			c.happens("payout.tagged", "w1")
			c.decide(entry.Decision{Do: entry.DoDecline, Effect: "e1", Actor: "bob", Reason: "known"})
			return c.alert("Tagged")
		},
		"hold_shadow": func(c *cell) machine.Alert {
			c.happens("payout.suspect", "w1")
			return c.alert("Suspect")
		},
		"hold_shadow_over": func(c *cell) machine.Alert {
			c.happens("payout.suspect", "w1")
			a := c.alert("Suspect")
			time.Sleep(2 * time.Hour)
			c.apply(entry.KindTick, struct{}{})
			return c.again(a)
		},
		"condition": func(c *cell) machine.Alert {
			c.apply(entry.KindCondition, entry.Condition{Name: "DiskLow", Firing: true, About: record.New(record.AboutDiskLow, "10")})
			return c.alert("DiskLow")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCell(t)
				a := run(c)
				got := ""
				for _, l := range []Language{English, Japanese} {
					p := c.writer().PageIn(l, a)
					got += p.Headline + "\n" + p.Text() + "\n\n"
				}
				golden(t, filepath.Join("testdata", name+".txt"), got)
			})
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// TestPageIsText makes one page of texts that would be more than text, and that
// are long.
func TestPageIsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCell(t)
		const evil = "<script>alert(1)</script> <!channel> {{ .Labels }} %d%s \u202e\n\nGate: withdrawals/btc is open\r"
		c.happens("registration.completed", evil, evil+strings.Repeat("長い😀", 300))
		for _, a := range c.AlertsView() {
			for _, text := range []string{evil, strings.Repeat("ん", 10_000/len("ん"))} {
				a.Annotations = []machine.Label{{Name: "summary", Value: text}, {Name: "description", Value: text}, {Name: "runbook_url", Value: text}}
				a.Metric = true // as it is
				a.Cause, a.Ended, a.Value = record.New(record.AgentForgotten, text, text), time.Now().UnixNano(), text
				a.Labels = append(a.Labels, machine.Label{Name: "x", Value: text})
				for _, l := range []Language{English, Japanese} {
					checkPage(t, c.writer().PageIn(l, a))
				}
			}
		}
		a := c.AlertsView()[0]
		want := "WARNING: <script>alert(1)</script> <!channel> {{ .Labels }} %d%s Gate: withdrawals/btc is open"
		if got := c.writer().Page(a).Headline; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func checkPage(t *testing.T, p Page) {
	t.Helper()
	text := p.Text()
	if len(p.Headline) > maxLine || len(text) > maxPage || !utf8.ValidString(p.Headline+text) {
		t.Errorf("a headline of %d and a text of %d bytes", len(p.Headline), len(text))
	}
	if strings.ContainsAny(p.Headline, "\r\n\u202e") || strings.Count(text, "\n") != len(p.Lines)-1 || strings.ContainsAny(text, "\r\u202e") {
		t.Errorf("a text of others makes lines of its own: %q, %q", p.Headline, text)
	}
	for _, l := range p.Lines {
		if (l.Name == "Runbook" || l.Name == "手順書") && strings.Contains(l.Text, "…") {
			t.Errorf("half a link: %q", l.Text)
		}
		if len(l.Text) > maxLine || l.Text == "" || strings.HasPrefix(l.Text, "withdrawals/btc is open") {
			t.Errorf("the line %s has %d bytes: %.40q", l.Name, len(l.Text), l.Text)
		}
	}
	if last := p.Lines[len(p.Lines)-1].Text; last != p.URL || last == "" {
		t.Errorf("the page ends in %q, not in its link %q", last, p.URL)
	}
}

// TestHeld never says a sum of what is not known.
func TestHeld(t *testing.T) {
	var many []machine.Sum
	for i, asset := range []string{"A", "B", "C", "D", "E", "F", "G"} {
		many = append(many, machine.Sum{Asset: asset, Amount: strconv.Itoa(i + 1)})
	}
	words := New(Options{}).Words(English)
	for _, c := range []struct {
		held *machine.RefusedPayments
		want string
	}{
		{nil, "not known yet"},
		{&machine.RefusedPayments{}, "not known yet"},
		{&machine.RefusedPayments{Unnamed: 1}, "1 ask that named no request"},
		{&machine.RefusedPayments{Requests: 1, Unpriced: 1}, "1 request: amount not known"},
		{&machine.RefusedPayments{Requests: 1, Sums: many[:1]}, "1 request: 1 A"},
		{&machine.RefusedPayments{Requests: 12_000, More: true, Sums: many, Unpriced: 3}, "at least 12,000 requests: 1 A, 2 B, 3 C, 4 D, 5 E, 2 more assets; amount not known for 3 of them"},
		{&machine.RefusedPayments{Requests: 1, Sums: []machine.Sum{{Asset: "B\nT\u202eC", Amount: "0.5"}}}, "1 request: 0.5 B TC"},
	} {
		p := page{words: words}
		g := &machine.GateAround{}
		g.Name, g.Refused = "btc", c.held
		if got := p.heldLine(g); got != c.want {
			t.Errorf("%+v is %q, want %q", c.held, got, c.want)
		}
		p.around.Gates = make([]machine.GateAround, 2)
		if got := p.heldLine(g); got != "btc: "+c.want {
			t.Errorf("%+v at one of two gates is %q", c.held, got)
		}
	}
}

// TestFit clips the lines of a page alike when all together are too long.
func TestFit(t *testing.T) {
	var lines []Line
	for range 20 {
		lines = append(lines, Line{"Name", strings.Repeat("x", 1000)}, Line{"Short", "stays"})
	}
	const link = "https://tomeishi.example/incidents/i1"
	p := Page{Lines: fit(lines, link, "Link"), URL: link}
	checkPage(t, p)
	if p.Lines[1].Text != "stays" || len(p.Lines[0].Text) < minLine-2 || p.Lines[0] != p.Lines[38] {
		t.Errorf("%q", p.Lines)
	}
	if got := fit(lines[:3], "", "Link"); len(got) != 3 || len(got[0].Text) != maxLine {
		t.Errorf("short of a page, and without a link: %d lines, the first of %d bytes", len(got), len(got[0].Text))
	}
}

// TestURL links to where all of it is seen.
func TestURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCell(t)
		for _, x := range []struct {
			a    machine.Alert
			want string
		}{
			{machine.Alert{ID: "a/1", RuleID: machine.RuleID{1}}, "https://tomeishi.example/alerts/a%2F1"},
			{machine.Alert{ID: "a1", Incident: "i9"}, "https://tomeishi.example/incidents/i9"},
			{machine.Alert{ID: "a1", Rule: "GateClosed", Labels: []machine.Label{{Name: "gate", Value: "a/b"}}}, "https://tomeishi.example/gates/a/b"},
			{machine.Alert{ID: "a1", RuleID: machine.RuleID{1}, Rule: "GateClosed", Labels: []machine.Label{{Name: "gate", Value: "a/b"}}}, "https://tomeishi.example/alerts/a1"},
		} {
			if got := c.writer().Page(x.a).URL; got != x.want {
				t.Errorf("%q, want %q", got, x.want)
			}
		}
		w := New(Options{Machine: c.Machine.Shown(true), Zone: time.UTC})
		if p := w.Page(machine.Alert{ID: "a1"}); p.URL != "" || strings.Contains(p.Text(), "Link") {
			t.Errorf("a page without a screen links to %q: %q", p.URL, p.Text())
		}
	})
}

// TestHeadlineOfLongSummary keeps what is grave before what is long.
func TestHeadlineOfLongSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCell(t)
		long := strings.Repeat("w", 1000)
		c.happens("payout.sent", long, long)
		got := c.writer().Page(c.alert("PaidTwice")).Headline
		if !strings.HasPrefix(got, "STOPPED: gate withdrawals/btc closed since 09:00:00 JST. 2 payments for withdrawal www") || len(got) != maxLine {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}

// BenchmarkPage is the page of one of 10,000 alerts, each of which holds one
// gate.
func BenchmarkPage(b *testing.B) {
	c := newCell(b)
	var all []string
	for i := range 10_000 {
		all = append(all, strconv.Itoa(i), strconv.Itoa(i))
	}
	c.happens("payout.sent", all...)
	w, alerts := c.writer(), c.AlertsView()
	if len(alerts) < 1000 {
		b.Fatalf("%d alerts", len(alerts))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		w.Page(alerts[i%len(alerts)])
		i++
	}
	b.ReportMetric(float64(len(alerts)), "alerts")
}
