package web

import (
	"fmt"
	"html/template"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// TestPhrases says every line that the machine writes in words of people, with
// what strangers wrote as text.
func TestPhrases(t *testing.T) {
	s := newScreen(t, message.English)
	for _, c := range []struct{ text, kind, en, ja string }{
		{"alert a12 Disk", "critical", `Alert <a href="/alerts/a12">a12</a> began: Disk`, `アラート <a href="/alerts/a12">a12</a> が発生: Disk`},
		{"alert a12 ended: no longer true", "ok", `Alert <a href="/alerts/a12">a12</a> ended: no longer true`, `アラート <a href="/alerts/a12">a12</a> が終了: 条件を満たさなくなりました`},
		{"alert a12 ended: forgotten by x: <b>&", "ok", `Alert <a href="/alerts/a12">a12</a> ended: forgotten by x: &lt;b&gt;&amp;`, `アラート <a href="/alerts/a12">a12</a> が終了: forgotten by x: &lt;b&gt;&amp;`},
		{"alert a12 ended: opened by <yuki>", "ok", `Alert <a href="/alerts/a12">a12</a> ended: opened by &lt;yuki&gt;`, `アラート <a href="/alerts/a12">a12</a> が終了: &lt;yuki&gt; が開きました`},
		{"effect e1 verified: gate closed; 1 agent confirmed, no other can let a payment pass", "auto", "Effect e1 verified: gate closed; 1 agent confirmed, no other can let a payment pass", "措置 e1 を確認: ゲートを閉じた。エージェント1件が確認済み、ほかに支払いを通せるものはない"},
		{"effect e1 verified: gate closed; 0 agents confirmed, no other can let a payment pass", "auto", "Effect e1 verified: gate closed; 0 agents confirmed, no other can let a payment pass", "措置 e1 を確認: ゲートを閉じた。エージェント0件が確認済み、ほかに支払いを通せるものはない"},
		{"gate a/b closed, hold h1 by Rule", "closed", "Gate a/b closed, hold h1 by Rule", "ゲート a/b が閉(停止理由 h1、Rule)"},
		{"gate a/b closed, hold h1 by yuki: 100%d <b>: so", "closed", "Gate a/b closed, hold h1 by yuki: 100%d <b>: so", "ゲート a/b が閉(停止理由 h1、yuki): 100%d <b>: so"},
		{"gate a/b opened: two\nlines", "open", "Gate a/b opened: two\nlines", "ゲート a/b を開いた: two\nlines"},
		{"gate a/b opened, as yuki agreed, verdict false: why", "open", "Gate a/b opened, as yuki agreed (false): why", "ゲート a/b を開いた(yuki も同意、誤検知): why"},
		{"gate a/b opened alone, verdict false: why", "open", "Gate a/b opened alone (false): why", "ゲート a/b を1人で開いた(誤検知): why"},
		{"agrees to open gate a/b: why", "person", "Agrees to open gate a/b: why", "ゲート a/b を開くことに同意: why"},
		{"effect e1 stop (enforce): gate closed", "auto", "Effect e1, stop (enforce): gate closed", "措置 e1、stop(自動停止): ゲートを閉じた"},
		{"effect e1 approved", "person", "Effect e1 approved", "措置 e1 を承認"},
		{"verdict real: a thief", "person", "Verdict: real, a thief", "判定: 実際の異常、a thief"},
		{"incident ended: test", "ok", "Incident ended: test", "インシデント終了: テスト"},
		{"something of a later version", "info", "something of a later version", "something of a later version"},
	} {
		for l, want := range map[message.Language]string{message.English: c.en, message.Japanese: c.ja} {
			got := phrase(s.web.speech[l].words, machine.Step{Text: c.text})
			if _, markup := got.Text.(template.HTML); markup != (c.en[:5] == "Alert") {
				t.Errorf("%q: markup %t", c.text, markup)
			}
			if text := fmt.Sprint(got.Text); text != want || got.Kind != c.kind {
				t.Errorf("%q: %s %q, want %s %q", c.text, got.Kind, text, c.kind, want)
			}
		}
	}
}
