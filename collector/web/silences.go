package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// silencesPage is the list of silences and the form for a new one.
type silencesPage struct {
	Groups   []silenceGroup
	Unknown  string // why the silences are not known
	Matchers string // as they were written
	Read     []silence.Matcher
	Wrong    string // what is wrong with them; empty if nothing is
	Names    []alertRow
	Found    int // standing alerts that the matchers name
	More     int // of those, not among Names
	Choices  []durationChoice
	Problem  *refused
}

// A silenceGroup is the silences in one state.
type silenceGroup struct {
	State string
	Rows  []silenceRow
	More  int
}

// A silenceRow is one silence.
type silenceRow struct {
	silence.Silence
	Texts []string // its matchers
	Found int      // standing alerts that it names
}

// A durationChoice is one that the form offers.
type durationChoice struct {
	ID  string
	For time.Duration
}

var durations = []durationChoice{{"30m", 30 * time.Minute}, {"2h", 2 * time.Hour}, {"8h", 8 * time.Hour}, {"1d", 24 * time.Hour}}

// Bad tells whether an input of the form is wrong.
func (p silencesPage) Bad(field string) bool { return p.Problem != nil && p.Problem.Field == field }

// AgainURL leads to a silence with the same matchers, to be looked at and made.
func (s silenceRow) AgainURL() string {
	return "/silences?" + url.Values{"matchers": {strings.Join(s.Texts, " ")}}.Encode() + "#new"
}

// longest bounds a silence that is made here: what is to be silent for longer
// should not be an alert.
const longest = 90 * 24 * time.Hour

func (w *Web) silences(rw http.ResponseWriter, r *http.Request) { w.silencesAs(rw, r, nil) }

// silencesAs answers with the list, and with what was wrong with a form.
func (w *Web) silencesAs(rw http.ResponseWriter, r *http.Request, problem *refused) {
	if w.o.Silences == nil {
		w.notFound(rw, r)
		return
	}
	p := silencesPage{Choices: durations, Problem: problem}
	p.Matchers = problem.Was("matchers", r.URL.Query().Get("matchers"))
	alerts := w.o.Machine.AsTold().AlertsView()
	p.list(w, r, alerts)
	if p.Matchers != "" {
		read, naming, err := readMatchers(p.Matchers)
		if err != nil {
			p.Wrong = err.Error()
		} else {
			found := naming.Among(alerts)
			p.Read = read
			p.Found = len(found)
			p.Names, p.More = w.alertRows(r, w.asShown(found), 20)
		}
	}
	w.pageAs(rw, r, statusOf(problem), "silences", p)
}

// asShown are alerts as they were told, as they are shown here.
func (w *Web) asShown(told []machine.Alert) (out []machine.Alert) {
	for _, a := range told {
		if shown, ok := w.o.Machine.AlertView(a.ID); ok {
			out = append(out, shown)
		}
	}
	return out
}

// maxSilences bounds the silences of one state that are shown.
const maxSilences = 100

// list fills in the silences: active ones first, those that end next first.
func (p *silencesPage) list(w *Web, r *http.Request, alerts []machine.Alert) {
	all, err := w.o.Silences.Silences(r.Context())
	if err != nil {
		p.Unknown = err.Error()
		return
	}
	for _, state := range []string{"active", "pending", "expired"} {
		g := silenceGroup{State: state}
		for _, s := range all {
			if s.State != state {
				continue
			}
			row := silenceRow{Silence: s}
			for _, m := range s.Matchers {
				row.Texts = append(row.Texts, m.String())
			}
			g.Rows = append(g.Rows, row)
		}
		slices.SortStableFunc(g.Rows, func(a, b silenceRow) int {
			if state == "expired" {
				a, b = b, a
			}
			return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.ID, b.ID))
		})
		g.More = max(0, len(g.Rows)-maxSilences)
		g.Rows = g.Rows[:len(g.Rows)-g.More]
		for i := range g.Rows {
			// One that is not understood here names none.
			if naming, err := silence.NewMatchers(g.Rows[i].Matchers); err == nil && state != "expired" {
				g.Rows[i].Found = naming.Count(alerts)
			}
		}
		p.Groups = append(p.Groups, g)
	}
}

