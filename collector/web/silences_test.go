package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/collector/silence"
)

func TestSilencesPage(t *testing.T) {
	s := newScene(t).busy()
	page := s.get("/silences", http.StatusOK)
	s.wants(page, "A silence keeps messages back; it disarms nothing.", "instance=~&#34;payer.*&#34;", "bob", "ends in", "1 h 29 min", "begins in", "expired", "note=&#34;two words&#34;",
		`action="/silences/s1"`, `action="/silences/s2"`)
	s.lacks(page, `action="/silences/s3"`, "Make this silence") // not before it was seen what it matches
	if a, p := strings.Index(page, "Active now"), strings.Index(page, "Not begun"); a < 0 || p < a {
		t.Errorf("active ones are at %d, pending ones at %d", a, p)
	}
}

func TestPreview(t *testing.T) {
	s := newScene(t).busy()
	for _, c := range []struct {
		matchers string
		wants    []string
	}{
		{`alertname=HostMemoryLow`, []string{"2 standing alerts will be silent:", "instance=payer2", "Make this silence"}},
		{`severity=critical instance=db1`, []string{"1 standing alert will be silent:", "HostDiskFull"}},
		{`alertname=Never`, []string{"No standing alert is like this", "Make this silence"}},
		{`alertname=~"("`, []string{"the pattern of", `aria-invalid="true"`}},
		{markup, []string{"&lt;script&gt;", "has a quote in it"}},
	} {
		page := s.get("/silences?matchers="+url.QueryEscape(c.matchers), http.StatusOK)
		s.wants(page, c.wants...)
		s.lacks(page, "<script>alert", "<img src")
	}
	if len(s.silences) != 3 {
		t.Errorf("a look made a silence: %+v", s.silences)
	}
}

func TestMakeSilence(t *testing.T) {
	good := url.Values{"matchers": {`alertname=HostDiskFull instance=~"db.*"`}, "duration": {"2h"}, "comment": {"a new disk comes <b>"}}
	with := func(name, value string) url.Values {
		out := url.Values{}
		maps.Copy(out, good)
		out.Set(name, value)
		return out
	}
	for _, c := range []struct {
		name   string
		form   url.Values
		err    error
		actor  error
		status int
		wants  []string
	}{
		{name: "good", form: good, status: http.StatusSeeOther},
		{name: "a length of one's own", form: with("for", "1.5d"), status: http.StatusSeeOther},
		{name: "no comment", form: with("comment", " "), status: http.StatusBadRequest, wants: []string{"Say why", "HostDiskFull instance", "1 standing alert"}},
		{name: "no length", form: with("for", "soon"), status: http.StatusBadRequest, wants: []string{"from 1m to 90d", "a new disk comes &lt;b&gt;", `value="soon"`}},
		{name: "too long", form: with("for", "91d"), status: http.StatusBadRequest, wants: []string{"from 1m to 90d"}},
		{name: "negative", form: with("for", "-2h"), status: http.StatusBadRequest, wants: []string{"from 1m to 90d"}},
		{name: "nonsense", form: with("matchers", "x"), status: http.StatusBadRequest, wants: []string{"cannot be read"}},
		{name: "not allowed", form: good, actor: errors.New("you may only look"), status: http.StatusForbidden, wants: []string{"you may only look"}},
		{name: "refused", form: good, err: &machine.Refusal{Why: record.New(record.SilenceRefused, "the matchers are odd")}, status: http.StatusBadRequest, wants: []string{"the matchers are odd", "a new disk comes"}},
		{name: "unknown", form: good, err: fmt.Errorf("propose: %w", entry.ErrUnknown), status: http.StatusServiceUnavailable, wants: []string{"It is not known whether this was stored", "Check on this page"}},
		{name: "not stored", form: good, err: entry.ErrNotStored, status: http.StatusServiceUnavailable, wants: []string{"could not store this now"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t).busy()
			s.t, s.silence, s.actor = t, c.err, c.actor
			page := s.request(http.MethodPost, "/silences", c.form, c.status)
			s.wants(page, c.wants...)
			if c.status != http.StatusSeeOther {
				if len(s.silences) != 3 {
					t.Errorf("a silence was made: %+v", s.silences)
				}
				return
			}
			got := s.silences[len(s.silences)-1]
			want := []silence.Matcher{{Name: "alertname", Op: "=", Value: "HostDiskFull"}, {Name: "instance", Op: "=~", Value: "db.*"}}
			if !slices.Equal(got.Matchers, want) || got.By != "alice" || got.Comment != "a new disk comes <b>" {
				t.Errorf("made %+v", got)
			}
			long := 2 * time.Hour
			if c.form.Get("for") != "" {
				long = 36 * time.Hour
			}
			if got.Ends.Sub(got.Starts) != long || time.Since(got.Starts) > time.Minute {
				t.Errorf("it is from %s to %s", got.Starts, got.Ends)
			}
		})
	}
}

func TestExpireSilence(t *testing.T) {
	s := newScene(t).busy()
	s.request(http.MethodPost, "/silences/s1", url.Values{}, http.StatusSeeOther)
	if s.silences[0].State != "expired" {
		t.Errorf("it is %s", s.silences[0].State)
	}
	s.wants(s.request(http.MethodPost, "/silences/none", url.Values{}, http.StatusNotFound), "no silence none")
	s.silence = entry.ErrUnknown
	s.wants(s.request(http.MethodPost, "/silences/s2", url.Values{}, http.StatusServiceUnavailable), "It is not known whether this was stored")
	s.actor = errors.New("you may only look")
	s.wants(s.request(http.MethodPost, "/silences/s2", url.Values{}, http.StatusForbidden), "you may only look")
	s.get("/silences/s2", http.StatusMethodNotAllowed) // a link changes nothing
	if s.silences[1].State != "pending" {
		t.Errorf("it is %s", s.silences[1].State)
	}
}

// TestLooker has somebody who may not decide: there is nothing to press.
func TestLooker(t *testing.T) {
	s := newScene(t).busy()
	s.may = []string{access.MayView}
	page := s.get("/silences?matchers=a%3Db", http.StatusOK)
	s.lacks(page, `action="/silences`, "Make this silence")
	s.lacks(s.get("/alerts/"+s.id("HostDiskFull"), http.StatusOK), "Silence this")
}

func TestReadEnd(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 31, 18, 30, 0, 0, tokyo)
	for text, want := range map[string]string{
		"90m": "2026-12-31 20:00", "1.5d": "2027-01-02 06:30", "1d": "2027-01-01 18:30",
		"18:31": "2026-12-31 18:31", "18:30": "2027-01-01 18:30", "9:05": "2027-01-01 09:05",
		"2027-01-05 12:00": "2027-01-05 12:00", "2027-01-05T12:00": "2027-01-05 12:00",
		"": "", "d": "", "-1d": "", "1e9d": "", "25:00": "", "soon": "", "NaNd": "",
	} {
		got, ok := readEnd(text, now)
		if ok != (want != "") || ok && got.Format("2006-01-02 15:04") != want {
			t.Errorf("%q is %s, %v, want %q", text, got, ok, want)
		}
	}
}
