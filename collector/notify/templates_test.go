package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

func render(t *testing.T, text string, alerts ...*alert.Alert) string {
	t.Helper()
	tmpl, err := templates(nil, "https://screen")
	if err != nil {
		t.Fatal(err)
	}
	out, err := tmpl.ExecuteTextString(text, tmpl.Data("r", nil, nil, "", alerts...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func an2(severity string, annotations model.LabelSet) *alert.Alert {
	return alert.New(model.Alert{
		Labels: model.LabelSet{"alertname": "A", "severity": model.LabelValue(severity)}, Annotations: annotations, StartsAt: time.Now(),
	}, time.Now(), false)
}

func TestSeverity(t *testing.T) {
	for in, want := range map[string]string{
		"": "error", "critical": "critical", "warning": "warning", "info": "info", "page": "error",
		"info warning": "warning", "warning critical info": "critical", "warning odd": "error",
	} {
		var alerts []*alert.Alert
		for s := range strings.FieldsSeq(in) {
			alerts = append(alerts, an2(s, nil))
		}
		if got := render(t, `{{ template "tomeishi.severity" . }}`, alerts...); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestTexts: a page says headline, text and link; without them the summary; and
// of many the first ten.
func TestTexts(t *testing.T) {
	page := model.LabelSet{"headline": "H", "page": "P1\nP2", "link": "https://screen/a", "summary": "S"}
	got := render(t, `{{ template "__subject" . }}|{{ template "tomeishi.text" . }}|{{ template "tomeishi.link" . }}`, an2("critical", page))
	if want := "[FIRING:1] H|H\nP1\nP2\nhttps://screen/a\n\n|https://screen/a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = render(t, `{{ template "tomeishi.about" . }}|{{ template "tomeishi.text" . }}|{{ template "tomeishi.link" . }}`, an2("info", model.LabelSet{"summary": "S", "description": "D"}))
	if want := "S|S\nD\nalertname: A\nseverity: info\n\n\n|https://screen"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var many []*alert.Alert
	for i := range 25 {
		a := an2("info", model.LabelSet{"headline": model.LabelValue(fmt.Sprintf("H%02d", i))})
		if i >= 12 {
			a.EndsAt = time.Now().Add(-time.Second)
		}
		many = append(many, a)
	}
	got = render(t, `{{ template "__subject" . }}|{{ template "tomeishi.text" . }}`, many...)
	for _, want := range []string{"[FIRING:12] H00 (and 11 more)|", "H09", "and 2 more", "Over:\nH12", "H21", "and 3 more"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Contains(got, "H10") || strings.Contains(got, "H22") {
		t.Errorf("more than ten: %q", got)
	}
	if got := render(t, `{{ template "__subject" . }}`); !strings.HasPrefix(got, "[") {
		t.Errorf("of nothing: %q", got)
	}
}

// TestDetails: PagerDuty's details are JSON of bounded length.
func TestDetails(t *testing.T) {
	var many []*alert.Alert
	for range 2000 {
		many = append(many, an2("info", model.LabelSet{"headline": `"quoted": <b>`, "page": model.LabelValue(strings.Repeat("x", 10_000)), "incident": "i7"}))
	}
	got := render(t, `{{ template "tomeishi.details" .Alerts.Firing }}`, many...)
	var list []any
	if err := json.Unmarshal([]byte(got), &list); err != nil || len(list) != 11 || len(got) > 100_000 {
		t.Fatalf("%v: %d entries, %d bytes", err, len(list), len(got))
	}
	if first := list[0].(map[string]any); first["headline"] != `"quoted": <b>` || first["incident"] != "i7" || list[10] != "and 1990 more" {
		t.Errorf("first %v, last %v", first, list[10])
	}
}

// TestUserTemplates: a user's template says again what ours say.
func TestUserTemplates(t *testing.T) {
	path := write(t, `{{ define "slack.default.text" }}mine{{ end }}`)
	tmpl, err := templates([]string{path}, "https://screen")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.ExecuteTextString(`{{ template "slack.default.text" . }} {{ template "slack.default.username" . }}`, tmpl.Data("r", nil, nil, ""))
	if err != nil || got != "mine Tomeishi" {
		t.Errorf("%q %v", got, err)
	}
}
