package collector

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// bodies bounds what the bodies of all requests hold together. What has arrived
// counts, not what was announced; small ones have room of their own, so that
// large ones that stall keep no event out.
type bodies struct {
	most   int64         // held at once, in bytes
	stalls time.Duration // how long a sender may send nothing
	held   atomic.Int64
}

const (
	maxBodies  = 32 << 20
	smallBody  = 64 << 10
	smallRoom  = 8 << 20
	bodyStalls = 10 * time.Second
)

var errManyBodies = errors.New("too many bodies at once")

// guard answers 429 where a body does not fit, whatever its handler makes of
// that. Remote write gets 503: senders drop what is answered with 429.
func (b *bodies) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		in := &body{ReadCloser: r.Body, of: b, conn: http.NewResponseController(w), until: time.Now().Add(bodyTimeout)}
		defer func() { b.held.Add(-in.taken) }()
		inner := *r
		inner.Body = in
		// What is announced and cannot fit is not read first. It holds nothing yet:
		// whoever only announces keeps nobody out.
		in.refused = r.ContentLength > smallBody && b.held.Load()+r.ContentLength > b.most
		out := &bodyAnswer{ResponseWriter: w, body: in, code: http.StatusTooManyRequests}
		if r.URL.Path == "/api/v1/write" {
			out.code = http.StatusServiceUnavailable
		}
		next.ServeHTTP(out, &inner)
	})
}

// body is one that is being read.
type body struct {
	io.ReadCloser
	of      *bodies
	conn    *http.ResponseController
	until   time.Time // the whole of it
	taken   int64
	refused bool
}

// Read reads on, unless too much is held or the sender stalls.
func (b *body) Read(p []byte) (int, error) {
	if b.refused {
		return 0, errManyBodies
	}
	b.wait(time.Now().Add(b.of.stalls))
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.wait(b.until) // as the server had it: it goes on listening
	}
	b.taken += int64(n)
	most := b.of.most
	if b.taken <= smallBody {
		most += smallRoom
	}
	if b.of.held.Add(int64(n)) > most {
		b.refused = true
		return 0, errManyBodies
	}
	return n, err
}

func (b *body) wait(until time.Time) {
	if until.After(b.until) {
		until = b.until
	}
	// A writer without deadlines is a test's; connections have them.
	_ = b.conn.SetReadDeadline(until)
}

// bodyAnswer is the answer to a request with a body.
type bodyAnswer struct {
	http.ResponseWriter
	body *body
	code int // where the body did not fit
	said bool
}

// Unwrap is for http.ResponseController.
func (a *bodyAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer: the handler's, if the body did fit.
func (a *bodyAnswer) WriteHeader(code int) {
	if !a.busy() {
		a.ResponseWriter.WriteHeader(code)
	}
}

// Write goes on with the answer.
func (a *bodyAnswer) Write(p []byte) (int, error) {
	if a.busy() {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

func (a *bodyAnswer) busy() bool {
	if a.body.refused && !a.said {
		a.said = true
		a.Header().Set("Retry-After", "1")
		a.Header().Set("Connection", "close") // the rest of the body is not read
		report.WriteJSON(a.ResponseWriter, a.code, report.Problem{Error: errManyBodies.Error() + ": nothing was taken, send again later"})
	}
	return a.said
}
