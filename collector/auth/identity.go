package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/auth/roster"
)

// An Identity is who asks.
type Identity struct {
	Name    string   // of whoever may decide; empty: nobody
	May     []string // rights, of access.MayView, MayOperate, MayApprove, MayReveal
	Session bool     // known by a cookie: there is something to log out of

	agent string
	open  bool // everybody who gets here may look
	auth  bool // auth is configured: an agent speaks only with its token
}

type identityKey struct{}

// Of is who asks, as Identify or OnSocket found out.
func Of(r *http.Request) Identity {
	id, _ := r.Context().Value(identityKey{}).(Identity)
	return id
}

func (id Identity) with(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
}

// unknownError: whoever asks could not be told from anybody else.
type unknownError struct {
	text string
	wait time.Duration // until it is worth trying again; 0: no longer than now
}

func (e *unknownError) Error() string { return e.text }

// who finds out who asks over TCP. The error is an *unknownError.
func (d *Door) who(r *http.Request) (Identity, error) {
	if !d.ring.Load().configured {
		id := Identity{open: true}
		if d.o.Up {
			id.Name, id.May = roster.Local, roster.Everything()
		}
		return id, nil
	}
	if isOpen(r.URL.Path) {
		return Identity{auth: true}, nil
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		if p := d.bySession(r); p != nil {
			return Identity{Name: p.name, May: p.may, Session: true, auth: true}, nil
		}
		return Identity{}, &unknownError{text: "send Authorization: Bearer TOKEN"}
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, &unknownError{text: "send Authorization: Bearer TOKEN"}
	}
	p, a := d.byToken(token)
	switch {
	case p != nil:
		return Identity{Name: p.name, May: p.may, auth: true}, nil
	case a != nil:
		return Identity{agent: a.id, auth: true}, nil
	}
	if wait := d.bearers.failed(sender(r)); wait > 0 {
		return Identity{}, &unknownError{"this token is nobody's, and too many were tried: wait before you try another", wait}
	}
	return Identity{}, &unknownError{text: "this token is nobody's"}
}

// byToken finds whose the token is; nil and nil if it is nobody's. It takes as
// long whosever it is.
func (d *Door) byToken(token string) (p *person, a *agent) {
	ring, sum := d.ring.Load(), sha256.Sum256([]byte(token))
	for i := range ring.people {
		if subtle.ConstantTimeCompare(ring.people[i].token[:], sum[:]) == 1 {
			p = &ring.people[i]
		}
	}
	for i := range ring.agents {
		if subtle.ConstantTimeCompare(ring.agents[i].token[:], sum[:]) == 1 {
			a = &ring.agents[i]
		}
	}
	return p, a
}

// Still says why the request would not be let in any more: its cookie has run
// out while it was being answered, or its token is nobody's since a reload.
func (d *Door) Still(r *http.Request) error {
	switch id := Of(r); {
	case id.Session && d.bySession(r) == nil:
		return errors.New("the login has run out")
	case !id.Session && id.auth && !id.open:
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if p, a := d.byToken(token); p == nil && a == nil {
			return errors.New("this token is nobody's any more")
		}
	}
	return nil
}

// Actor says who decides what needs the right, or why they may not. Who looks
// may have no name, where everybody may.
func (d *Door) Actor(r *http.Request, right string) (string, error) {
	id := Of(r)
	if id.open && right == access.MayView {
		return id.Name, nil
	}
	if id.Name == "" && id.agent == "" {
		return "", fmt.Errorf("without auth in its configuration, a collector takes decisions only on its socket: use --server %s there", d.o.Socket)
	}
	if err := id.lacks(right); err != nil {
		return "", err
	}
	return id.Name, nil
}

// Reveals tells whether who asks may see what is private: whoever has the right,
// agents, which need it to refuse a payment, and everybody without auth.
func Reveals(r *http.Request) bool {
	id := Of(r)
	return id.open || id.agent != "" || id.lacks(access.MayReveal) == nil
}

// lacks says that a right is missing; nil if the asker has it.
func (id Identity) lacks(right string) error {
	if slices.Contains(id.May, right) {
		return nil
	}
	return fmt.Errorf("this token does not have the right %q", right)
}

// SpeaksFor says why the request may not speak for the agent; nil if it may.
func SpeaksFor(r *http.Request, agent string) error {
	id := Of(r)
	switch {
	case !id.auth || id.agent != "" && id.agent == agent:
		return nil
	case id.agent != "":
		return fmt.Errorf("this token is agent %s's: it does not speak for agent %.80s", id.agent, agent)
	}
	return fmt.Errorf("only the token of agent %.80s speaks for it", agent)
}
