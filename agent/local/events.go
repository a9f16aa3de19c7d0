package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
)

// builders are used again: one holds a request's events for a few milliseconds.
var builders = sync.Pool{New: func() any { return new(report.Builder) }}

const (
	keptBuilder = 1 << 20   // larger ones go back to the collector of garbage
	firstBuffer = 256 << 10 // believed of an announced length
)

func (a *API) events(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	n, err := a.take(w, r)
	a.seconds.UpdateDuration(start)
	if err != nil {
		a.refused.Inc()
		a.refuse(w, err)
		return
	}
	report.WriteJSON(w, http.StatusAccepted, struct {
		Accepted   int `json:"accepted"`
		Duplicates int `json:"duplicates"` // the collector finds them, not the agent
	}{Accepted: n})
}

// take reads a request's events and returns when they are durable.
func (a *API) take(w http.ResponseWriter, r *http.Request) (int, error) {
	in := &metered{from: http.MaxBytesReader(w, r.Body, report.MaxBody), budget: &a.budget}
	defer in.release()
	body, err := readBody(r.ContentLength, in)
	if err != nil {
		return 0, err
	}
	b, _ := builders.Get().(*report.Builder)
	defer func() {
		if b.Size() <= keptBuilder {
			b.Reset()
			builders.Put(b)
		}
	}()
	if err := report.ReadRequest(r.Header, body, time.Now(), a.stamp(r), b); err != nil {
		return 0, err
	}
	return b.Len(), a.o.Spool.Append(r.Context(), b)
}

func readBody(size int64, in io.Reader) ([]byte, error) {
	if size > report.MaxBody {
		return nil, fmt.Errorf("the body has %d bytes, %d are allowed: %w", size, report.MaxBody, report.ErrTooLarge)
	}
	var body bytes.Buffer
	// Nothing is reserved for what only was announced, until some of it came.
	_, err := io.CopyN(&body, in, bytes.MinRead)
	if err == nil {
		body.Grow(int(min(max(size, 0), firstBuffer)) + bytes.MinRead)
		_, err = body.ReadFrom(in)
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return body.Bytes(), nil
	case errors.As(err, &over):
		return nil, fmt.Errorf("the body has more than the %d bytes allowed: %w", over.Limit, report.ErrTooLarge)
	case errors.Is(err, errBusy):
		return nil, err
	}
	return nil, &report.FieldError{Err: fmt.Errorf("read the body: %w", err)}
}

// stamp is what the agent vouches for: itself and, where the kernel says so,
// who sent the event.
func (a *API) stamp(r *http.Request) []report.Attr {
	out := []report.Attr{{Name: report.AgentAttr, Value: a.o.Agent}}
	if uid, ok := peerOf(r); ok {
		out = append(out, report.Attr{Name: report.PeerAttr, Value: strconv.FormatUint(uint64(uid), 10)})
	}
	return out
}

var errBusy = errors.New("too many requests at once")

// refuse answers an error of take. Full and busy mean that nothing was kept;
// unknown means what it says.
func (a *API) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, spool.ErrFull), errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusTooManyRequests, err.Error()+": nothing was taken, send again later")
	case errors.Is(err, spool.ErrUnknown):
		a.o.Log.Error("events are unknown", "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, err.Error()+"; send them again with the same ids, they will count once")
	case errors.Is(err, spool.ErrClosed):
		problem(w, http.StatusServiceUnavailable, "the agent is stopping: nothing was taken")
	case report.Refuses(err):
		report.WriteError(w, err)
	default: // files that are gone, no descriptor left: it may pass
		a.o.Log.Error("events are refused", "error", err)
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, err.Error()+": nothing was taken, send again later")
	}
}

// budget bounds the bytes of bodies held at once.
type budget struct {
	max  int64
	used atomic.Int64
}

// metered takes from the budget what has arrived, not what was announced, so
// that idle connections keep nobody out.
type metered struct {
	from   io.Reader
	budget *budget
	taken  int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.taken += int64(n)
	if m.budget.used.Add(int64(n)) > m.budget.max {
		return 0, errBusy
	}
	return n, err
}

func (m *metered) release() { m.budget.used.Add(-m.taken) }