func (w *Web) postSilence(rw http.ResponseWriter, r *http.Request) {
	p := w.form(rw, r)
	if p == nil {
		p = w.makeSilence(r)
	}
	if p != nil {
		w.silencesAs(rw, r, p)
		return
	}
	http.Redirect(rw, r, "/silences", http.StatusSeeOther)
}

// makeSilence makes the silence that the form describes, nil if it was made.
func (w *Web) makeSilence(r *http.Request) *refused {
	t, form := w.words(r), r.PostFormValue
	wrong := func(field, text string) *refused {
		return w.refuse(r, &refused{
			Status: http.StatusBadRequest, Field: field, Text: text,
			Remedy: t.T("Nothing was changed. Complete the form and send it again."),
		})
	}
	if w.o.Silences == nil {
		return wrong("", t.T("This collector tells nobody, so there is nothing to silence."))
	}
	actor, err := w.o.Access.Actor(r, access.MayOperate)
	if err != nil {
		return w.mayNot(r, err)
	}
	matchers, _, err := readMatchers(form("matchers"))
	if err != nil {
		return wrong("matchers", t.T("The matchers cannot be read: %s.", err.Error()))
	}
	now := time.Now()
	ends, ok := readEnd(cmp.Or(clipText(form("for")), form("duration")), now.In(t.Zone()))
	if long := ends.Sub(now); !ok || long < time.Minute || long > longest {
		return wrong("duration", t.T("Say for how long: from 1m to 90d, as 45m, 3h or 2d, or until when, as 18:30 or 2026-12-31 09:00."))
	}
	comment := form("comment")
	if clipText(comment) == "" {
		return wrong("comment", t.T("Say why, for those who come after you."))
	}
	_, err = w.o.Silences.Silence(r.Context(), actor, silence.Silence{
		Matchers: matchers, Starts: now, Ends: ends, By: actor, Comment: comment,
	})
	if err != nil {
		return w.refuse(r, why(t, err))
	}
	return nil
}

// mayNot says that the asker may not do something.
func (w *Web) mayNot(r *http.Request, err error) *refused {
	t := w.words(r)
	return w.refuse(r, &refused{
		Status: http.StatusForbidden, Text: t.T("You may not do this: %s", err.Error()),
		Remedy: t.T("Nothing was changed. Ask somebody who may."),
	})
}

func (w *Web) expireSilence(rw http.ResponseWriter, r *http.Request) {
	p := w.form(rw, r)
	if p == nil && w.o.Silences != nil {
		actor, err := w.o.Access.Actor(r, access.MayOperate)
		if err != nil {
			p = w.mayNot(r, err)
		} else if err := w.o.Silences.Expire(r.Context(), actor, r.PathValue("id")); err != nil {
			p = w.refuse(r, why(w.words(r), err))
		}
	}
	if p != nil {
		w.silencesAs(rw, r, p)
		return
	}
	http.Redirect(rw, r, "/silences", http.StatusSeeOther)
}

// readEnd reads for how long or until when something is to last that begins
// now: a duration as time.ParseDuration reads it, days, a time of day, which is
// the next one, or a date and a time of day, both in now's zone.
func readEnd(text string, now time.Time) (time.Time, bool) {
	if long, err := time.ParseDuration(text); err == nil {
		return now.Add(long), true
	}
	if n, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseFloat(n, 64); err == nil && days >= 0 && days < 1000 {
			return now.Add(time.Duration(days * float64(24*time.Hour))), true
		}
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, true
		}
	}
	of, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, false
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), of.Hour(), of.Minute(), 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(now.Year(), now.Month(), now.Day()+1, of.Hour(), of.Minute(), 0, 0, now.Location())
	}
	return at, true
}
