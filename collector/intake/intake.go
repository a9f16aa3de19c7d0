// Package intake is the way in: events from applications, blocks and samples
// from agents, over HTTP.
//
// It promises that what it answers with success is durable in the ledger and
// was applied, and that it never answers failure for what may have been
// stored: then it says that it does not know. What it remembers of an agent's
// samples, so that the next can be small, may be lost at any time: the agent
// then sends them whole. It does not interpret events, and it does not judge
// the times of samples.
package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// A Proposer puts entries into the ledger.
type Proposer interface {
	// Propose returns once the entry is durable and applied, with its outcome.
	// digest is what the chain covers of the body. The error is
	// entry.ErrFull, ErrNotStored or ErrUnknown.
	Propose(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (any, error)
}

// Options are what an intake needs.
type Options struct {
	Ledger  Proposer
	Metrics *metrics.Set
	// Agent says why a request may not speak for the agent; nil if it may.
	Agent func(r *http.Request, agent string) error
	// Clock is told what another host's clock shows, by the host's address; may
	// be nil.
	Clock func(host string, at time.Time)
}

// An Intake answers POST /v1/events and POST /v1/blocks.
type Intake struct {
	o        Options
	decoder  report.SampleDecoder
	events   *metrics.Counter
	repeated *metrics.Counter
	samples  *metrics.Counter
	refused  *metrics.Counter
	seconds  *metrics.Histogram
	scratch  sync.Pool // *scratch
}

// scratch is the memory for reading one request.
type scratch struct {
	body   []byte
	events report.Builder
}

// New makes an intake.
func New(o Options) *Intake {
	return &Intake{
		o:        o,
		events:   o.Metrics.NewCounter("tomeishi_intake_events_total"),
		repeated: o.Metrics.NewCounter("tomeishi_intake_duplicate_events_total"),
		samples:  o.Metrics.NewCounter("tomeishi_intake_samples_total"),
		refused:  o.Metrics.NewCounter("tomeishi_intake_refused_requests_total"),
		seconds:  o.Metrics.NewHistogram("tomeishi_intake_request_seconds"),
		scratch:  sync.Pool{New: func() any { return new(scratch) }},
	}
}

// Register puts the intake's paths on mux.
func (in *Intake) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/events", in.answer(in.postEvents))
	mux.HandleFunc("POST /v1/blocks", in.answer(in.postBlocks))
}

func (in *Intake) answer(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		if err := do(w, r); err != nil {
			in.refused.Inc()
			fail(w, err)
		}
		in.seconds.UpdateDuration(start)
	}
}

// remedies are what a sender does about what was not stored.
var remedies = map[error]string{
	entry.ErrFull:      ": send again later",
	entry.ErrUnknown:   ": send it again, the same counts once",
	entry.ErrNotStored: ": send it again",
}

func fail(w http.ResponseWriter, err error) {
	fate, ok := entry.FateOf(err)
	if !ok {
		report.WriteError(w, err)
		return
	}
	fate.Retry(w)
	report.WriteJSON(w, fate.Status, report.Problem{Error: err.Error() + remedies[fate.Err]})
}

const (
	firstRead = 4 << 10
	keptBody  = 1 << 20 // memory that is kept for the next request
)

// done keeps the memory for another request, where nobody else may still read it
// and it is not so much.
func (in *Intake) done(s *scratch) {
	if cap(s.body) > keptBody {
		s.body = nil
	}
	if s.events.Size() > keptBody {
		s.events = report.Builder{}
	}
	in.scratch.Put(s)
}

// readBody reads the body into buf, if that is large enough. It grows by what
// comes: what is only announced takes no room, and what is announced is not
// exceeded.
func readBody(w http.ResponseWriter, r *http.Request, buf []byte) ([]byte, error) {
	if r.ContentLength > report.MaxBody {
		return nil, errLarge
	}
	limited := http.MaxBytesReader(w, r.Body, report.MaxBody)
	body := buf[:0]
	for {
		if len(body) == cap(body) {
			more := max(len(body), firstRead)
			if left := int(r.ContentLength) + 1 - len(body); left > 0 {
				more = min(more, left) // one more, to see the end
			}
			body = slices.Grow(body, more)
		}
		n, err := limited.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		var over *http.MaxBytesError
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return body, nil
		case errors.As(err, &over):
			return nil, errLarge
		default:
			return nil, &report.FieldError{Err: fmt.Errorf("read the body: %w", err)}
		}
	}
}

var errLarge = fmt.Errorf("%w: the body is larger than %d bytes", report.ErrTooLarge, report.MaxBody)

// Accepted is the answer to POST /v1/events.
type Accepted struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
}

