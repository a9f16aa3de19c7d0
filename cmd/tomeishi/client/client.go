package client

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

// Client speaks to one collector.
type Client struct {
	base    string // what paths are appended to
	At      string // the collector as it was named
	given   bool   // it was named by a flag
	token   string
	Timeout time.Duration
	http    *http.Client
}

// Answer is what came back, whole.
type Answer struct {
	Code int
	Body []byte
}

// Get asks, and decodes the answer into out if that is not nil. It returns the
// answer as it came too. Nothing can have changed if it fails.
func (c *Client) Get(ctx context.Context, path string, out any) ([]byte, error) {
	return c.Watch(ctx, path, 0, out)
}

// Watch is Get for an answer that may take longer by wait.
func (c *Client) Watch(ctx context.Context, path string, wait time.Duration, out any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout+wait)
	defer cancel()
	a, err := c.Do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if a.Code != http.StatusOK {
		return nil, c.Refusal(a)
	}
	if out == nil {
		return a.Body, nil
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return nil, fmt.Errorf("the answer of %s is not a collector's: %w", c.At, err)
	}
	return a.Body, nil
}

// Decision is an order to the collector, and what to say if its answer does
// not come.
type Decision struct {
	Method string // empty: POST
	Path   string
	Body   any
	What   string // "gate a/b was opened"
	Look   string // the command that shows whether it was
	// Pending takes the answer that more people are needed; nil where that is no
	// answer.
	Pending *api.Pending
}

// Decide gives an order, and decodes the answer into out; nil wants an answer
// without a text. The error is *unknownError unless it is certain that nothing
// changed.
func (c *Client) Decide(ctx context.Context, d Decision, out any) ([]byte, error) {
	var body []byte
	if d.Body != nil {
		var err error
		if body, err = json.Marshal(d.Body); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a, err := c.Do(ctx, cmp.Or(d.Method, http.MethodPost), d.Path, body)
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		return nil, c.unknown(d, lost.cause)
	case err != nil:
		return nil, err
	case a.Code == http.StatusOK && out == nil && len(bytes.TrimSpace(a.Body)) == 0:
		return a.Body, nil
	case a.Code == http.StatusAccepted && d.Pending != nil:
		if err := json.Unmarshal(a.Body, d.Pending); err != nil || d.Pending.Needed == 0 {
			return nil, c.unknown(d, errors.New("the answer is not a collector's"))
		}
		return a.Body, nil
	case a.Code == http.StatusOK:
		if err := json.Unmarshal(a.Body, out); err != nil {
			return nil, c.unknown(d, errors.New("the answer is not a collector's"))
		}
		return a.Body, nil
	case Refuses(a.Code):
		return nil, c.Refusal(a)
	}
	return nil, c.unknown(d, c.Refusal(a))
}

// Refuses tells whether a status says that nothing was changed.
func Refuses(code int) bool {
	switch code {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusLocked, http.StatusTooManyRequests:
		return true
	}
	return false
}

func (c *Client) unknown(d Decision, cause error) error {
	look := d.Look
	if c.given {
		look += " --server " + c.At
	}
	return &unknownError{what: d.What, look: look, cause: cause}
}

// Do sends a request and reads the whole answer. The error is *lostError if
// the collector may have got the request.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) (Answer, error) {
	return c.whole(c.send(ctx, method, path, body))
}

// maxURL is from which length on a question is sent as a form instead.
const maxURL = 4000

// Ask is Get for a question of any length, which a form holds.
func (c *Client) Ask(ctx context.Context, path, form string) ([]byte, error) {
	ask := func() (Answer, error) { return c.Do(ctx, http.MethodGet, path+"?"+form, nil) }
	if len(form) > maxURL {
		ask = func() (Answer, error) { return c.doForm(ctx, path, form) }
	}
	a, err := ask()
	if err == nil && a.Code != http.StatusOK {
		err = c.Refusal(a)
	}
	return a.Body, err
}

// Open asks for what may be too large for memory. The reader has to be closed.
func (c *Client) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	a, err := c.whole(resp, nil)
	if err != nil {
		return nil, err
	}
	return nil, c.Refusal(a)
}

// doForm is Do with a form.
func (c *Client) doForm(ctx context.Context, path, form string) (Answer, error) {
	return c.whole(c.sendType(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form)))
}

// whole reads the whole answer.
func (c *Client) whole(resp *http.Response, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, &lostError{c.At, c.Because(err)}
	}
	if len(text) > maxAnswer {
		return Answer{}, &lostError{c.At, fmt.Errorf("its answer is larger than %d bytes", maxAnswer)}
	}
	return Answer{resp.StatusCode, text}, nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	return c.sendType(ctx, method, path, "application/json", body)
}

func (c *Client) sendType(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	// A request can have had an effect only if there was a connection for it.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, term.Usagef("--server %s: %v", term.Quote(c.At), err)
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
		return nil, &lostError{c.At, c.Because(err)}
	}
	return nil, &unreachableError{c.At, c.Because(err)}
}

// Refusal is what the collector said, as an error.
func (c *Client) Refusal(a Answer) error {
	e := &RefusedError{Code: a.Code, at: c.At}
	var p struct {
		report.Problem
		Message string `json:"message"` // as Alertmanager's API says it
	}
	if json.Unmarshal(a.Body, &p) == nil && cmp.Or(p.Error, p.Message) != "" {
		e.Text, e.field = cmp.Or(p.Error, p.Message), p.Field
	} else if json.Unmarshal(a.Body, &e.Text) == nil { // so does it too
		return e
	} else if text := strings.TrimSpace(string(a.Body)); text != "" && len(text) < 2000 && !strings.HasPrefix(text, "<") {
		e.Text = text
	}
	return e
}
