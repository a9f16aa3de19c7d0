package series

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	memory  memory
	answers atomic.Int64 // bytes of answers that clients are reading
}

const (
	maxWaiting  = 128
	longestWait = 10 * time.Second
	maxForm     = 1 << 20
	// answerTimeout is for a client to read its answer.
	answerTimeout = time.Minute
	// maxBeingRead bounds the answers that clients are reading, in bytes.
	maxBeingRead = 128 << 20
	// maxListed bounds the series that are listed without a limit of one's own.
	maxListed = 20_000
)

func (q *queries) open() {
	q.running = make(chan struct{}, min(4, max(1, runtime.GOMAXPROCS(0)/2)))
	q.waiting = make(chan struct{}, maxWaiting)
	q.memory.room = maxQueryMemory
}

// enter waits for a place. It returns the context of the query, which ends when
// queries hold too much memory, and what gives the place back and says whether
// the query was big.
func (q *queries) enter(ctx context.Context) (query context.Context, leave func() (big bool), err error) {
	select {
	case q.waiting <- struct{}{}:
		defer func() { <-q.waiting }()
	default:
		return nil, nil, errors.New("too many queries wait already: ask again later")
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case q.running <- struct{}{}:
		query, done := q.memory.watch(ctx)
		return query, sync.OnceValue(func() bool {
			big := done()
			<-q.running
			return big
		}), nil
	case <-timer.C:
		return nil, nil, fmt.Errorf("%d queries were running for %s, which is all that may run at once: ask for less, or again later",
			cap(q.running), longestWait)
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
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
		if r.Form.Get("limit") == "" && strings.HasSuffix(r.URL.Path, "/series") {
			r.Form.Set("limit", strconv.Itoa(maxListed)) // the answer says that it was cut
		}
		ctx, leave, err := s.queries.enter(r.Context())
		if err != nil {
			s.met.busy.Inc()
			w.Header().Set("Retry-After", "5")
			promError(w, http.StatusServiceUnavailable, "unavailable", err.Error())
			return
		}
		defer func() {
			if leave() {
				s.queries.memory.giveBack() // the answer, too
			}
		}()
		ctx, cancel := context.WithTimeout(ctx, queryTimeout)
		defer cancel()
		conn := http.NewResponseController(w)
		// Not every ResponseWriter has deadlines; those of connections have.
		_ = conn.SetWriteDeadline(time.Now().Add(queryTimeout + answerTimeout))
		out := &leaving{ResponseWriter: w, leave: leave, answers: &s.queries.answers}
		next.ServeHTTP(out, r.WithContext(ctx))
		out.end()
		_ = conn.SetWriteDeadline(time.Time{})
	})
}

// leaving gives the place back when the answer begins: the work is done then,
// and a client that reads slowly keeps nobody waiting. Answers that wait for
// their clients have a bound of their own; they are written in one piece.
type leaving struct {
	http.ResponseWriter
	leave   func() bool
	answers *atomic.Int64
	code    int
	refused bool
}

// WriteHeader begins the answer.
func (l *leaving) WriteHeader(code int) { l.code = code }

// Write begins the answer or goes on with it.
func (l *leaving) Write(b []byte) (int, error) {
	l.leave()
	if l.refused {
		return len(b), nil
	}
	size := int64(len(b))
	defer l.answers.Add(-size)
	if l.answers.Add(size) > maxBeingRead && size > 1<<10 {
		l.refused = true
		l.Header().Set("Retry-After", "5")
		promError(l.ResponseWriter, http.StatusServiceUnavailable, "unavailable", "too many large answers are being read: ask for less, or again later")
		return len(b), nil
	}
	if l.code != 0 {
		l.ResponseWriter.WriteHeader(l.code)
		l.code = 0
	}
	return l.ResponseWriter.Write(b)
}

// end answers with a status that nothing followed.
func (l *leaving) end() {
	if l.code != 0 {
		l.ResponseWriter.WriteHeader(l.code)
	}
}

// promError answers in the shape of Prometheus's API.
func promError(w http.ResponseWriter, code int, kind, text string) {
	report.WriteJSON(w, code, map[string]string{"status": "error", "errorType": kind, "error": text})
}
