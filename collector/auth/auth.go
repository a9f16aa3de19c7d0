// Package auth finds out who is at the other end.
//
// It promises that nobody is taken for somebody else: a person is known by a
// token, or by a cookie that was signed here for whoever showed it; an agent by
// its token; a user of this host by what the kernel says of the Unix socket. No
// token is kept, logged or put into a cookie, and whoever tries many is slowed
// down without slowing others. It does not know what a decision needs: that is
// asked again where it is taken.
package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/collector/auth/roster"
)

// Options are what a Door needs.
type Options struct {
	Config Config
	// Up lets whoever is on this host decide over loopback where auth is not
	// configured.
	Up bool
	// Socket is the path of the Unix socket, for those who are sent there.
	Socket string
	// Folder is the data folder, in which the key of the cookies is.
	Folder string
	// External is the URL of the screen; empty if it has none of its own.
	External string
	// LoginPage writes the page on which a person pastes a token, with what was
	// wrong before, one of the Problems or empty. The form posts token and next,
	// which is taken from the request.
	LoginPage func(w http.ResponseWriter, r *http.Request, status int, problem string)
	Log       *slog.Logger
}

// A Door lets people and agents in. It may be used by many at once.
type Door struct {
	o       Options
	ring    atomic.Pointer[keyring]
	secure  string // the host at which the screen is reached by TLS that ends before us
	logins  *limiter
	bearers *limiter
	claims  claims
}

// keyring is who is let in. It does not change: Load makes another one.
type keyring struct {
	configured bool // auth is: without, everybody on this host may look
	people     []person
	agents     []agent
	key        []byte // of the cookies
}

type person struct {
	name  string
	token roster.Digest
	may   []string
}

type agent struct {
	id    string
	token roster.Digest
}

// New reads the key of the cookies, or makes one. The configuration has been
// checked.
func New(o Options) (*Door, error) {
	d := &Door{o: o, logins: newLimiter(), bearers: newLimiter()}
	if u, err := url.Parse(o.External); err == nil && u.Scheme == "https" {
		d.secure = strings.ToLower(u.Host)
	}
	use, err := d.Load(o.Config)
	if err != nil {
		return nil, err
	}
	use()
	return d, nil
}

// Load makes ready who is let in by a configuration that has been checked.
// Nothing changes until use is called: from then on a token or cookie of
// somebody who is not in it opens nothing.
func (d *Door) Load(c Config) (use func(), err error) {
	ring := &keyring{configured: c.Any()}
	for _, p := range c.People {
		token, _ := roster.ParseDigest(p.TokenSHA256)
		ring.people = append(ring.people, person{p.Name, token, p.May})
		if len(p.May) == 0 {
			d.o.Log.Warn("a person may do nothing, not even look: give them may: [view]", "name", p.Name)
		}
	}
	for _, k := range c.Agents {
		token, _ := roster.ParseDigest(k.TokenSHA256)
		ring.agents = append(ring.agents, agent{k.ID, token})
	}
	if len(ring.people) > 0 {
		if ring.key, err = sessionKey(d.o.Folder); err != nil {
			return nil, fmt.Errorf("the key of the login cookies: %w", err)
		}
	}
	return func() { d.ring.Store(ring) }, nil
}

// Run says in the log once a minute how many wrong tokens were tried, until ctx
// ends.
func (d *Door) Run(ctx context.Context) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.report()
			return
		case <-tick.C:
			d.report()
		}
	}
}

func (d *Door) report() {
	d.logins.report(d.o.Log.With("way", "login"))
	d.bearers.report(d.o.Log.With("way", "authorization"))
}