func (in *Intake) postEvents(w http.ResponseWriter, r *http.Request) error {
	s := in.scratch.Get().(*scratch)
	defer in.done(s)
	body, err := readBody(w, r, s.body)
	if err != nil {
		return err
	}
	s.body = body
	b := &s.events
	b.Reset()
	if err := report.ReadRequest(r.Header, s.body, time.Now(), nil, b); err != nil {
		return err
	}
	if b.Len() == 0 {
		report.WriteJSON(w, http.StatusAccepted, Accepted{})
		return nil
	}
	// The batch has memory of its own: the ledger may still read it when this
	// request is over and s serves another.
	batch := b.Batch()
	out, err := in.o.Ledger.Propose(r.Context(), entry.KindBatch, batch.Bytes(), batch.Digest())
	if err != nil {
		return err
	}
	counted, ok := out.(machine.BatchOutcome)
	if !ok {
		return fmt.Errorf("apply events: %v", out)
	}
	in.events.Add(counted.Accepted)
	in.repeated.Add(counted.Duplicates)
	report.WriteJSON(w, http.StatusAccepted, Accepted{counted.Accepted, counted.Duplicates})
	return nil
}

// blocksAnswer is the answer to POST /v1/blocks.
type blocksAnswer struct {
	Through uint64 `json:"through"`
	Ledger  int64  `json:"ledger"` // its time then, in Unix nanoseconds
}

// blocksProblem is why blocks were refused.
type blocksProblem struct {
	Error  string `json:"error"`
	Reason string `json:"reason,omitempty"`
	Field  string `json:"field,omitempty"`
	Seq    uint64 `json:"seq,omitempty"`
	code   int
}

func (in *Intake) postBlocks(w http.ResponseWriter, r *http.Request) error {
	switch t := r.Header.Get("Content-Type"); t {
	case report.BlocksType:
	case report.SamplesType:
		return in.postSamples(w, r)
	default:
		return fmt.Errorf("%w: %.80q, want %s or %s", report.ErrMediaType, t, report.BlocksType, report.SamplesType)
	}
	// The body is what enters the ledger, and others read it after this request.
	body, err := readBody(w, r, nil)
	if err != nil {
		return err
	}
	digest, problem := in.checkBlocks(r, body)
	if problem != nil {
		in.refuse(w, problem)
		return nil
	}
	out, err := in.o.Ledger.Propose(r.Context(), entry.KindBlocks, body, digest)
	if err != nil {
		return err
	}
	applied, ok := out.(machine.BlocksOutcome)
	if !ok {
		return fmt.Errorf("apply blocks: %v", out)
	}
	in.events.Add(applied.Accepted)
	in.repeated.Add(applied.Duplicates)
	if applied.Clone {
		report.WriteJSON(w, http.StatusConflict, blocksProblem{
			Error:  "another spool with this id has sent other blocks: take a new spool id and send again",
			Reason: report.ReasonClone, Seq: applied.Through + 1,
		})
		return nil
	}
	report.WriteJSON(w, http.StatusOK, blocksAnswer{applied.Through, applied.Ledger})
	return nil
}

// checkBlocks reads every block, so that what enters the ledger can be applied,
// and returns what the chain covers of them.
func (in *Intake) checkBlocks(r *http.Request, body []byte) (digest [32]byte, problem *blocksProblem) {
	if len(body) == 0 {
		return digest, &blocksProblem{Error: "no block in the body", code: http.StatusBadRequest}
	}
	h := sha256.New()
	var first report.Head
	for i := 0; len(body) > 0; i++ {
		b, rest, err := report.ReadBlock(body)
		if err == nil && i == 0 {
			// Not 400: the blocks are good, and wait for the right token.
			if err := in.o.Agent(r, b.Agent); err != nil {
				return digest, &blocksProblem{Error: err.Error(), code: http.StatusForbidden}
			}
			first = b.Head
		}
		if err == nil && (b.Agent != first.Agent || b.Spool != first.Spool) {
			err = errors.New("the blocks of one request must be of one spool")
		}
		if err != nil {
			return digest, unreadableBlock(i, err)
		}
		if err := b.Batch.Check(); err != nil {
			return digest, &blocksProblem{Error: err.Error(), Reason: report.ReasonBlocks, Field: blockAt(i), Seq: b.Seq, code: http.StatusBadRequest}
		}
		d := b.Batch.Digest()
		h.Write(fmt.Appendf(nil, "%q %s %d ", b.Agent, b.Spool, b.Seq))
		h.Write(b.Prev[:])
		h.Write(d[:])
		body = rest
	}
	return [32]byte(h.Sum(nil)), nil
}

// unreadableBlock refuses what cannot be read, without a reason: the agent's copy
// may be sound, or this program too old for it, so the agent keeps it.
func unreadableBlock(i int, err error) *blocksProblem {
	if errors.Is(err, report.ErrChecksum) {
		return &blocksProblem{Error: err.Error() + " on the way: send them again", Field: blockAt(i), code: http.StatusServiceUnavailable}
	}
	return &blocksProblem{Error: err.Error(), Field: blockAt(i), code: http.StatusBadRequest}
}

func blockAt(i int) string { return "[" + strconv.Itoa(i) + "]" }
