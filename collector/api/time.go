package api

import (
	"net/http"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// Time is how ledger time and the clock of the collector's host stand to each
// other.
type Time struct {
	Ledger  string  `json:"ledger"`
	Clock   string  `json:"clock"`
	Behind  float64 `json:"behind_seconds"` // ledger time, behind the clock
	Doubted bool    `json:"doubted"`        // the clock is too far ahead to be believed yet
}

// TimeOf makes a Time of a reading of the clock and of how far ledger time is
// behind it.
func TimeOf(clock time.Time, behind time.Duration, doubted bool) Time {
	return Time{rfc3339(clock.Add(-behind).UnixNano()), rfc3339(clock.UnixNano()), behind.Seconds(), doubted}
}

func (a *API) getTime(w http.ResponseWriter, _ *http.Request) {
	report.WriteJSON(w, http.StatusOK, a.Operations.Time())
}

// postTimeAccept steps ledger time to the host's clock, because a person says
// that it is right. It is on record before it happens.
func (a *API) postTimeAccept(w http.ResponseWriter, r *http.Request) {
	var o struct {
		Reason string `json:"reason"`
	}
	err := readJSON(w, r, &o)
	if err == nil {
		err = a.decide(r, entry.Decision{Do: entry.DoTime, Reason: o.Reason})
	}
	if err != nil {
		fail(w, err)
		return
	}
	if err := a.Operations.AcceptTime(); err != nil {
		problem(w, http.StatusConflict, "", err.Error())
		return
	}
	a.getTime(w, r)
}
