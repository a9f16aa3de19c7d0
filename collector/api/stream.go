package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	maxStreams = 200
	// streamGap is the least time between two events, unless a gate has changed,
	// beyond the count of what it holds back.
	streamGap = 500 * time.Millisecond
	// streamBeat is how often a comment says that nothing has happened.
	streamBeat = 15 * time.Second
	// streamCheck is how often it is asked whether the client may still look.
	streamCheck = time.Minute
	// streamWrite is how long a client may take to read what it is sent.
	streamWrite = 10 * time.Second
)

// change is the data of an event: how often each has changed since the
// collector's start.
type change struct {
	Gates     uint64 `json:"gates"`
	Alerts    uint64 `json:"alerts"`
	Incidents uint64 `json:"incidents"`
	Told      uint64 `json:"told"`
	Silences  uint64 `json:"silences"`
	Agents    uint64 `json:"agents"`
	Rules     uint64 `json:"rules"`
	Index     uint64 `json:"index"` // of the ledger
	Time      string `json:"time"`  // of the ledger
}

// stream is one client of GET /v1/stream.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	machine *machine.Machine
	told    machine.Versions // last
	at      time.Time        // when; zero: nothing yet
}

// getStream says what has changed when it changes, until the client goes: first
// how it is, a change of a gate at once, the rest within streamGap.
func (a *API) getStream(w http.ResponseWriter, r *http.Request) {
	defer a.streams.Add(-1)
	if a.streams.Add(1) > maxStreams {
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "", fmt.Sprintf("%d streams are open already", maxStreams))
		return
	}
	s := &stream{w: w, control: http.NewResponseController(w), machine: a.Machine.Machine}
	s.begin()
	if r.Method != http.MethodHead {
		a.follow(r, s)
	}
}

// begin sends the header.
func (s *stream) begin() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	s.w.WriteHeader(http.StatusOK)
}

func (a *API) follow(r *http.Request, s *stream) {
	beat, check := time.NewTicker(streamBeat), time.NewTicker(streamCheck)
	defer beat.Stop()
	defer check.Stop()
	for {
		wake, soon, err := s.tell()
		if err != nil {
			return
		}
		select {
		case <-wake:
		case <-soon:
		case <-beat.C:
			err = s.write(": nothing new\n\n")
		case <-check.C:
			err = a.Access.Still(r)
		case <-a.Lifecycle.Stopping():
			return
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// tell sends an event if there is news that need not wait. It returns what to
// wait for; soon is nil where no news are kept back.
func (s *stream) tell() (wake <-chan struct{}, soon <-chan time.Time, err error) {
	gates := s.machine.Changed() // before the counts, so that none is missed
	now, wake := s.machine.Versions()
	pause := streamGap - time.Since(s.at)
	switch {
	case now == s.told && !s.at.IsZero():
		return wake, nil, nil
	case now.Gates-now.Held == s.told.Gates-s.told.Held && pause > 0:
		// Other news is told with it: only a gate wakes this stream.
		return gates, time.After(pause), nil
	}
	s.told, s.at = now, time.Now()
	return wake, nil, s.event(now)
}

func (s *stream) event(v machine.Versions) error {
	index, _, at := s.machine.At()
	data, err := json.Marshal(change{
		v.Gates, v.Alerts, v.Incidents, v.Told, v.Silences, v.Agents, v.Rules, index, at.UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("event: change\nid: %d\nretry: 2000\ndata: %s\n\n", index, data))
}

// write sends text to a client that reads, within streamWrite.
func (s *stream) write(text string) error {
	err := s.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
