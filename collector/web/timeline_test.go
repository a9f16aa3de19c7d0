package web

import (
	"fmt"
	"html/template"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
)

// TestPhrases says steps in words of people, with what strangers wrote as text.
func TestPhrases(t *testing.T) {
	s := newScreen(t, message.English)
	forgotten := record.New(record.AgentForgotten, "x", "<b>&")
	for _, c := range []struct {
		note         record.Note
		actor        string
		icon, en, ja string
	}{
		{record.New(record.AlertBegan, "a12", "Disk"), "", "critical", `Alert <a href="/alerts/a12">a12</a> began: Disk`, `アラート <a href="/alerts/a12">a12</a> が発生: Disk`},
		{record.New(record.AlertEnded, "a12").After(record.New(record.NoLongerTrue)), "", "ok", `Alert <a href="/alerts/a12">a12</a> ended: no longer true`, `アラート <a href="/alerts/a12">a12</a> が終了: 条件を満たさなくなりました`},
		{record.New(record.AlertEnded, "a12").After(forgotten), "", "ok", `Alert <a href="/alerts/a12">a12</a> ended: forgotten by x: &lt;b&gt;&amp;`, `アラート <a href="/alerts/a12">a12</a> が終了: x が登録を外しました: &lt;b&gt;&amp;`},
		{record.New(record.AlertBegan, `"><b>`, "x"), "", "critical", `Alert <a href="/alerts/&#34;&gt;&lt;b&gt;">&#34;&gt;&lt;b&gt;</a> began: x`, `アラート <a href="/alerts/&#34;&gt;&lt;b&gt;">&#34;&gt;&lt;b&gt;</a> が発生: x`},
		{record.New(record.EffectVerified, "e1").After(record.New(record.ResultConfirmed, "1")), "", "auto", "Effect e1 verified: gate closed; 1 agent confirmed, no other can let a payment pass", "措置 e1 を確認: ゲートを閉じた。エージェント1台が確認、ほかに支払いを通せるものはない"},
		{record.New(record.GateClosed, "a/b", "h1", machine.ByPerson, "yuki", "100%d <b>: so"), "yuki", "closed", "Gate a/b closed, hold h1 by yuki: 100%d <b>: so", "ゲート a/b が閉(停止理由 h1、yuki): 100%d <b>: so"},
		{record.New(record.OpenedByTwo, "a/b", "yuki", machine.VerdictFalse, "why"), "ken", "open", "Gate a/b opened, as yuki agreed (false): why", "ゲート a/b を開いた(yuki も同意)(誤検知): why"},
		{record.New(record.OpeningApproved, "a/b", "", "", "why"), "ken", "person", "Agrees to open gate a/b: why", "ゲート a/b を開くことに同意: why"},
		{record.New(record.EffectDeclined, "e1", "no"), "ken", "person", "Effect e1 declined: no", "措置 e1 を却下: no"},
		{record.New(record.IncidentEnded, machine.VerdictTest), "", "ok", "Incident ended: test", "インシデント終了: テスト"},
		{record.New(record.Legacy, "alert a12 <b>"), "", "info", "alert a12 <b>", "alert a12 <b>"},
	} {
		for l, want := range map[message.Language]string{message.English: c.en, message.Japanese: c.ja} {
			got := phrase(s.web.speech[l].words, machine.Step{Actor: c.actor, Said: c.note})
			if _, markup := got.Text.(template.HTML); markup != (c.note.Arg("alert") != "") {
				t.Errorf("%s: markup %t", c.note, markup)
			}
			if text := fmt.Sprint(got.Text); text != want || got.Kind != c.icon {
				t.Errorf("%s: %s %q, want %s %q", c.note, got.Kind, text, c.icon, want)
			}
		}
	}
}
