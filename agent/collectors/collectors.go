// Package collectors asks the collectors, one after the other.
//
// It promises that a request goes to the collector that last answered, or to
// the leader that one named if it is among the configured ones, and after an
// answer of no use to the next that has not asked to be left alone. What is of
// use only the caller can tell, since anything may answer on the way to a
// collector. It does not repeat a request by itself: whether to ask again is the
// caller's to decide, with Backoff.
package collectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const maxAnswer = 16 << 20

// Peers knows the collectors. It is used by one goroutine.
type Peers struct {
	urls   []string
	alone  []time.Time // until when each has asked to be left alone
	token  string
	client *http.Client
	now    int // index of the one to ask
}

// An Answer is what a collector said.
type Answer struct {
	From   string // its URL
	Status int
	Header http.Header
	Body   []byte
}

// New makes Peers of base URLs, which the configuration has checked.
func New(urls []string, token string, client *http.Client) *Peers {
	p := &Peers{token: token, client: client}
	for _, u := range urls {
		p.urls = append(p.urls, strings.TrimRight(u, "/"))
	}
	p.alone = make([]time.Time, len(p.urls))
	return p
}

// Current is the collector that the next request goes to.
func (p *Peers) Current() string { return p.urls[p.now] }

// Do sends one request and reads the whole answer, within timeout.
func (p *Peers) Do(ctx context.Context, timeout time.Duration, method, path, contentType string, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	base := p.Current()
	a, err := p.do(ctx, method, base+path, contentType, body)
	a.From = base
	return a, err
}

func (p *Peers) do(ctx context.Context, method, url, contentType string, body []byte) (a Answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	a = Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	if len(a.Body) > maxAnswer {
		return a, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return a, nil
}

// Turn takes the last answer, or the lack of one, for of no use, and picks the
// collector to ask next: the leader that this one named, or the first after it
// that may be asked.
func (p *Peers) Turn(a Answer) {
	now := time.Now()
	p.alone[p.now] = now.Add(retryAfter(a.Header, now))
	var hint struct {
		Leader string `json:"leader"`
	}
	if a.Status == http.StatusServiceUnavailable && json.Unmarshal(a.Body, &hint) == nil && hint.Leader != "" {
		if i := slices.IndexFunc(p.urls, func(u string) bool { return same(u, hint.Leader) }); i >= 0 {
			p.now = i
			return
		}
	}
	next := p.now
	for i := range p.urls {
		other := (p.now + 1 + i) % len(p.urls)
		if !p.alone[other].After(now) {
			p.now = other
			return
		}
		if i == 0 || p.alone[other].Before(p.alone[next]) {
			next = other
		}
	}
	p.now = next
}

// Rest is how long the collector that is asked next wants to be left alone.
func (p *Peers) Rest() time.Duration { return max(time.Until(p.alone[p.now]), 0) }

// same compares a configured URL with a leader's address, which may come
// without a scheme.
func same(url, leader string) bool {
	leader = strings.TrimRight(leader, "/")
	_, bare, _ := strings.Cut(url, "://")
	return strings.EqualFold(url, leader) || strings.EqualFold(bare, leader)
}

// Problem is the sentence in a refusal, or its status.
func (a Answer) Problem() string {
	var body struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.Body, &body) == nil && body.Error != "" {
		return fmt.Sprintf("%d: %.300s", a.Status, body.Error)
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}
