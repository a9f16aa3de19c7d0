package collector

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestStory reads a whole incident in the log, and nothing of a calm collector.
func TestStory(t *testing.T) {
	t.Parallel()
	log := &logged{}
	r := startOptions(t, Options{Config: testConfig(t), Log: slog.New(slog.NewTextHandler(log, nil)), Up: true})
	r.await("it is told", func() bool { return r.Ready() == nil })
	calm := log.String()
	for _, word := range []string{"msg=incident", "msg=decision", "level=ERROR"} {
		if strings.Contains(calm, word) {
			t.Errorf("a calm collector logs %s:\n%s", word, calm)
		}
	}
	r.paidTwice()
	r.await("somebody was told", func() bool { return strings.Contains(log.String(), "msg=told") })
	code, body := r.decide(demoGate+"/open", `{"reason":"looked at both","verdict":"test"}`)
	r.want(http.StatusOK, code, body)
	code, body = r.decide("/v1/automatic", `{"on":false,"for":"1h","reason":"migration"}`)
	r.want(http.StatusOK, code, body)
	for _, line := range [][]string{
		{"msg=incident", "incident=i1", "step=alert_began", "rule=DemoPaidTwice"},
		{"msg=incident", "incident=i1", "step=gate_closed", "gate=demo/withdrawals", "by=DemoPaidTwice"},
		{"msg=told", "component=notify", "receiver=", "incidents=[i1"},
		{"msg=incident", "incident=i1", "step=gate_opened", "actor=local", "verdict=test", `reason="looked at both"`},
		{`msg="automatic effects switched"`, "on=false", "actor=local", "reason=migration"},
	} {
		r.await(strings.Join(line, " "), func() bool { return hasLine(log.String(), line) })
	}
	if n := strings.Count(log.String(), "step=gate_opened"); n != 1 {
		t.Errorf("the opening is logged %d times", n)
	}
}

// hasLine tells whether one line has all the parts.
func hasLine(text string, parts []string) bool {
next:
	for line := range strings.Lines(text) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue next
			}
		}
		return true
	}
	return false
}
