package intake

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// samplesAnswer is the answer to samples on POST /v1/blocks.
type samplesAnswer struct {
	Through int64 `json:"through"` // time of the last frame, Unix milliseconds
}

// postSamples takes what one agent measured. How old it is, or how far ahead,
// is for others to judge.
func (in *Intake) postSamples(w http.ResponseWriter, r *http.Request) error {
	s := in.scratch.Get().(*scratch)
	defer in.done(s)
	body, err := readBody(w, r, s.body)
	if err != nil && !errors.Is(err, report.ErrTooLarge) {
		return err // cut off on the way
	}
	if err != nil {
		in.refuse(w, &blocksProblem{Error: err.Error(), Reason: report.ReasonSamples, code: http.StatusRequestEntityTooLarge})
		return nil
	}
	s.body = body
	samples, problem := in.decode(r, body)
	if problem != nil {
		in.refuse(w, problem)
		return nil
	}
	in.sawClock(r, samples.Sent)
	body = samples.Append(nil)
	out, err := in.o.Ledger.Propose(r.Context(), entry.KindSamples, body, sha256.Sum256(body))
	if err != nil {
		return err
	}
	if _, ok := out.(machine.SamplesOutcome); !ok {
		return fmt.Errorf("apply samples: %v", out)
	}
	in.samples.Add(present(&samples))
	report.WriteJSON(w, http.StatusOK, samplesAnswer{samples.Frames[len(samples.Frames)-1].Time})
	return nil
}

func (in *Intake) refuse(w http.ResponseWriter, p *blocksProblem) {
	in.refused.Inc()
	if p.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	report.WriteJSON(w, p.code, p)
}

// decode reads samples for whoever may speak for their agent: nobody else
// reaches what the decoder remembers.
func (in *Intake) decode(r *http.Request, body []byte) (report.Samples, *blocksProblem) {
	agent, err := report.SamplesAgent(body)
	if err != nil {
		return report.Samples{}, unreadable(err)
	}
	if err := in.o.Agent(r, agent); err != nil {
		// Not 400: the samples are good, and wait for the right token.
		return report.Samples{}, &blocksProblem{Error: err.Error(), code: http.StatusForbidden}
	}
	samples, err := in.decoder.Decode(body)
	if err != nil {
		return report.Samples{}, unreadable(err)
	}
	return samples, nil
}

func unreadable(err error) *blocksProblem {
	if errors.Is(err, report.ErrBase) {
		return &blocksProblem{Error: err.Error(), Reason: report.ReasonBase, code: http.StatusConflict}
	}
	if errors.Is(err, report.ErrChecksum) {
		// Not 400: damaged on the way, and the agent's copy is sound.
		return &blocksProblem{Error: err.Error() + ": send them again", code: http.StatusServiceUnavailable}
	}
	p := &blocksProblem{Error: err.Error(), Reason: report.ReasonSamples, code: http.StatusBadRequest}
	if f, ok := errors.AsType[*report.FieldError](err); ok {
		p.Field = f.Field
	}
	return p
}

// present counts the values that are there.
func present(s *report.Samples) (n int) {
	for _, f := range s.Frames {
		for _, v := range f.Values {
			if !report.IsAbsent(v) {
				n++
			}
		}
	}
	return n
}
