package series

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/series/syntax"
)

// queries keeps those who ask from taking what gates and rules need: a few
// queries run at once, some wait for a while, the rest is refused. The rules'
// own evaluations do not pass here.
type queries struct {
	running chan struct{}
	waiting chan struct{}
}

const (
	maxWaiting  = 128
	longestWait = 10 * time.Second
	maxForm     = 1 << 20
	// answerTimeout is for a client to read its answer.
	answerTimeout = time.Minute
)

func (q *queries) open() {
	q.running = make(chan struct{}, min(4, max(2, runtime.GOMAXPROCS(0)/2)))
	q.waiting = make(chan struct{}, maxWaiting)
}

// enter waits for a place, and returns what gives it back.
func (q *queries) enter(ctx context.Context) (leave func(), err error) {
	select {
	case q.waiting <- struct{}{}:
		defer func() { <-q.waiting }()
	default:
		return nil, errors.New("too many queries wait already: ask again later")
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case q.running <- struct{}{}:
		return sync.OnceFunc(func() { <-q.running }), nil
	case <-timer.C:
		return nil, fmt.Errorf("%d queries were running for %s, which is all that may run at once: ask for less, or again later",
			cap(q.running), longestWait)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// guard bounds a request to the query API in size, depth, number and time.
func (s *Store) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			code := http.StatusBadRequest
			if over := new(http.MaxBytesError); errors.As(err, &over) {
				code, err = http.StatusRequestEntityTooLarge, fmt.Errorf("the query is larger than %d bytes", maxForm)
			}
			promError(w, code, "bad_data", err.Error())
			return
		}
		for _, text := range append(r.Form["match[]"], r.Form["query"]...) {
			if err := syntax.CheckTokens(text); err != nil {
				promError(w, http.StatusBadRequest, "bad_data", err.Error())
				return
			}
		}
		leave, err := s.queries.enter(r.Context())
		if err != nil {
			s.met.busy.Inc()
			w.Header().Set("Retry-After", "5")
			promError(w, http.StatusServiceUnavailable, "unavailable", err.Error())
			return
		}
		defer leave()
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		conn := http.NewResponseController(w)
		// Not every ResponseWriter has deadlines; those of connections have.
		_ = conn.SetWriteDeadline(time.Now().Add(queryTimeout + answerTimeout))
		next.ServeHTTP(&leaving{w, leave}, r.WithContext(ctx))
		_ = conn.SetWriteDeadline(time.Time{})
	})
}

// leaving gives the place back when the answer begins: the work is done then,
// and a client that reads slowly keeps nobody waiting.
type leaving struct {
	http.ResponseWriter
	leave func()
}

// WriteHeader begins the answer.
func (l *leaving) WriteHeader(code int) {
	l.leave()
	l.ResponseWriter.WriteHeader(code)
}

// Write begins the answer or goes on with it.
func (l *leaving) Write(b []byte) (int, error) {
	l.leave()
	return l.ResponseWriter.Write(b)
}

// promError answers in the shape of Prometheus's API.
func promError(w http.ResponseWriter, code int, kind, text string) {
	report.WriteJSON(w, code, map[string]string{"status": "error", "errorType": kind, "error": text})
}
