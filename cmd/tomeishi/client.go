package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

// maxAnswer bounds the answers that are read into memory.
const maxAnswer = 64 << 20

// client speaks to one collector.
type client struct {
	base    string // what paths are appended to
	at      string // the collector as it was named
	given   bool   // it was named by a flag
	token   string
	timeout time.Duration
	http    *http.Client
}

// answer is what came back, whole.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// get asks, and decodes the answer into out if that is not nil. It returns the
// answer as it came too. Nothing can have changed if it fails.
func (c *client) get(ctx context.Context, path string, out any) ([]byte, error) {
	return c.watch(ctx, path, 0, out)
}

// watch is get for an answer that may take longer by wait.
func (c *client) watch(ctx context.Context, path string, wait time.Duration, out any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+wait)
	defer cancel()
	a, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if a.code != http.StatusOK {
		return nil, c.refusal(a)
	}
	if out == nil {
		return a.body, nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return nil, fmt.Errorf("the answer of %s is not a collector's: %w", c.at, err)
	}
	return a.body, nil
}

// decision is an order to the collector, and what to say if its answer does
// not come.
type decision struct {
	method string // empty: POST
	path   string
	body   any
	what   string // "gate a/b was opened"
	look   string // the command that shows whether it was
	// pending takes the answer that more people are needed; nil where that is no
	// answer.
	pending *api.Pending
}

// decide gives an order, and decodes the answer into out; nil wants an answer
// without a text. The error is *unknownError unless it is certain that nothing
// changed.
func (c *client) decide(ctx context.Context, d decision, out any) ([]byte, error) {
	var body []byte
	if d.body != nil {
		var err error
		if body, err = json.Marshal(d.body); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, err := c.do(ctx, cmp.Or(d.method, http.MethodPost), d.path, body)
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		return nil, c.unknown(d, lost.cause)
	case err != nil:
		return nil, err
	case a.code == http.StatusOK && out == nil && len(bytes.TrimSpace(a.body)) == 0:
		return a.body, nil
	case a.code == http.StatusAccepted && d.pending != nil:
		if err := json.Unmarshal(a.body, d.pending); err != nil || d.pending.Needed == 0 {
			return nil, c.unknown(d, errors.New("the answer is not a collector's"))
		}
		return a.body, nil
	case a.code == http.StatusOK:
		if err := json.Unmarshal(a.body, out); err != nil {
			return nil, c.unknown(d, errors.New("the answer is not a collector's"))
		}
		return a.body, nil
	case refuses(a.code):
		return nil, c.refusal(a)
	}
	return nil, c.unknown(d, c.refusal(a))
}

// refuses tells whether a status says that nothing was changed.
func refuses(code int) bool {
	switch code {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusLocked, http.StatusTooManyRequests:
		return true
	}
	return false
}

func (c *client) unknown(d decision, cause error) error {
	look := d.look
	if c.given {
		look += " --server " + c.at
	}
	return &unknownError{what: d.what, look: look, cause: cause}
}

// do sends a request and reads the whole answer. The error is *lostError if
// the collector may have got the request.
func (c *client) do(ctx context.Context, method, path string, body []byte) (answer, error) {
	return c.whole(c.send(ctx, method, path, body))
}

// doForm is do with a form, which asks and changes nothing.
func (c *client) doForm(ctx context.Context, path, form string) (answer, error) {
	return c.whole(c.sendType(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form)))
}

// whole reads the whole answer.
func (c *client) whole(resp *http.Response, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, &lostError{c.at, c.because(err)}
	}
	if len(text) > maxAnswer {
		return answer{}, &lostError{c.at, fmt.Errorf("its answer is larger than %d bytes", maxAnswer)}
	}
	return answer{resp.StatusCode, resp.Header, text}, nil
}

func (c *client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	return c.sendType(ctx, method, path, "application/json", body)
}

func (c *client) sendType(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	// A request can have had an effect only if there was a connection for it.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, term.Usagef("--server %s: %v", term.Quote(c.at), err)
	}
	req.Header.Set("User-Agent", "tomeishi/"+term.Version)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case connected.Load():
		return nil, &lostError{c.at, c.because(err)}
	}
	return nil, &unreachableError{c.at, c.because(err)}
}

// refusal is what the collector said, as an error.
func (c *client) refusal(a answer) error {
	e := &refusedError{code: a.code, at: c.at}
	var p struct {
		report.Problem
		Message string `json:"message"` // as Alertmanager's API says it
	}
	if json.Unmarshal(a.body, &p) == nil && cmp.Or(p.Error, p.Message) != "" {
		e.text, e.field = cmp.Or(p.Error, p.Message), p.Field
	} else if json.Unmarshal(a.body, &e.text) == nil { // so does it too
		return e
	} else if text := strings.TrimSpace(string(a.body)); text != "" && len(text) < 2000 && !strings.HasPrefix(text, "<") {
		e.text = text
	}
	return e
}
