package message

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

var argument = regexp.MustCompile(`\{([a-z]+)(#[^}]*)?\}`)

// TestEveryKindIsSaid walks the list of all kinds and asks for both languages.
func TestEveryKindIsSaid(t *testing.T) {
	known := sentences()
	w := New(Options{Zone: time.UTC})
	for _, kind := range record.Kinds() {
		s, ok := known[kind]
		if !ok {
			t.Errorf("%s is said in no language", kind)
			continue
		}
		values := make([]string, len(record.Arguments(kind)))
		for i, name := range record.Arguments(kind) {
			values[i] = "«" + name + "»"
		}
		for language, text := range map[Language]string{English: s.en, Japanese: s.ja} {
			checkArguments(t, kind, text)
			said := w.Words(language).Record(record.New(kind, values...).After(record.New(record.NoBeat)))
			if said == "" || strings.ContainsAny(said, "[]{}#") {
				t.Errorf("%s in %s: %q", kind, language, said)
			}
			bare := w.Words(language).Record(record.New(kind))
			if strings.ContainsAny(bare, "[]{}#") {
				t.Errorf("%s in %s without arguments: %q", kind, language, bare)
			}
		}
	}
	for kind := range known {
		if !slices.Contains(record.Kinds(), kind) {
			t.Errorf("%s is said and is no kind", kind)
		}
	}
}

// checkArguments finds arguments that a text names and the kind lacks.
func checkArguments(t *testing.T, kind record.Kind, text string) {
	t.Helper()
	for _, found := range argument.FindAllStringSubmatch(text, -1) {
		if found[1] != "because" && !slices.Contains(record.Arguments(kind), found[1]) {
			t.Errorf("%s has no argument %s: %q", kind, found[1], text)
		}
	}
}

func TestRecord(t *testing.T) {
	w := New(Options{Zone: time.UTC})
	for _, c := range []struct {
		note   record.Note
		en, ja string
	}{
		{record.Note{}, "", ""},
		{record.New(record.AlertEnded, "a7").After(record.New(record.OpenedBy, "aiko")), "Alert a7 ended: opened by aiko", "アラート a7 が終了: aiko が開きました"},
		{record.New(record.GateClosed, "g", "h1", "rule", "PaidTwice"), "Gate g closed, hold h1 by rule PaidTwice", "ゲート g が閉(停止理由 h1、ルール PaidTwice)"},
		{record.New(record.GateClosed, "g", "h1", "person", "aiko", "odd.\nvery"), "Gate g closed, hold h1 by aiko: odd. very", "ゲート g が閉(停止理由 h1、aiko): odd. very"},
		{record.New(record.ResultConfirmed, "1"), "gate closed; 1 agent confirmed, no other can let a payment pass", "ゲートを閉じた。エージェント1台が確認、ほかに支払いを通せるものはない"},
		{record.New(record.ResultConfirmed, "3"), "gate closed; 3 agents confirmed, no other can let a payment pass", "ゲートを閉じた。エージェント3台が確認、ほかに支払いを通せるものはない"},
		{record.New(record.AboutClockOff, "db", "-3040000000"), "The clock of agent db is 3.0 s behind: what it measures stands at wrong times.", "エージェント db の時計が3.0秒遅れています。計測値の時刻は正しくありません。"},
		{record.New(record.AboutLate, "r", "32400000000000"), "Events of rule r came so late, all of them by about 9 h (a wrong clock or time zone?) that part of what they count with has to be read from the tape. Until that is done, the rule may miss something.", "ルール r のイベントが遅れて届いたため(すべて約 9時間 の遅れ。時計かタイムゾーンの誤り?)、一緒に数えるイベントを記録から読み直しています。終わるまで見逃しの可能性があります。"},
		{record.New(record.OpenedAlone, "g", "false", "ok."), "Gate g opened alone (false): ok", "ゲート g を1人で開いた(誤検知): ok"},
		{record.New(record.Legacy, "as it was [a] {b}"), "as it was [a] {b}", "as it was [a] {b}"},
		{record.Note{Kind: "of_tomorrow", Args: []record.Arg{{Name: "gate", Value: "g"}}}, `of_tomorrow gate="g"`, `of_tomorrow gate="g"`},
	} {
		if got := w.Words(English).Record(c.note); got != c.en {
			t.Errorf("%s: %q, want %q", c.note, got, c.en)
		}
		if got := w.Words(Japanese).Record(c.note); got != c.ja {
			t.Errorf("%s: %q, want %q", c.note, got, c.ja)
		}
	}
}

// TestDetail says what the collector remembers of its own conditions, as text on
// one line, and of nothing else.
func TestDetail(t *testing.T) {
	m := machine.New()
	w := New(Options{Machine: m.Shown(true), Zone: time.UTC, Detail: func(machine.Alert) string { return "slack said\n404 no_such_channel" }})
	details := func(a machine.Alert) string {
		for _, l := range w.Page(a).Lines {
			if l.Name == "Details" {
				return l.Text
			}
		}
		return ""
	}
	own := machine.Alert{ID: "a1", Rule: "NotifyFailing", About: record.New(record.AboutNotifyFailing, "team", "slack")}
	if got := details(own); got != "slack said 404 no_such_channel" {
		t.Errorf("of a condition: %q", got)
	}
	own.RuleID = machine.RuleID{1}
	if got := details(own); got != "" {
		t.Errorf("of a user's alert of that name: %q", got)
	}
}
