package samples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

// outcome is what an answer means for the samples that were sent.
type outcome int

const (
	unknown   outcome = iota // send them again, later
	delivered                // a collector has them
	refused                  // no collector will ever take them
	baseless                 // the collector does not know what they build on
)

// A sender sends samples, each as a difference from what it delivered last.
type sender struct {
	peers   *collectors.Peers
	timeout time.Duration
	seconds *metrics.Histogram
	m       *meters

	encoder report.SampleEncoder
	buf     []byte
	pause   collectors.Backoff
	failing bool // live only: one was not delivered since the last that was
}

// send sends s, and again at once, whole, if the collector asks for that. The
// error says why it is not delivered.
func (s *sender) send(ctx context.Context, what *report.Samples) (outcome, collectors.Answer, error) {
	out, a, err := s.once(ctx, what)
	if out == baseless {
		s.m.whole.Inc()
		out, a, err = s.once(ctx, what)
	}
	if out == delivered {
		s.encoder.Acked()
		s.pause.Reset()
		s.m.delivered(len(what.Frames), what.Sent != 0)
	}
	return out, a, err
}

func (s *sender) once(ctx context.Context, what *report.Samples) (outcome, collectors.Answer, error) {
	s.buf = s.encoder.Encode(s.buf[:0], what)
	start := time.Now()
	a, err := s.peers.Do(ctx, s.timeout, http.MethodPost, "/v1/blocks", report.SamplesType, s.buf)
	s.seconds.UpdateDuration(start)
	out := unknown
	if err == nil {
		out, err = judge(a, what.Frames[len(what.Frames)-1].Time)
	}
	if out == unknown {
		s.peers.Turn(a)
	}
	if out != delivered {
		s.buf = nil // the transport may still read it
	}
	if out == baseless {
		s.encoder.Reset()
	}
	if err != nil && ctx.Err() == nil {
		s.m.failed(a.Status)
	}
	return out, a, err
}

// judge reads an answer to samples up to the time last.
func judge(a collectors.Answer, last int64) (outcome, error) {
	var said struct {
		Through *int64 `json:"through"`
		Error   string `json:"error"`
		Reason  string `json:"reason"`
	}
	// Something other than a collector may answer, with any status. Only what
	// reads as a collector's answer changes anything.
	if err := json.Unmarshal(a.Body, &said); err != nil {
		return unknown, fmt.Errorf("not a collector's answer: %s", a.Problem())
	}
	switch {
	case a.Status == http.StatusOK && said.Through != nil && *said.Through >= last:
		return delivered, nil
	case a.Status == http.StatusConflict && said.Reason == report.ReasonBase:
		return baseless, errors.New(a.Problem())
	case said.Reason == report.ReasonSamples && (a.Status == http.StatusBadRequest || a.Status == http.StatusRequestEntityTooLarge):
		return refused, errors.New(a.Problem())
	}
	return unknown, errors.New(a.Problem())
}
