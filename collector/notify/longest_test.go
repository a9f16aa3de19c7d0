package notify

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// TestLongSilence: what says that a payment may pass is silent for a day at most,
// whichever way the silence is made.
func TestLongSilence(t *testing.T) {
	w := newWorld(t, "")
	w.o.Actor = func(*http.Request, string) (string, error) { return "hanako", nil }
	w.start()
	s := w.serve()
	now := time.Now()
	for _, c := range []struct {
		alert string
		span  time.Duration
		ok    bool
	}{
		{"RuleBlind", 25 * time.Hour, false},
		{"RuleBlind", 24 * time.Hour, true},
		{"HostDown", 1000 * time.Hour, true},
	} {
		_, err := w.n.Silence(t.Context(), "hanako", silence.Silence{
			Starts: now, Ends: now.Add(c.span), Comment: "c", Matchers: []silence.Matcher{{Name: "alertname", Op: "=", Value: c.alert}},
		})
		var refused *machine.Refusal
		if (err == nil) != c.ok || !c.ok && (!errors.As(err, &refused) || refused.Field != "ends" || refused.Why.Kind != record.SilenceTooLong) {
			t.Errorf("%s for %s: %v", c.alert, c.span, err)
		}
		for _, matcher := range []string{`"isRegex": false`, `"isRegex": true, "isEqual": true`} {
			body := fmt.Sprintf(`{"matchers": [{"name": "alertname", "value": %q, %s}], "startsAt": %q, "endsAt": %q, "comment": "c"}`,
				c.alert, matcher, now.Format(time.RFC3339Nano), now.Add(c.span).Format(time.RFC3339Nano))
			code, text := w.ask(s, http.MethodPost, silencesAPI, body)
			if want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[c.ok]; code != want || !c.ok && !strings.Contains(text, "within 24 h") {
				t.Errorf("%s for %s by the API: %d %s", c.alert, c.span, code, text)
			}
		}
	}
	// The engine also reads times without a zone, and this must read what it reads.
	far := `{"matchers": [{"name": "alertname", "value": "RuleBlind", "isRegex": false}], "startsAt": %q, "endsAt": %q, "comment": "c"}`
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04:05.000Z", "2006-01-02"} {
		body := fmt.Sprintf(far, now.UTC().Format(layout), now.AddDate(5, 0, 0).UTC().Format(layout))
		if code, text := w.ask(s, http.MethodPost, silencesAPI, body); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
}
