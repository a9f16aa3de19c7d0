package api

import (
	"errors"
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// Automatic says whether effects happen by themselves.
type Automatic struct {
	On     bool   `json:"on"`
	Since  string `json:"since,omitempty"` // of the last change; none if there was none
	Until  string `json:"until,omitempty"` // when it goes on again by itself
	By     string `json:"by,omitempty"`    // none if it went on by itself
	Reason string `json:"reason,omitempty"`
}

func (a *API) automatic() Automatic {
	s := a.Machine.AutomaticView()
	return Automatic{On: !s.Off, Since: rfc3339(s.Since), Until: rfc3339(s.Until), By: s.Actor, Reason: s.Reason}
}

// line is the switch in a few words.
func (s Automatic) line() string {
	if s.On {
		return "on"
	}
	return "off until " + s.Until
}

func (a *API) getAutomatic(w http.ResponseWriter, _ *http.Request) {
	report.WriteJSON(w, http.StatusOK, a.automatic())
}

// automaticOrder is the body of a turn of the switch.
type automaticOrder struct {
	On     *bool  `json:"on"`
	For    string `json:"for"`
	Reason string `json:"reason"`
}

func (o automaticOrder) decision() (entry.Decision, error) {
	d := entry.Decision{Do: entry.DoSwitch, Reason: o.Reason}
	if o.On == nil {
		return d, &report.FieldError{Field: "on", Err: errors.New("say true or false: whether effects happen by themselves")}
	}
	d.On = *o.On
	var err error
	d.For, err = duration("for", o.For)
	return d, err
}

func (a *API) postAutomatic(w http.ResponseWriter, r *http.Request) {
	var o automaticOrder
	err := readJSON(w, r, &o)
	var d entry.Decision
	if err == nil {
		d, err = o.decision()
	}
	if err == nil {
		err = a.decide(r, d)
	}
	if err != nil {
		fail(w, err)
		return
	}
	a.getAutomatic(w, r)
}
