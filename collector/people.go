package collector

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/web"
)

// maxEvidenceTold is how much of its evidence, the newest, the annotations of
// an alert may name.
const maxEvidenceTold = 10

// openPeople makes what speaks to people. It comes after the doors are known:
// what is told links to them.
func (c *Collector) openPeople() error {
	zone, err := c.o.Config.Zone()
	if err != nil {
		return err
	}
	c.message = message.New(message.Options{
		Machine: c.machine, Evidence: c.evidence,
		Language: message.Language(c.o.Config.Language), Zone: zone, External: c.external(),
	})
	c.notify, err = notify.New(notify.Options{
		Feed: c.machine.Follow(), Kept: c.machine.KeptView(),
		Propose: func(ctx context.Context, n entry.NotifyState) error {
			_, err := c.must(ctx, entry.KindNotifyState, n)
			return err
		},
		Annotations: c.annotations, Page: c.page,
		File:      c.o.Config.Alertmanager,
		Heartbeat: notify.Heartbeat{URLFile: c.o.Config.Heartbeat.URLFile, Every: c.o.Config.Heartbeat.Every},
		External:  c.external(), Actor: c.actor, Log: c.log.With("component", "notify"),
	})
	if err != nil {
		return err
	}
	if err := c.notify.Unread(); err != nil {
		c.log.Error("people are told on the screen only, and no heartbeat is sent: the alertmanager configuration cannot be read", "error", err)
		o := c.reload.get()
		o.err = errors.Join(o.err, badReceivers(err))
		c.reload.outcome.Store(&o)
	}
	return nil
}

// external is where people reach the screen, without a slash at its end.
func (c *Collector) external() string {
	if u := strings.TrimRight(c.o.Config.ExternalURL, "/"); u != "" {
		return u
	}
	url := c.URL()
	host, port, err := net.SplitHostPort(c.Addr())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return url
	}
	name, err := os.Hostname()
	if err != nil {
		return url
	}
	scheme, _, _ := strings.Cut(url, "://")
	return scheme + "://" + net.JoinHostPort(name, port)
}

// annotations are what an alert is told with. Its evidence is looked up only if
// they ask for it: that reads the tape.
func (c *Collector) annotations(a machine.Alert) map[string]string {
	return c.message.Annotations(a, c.namedEvidence(a))
}

func (c *Collector) namedEvidence(a machine.Alert) []string {
	asks := slices.ContainsFunc(a.Annotations, func(l machine.Label) bool { return strings.Contains(l.Value, "vidence") })
	if a.Rendered() || !asks {
		return nil
	}
	return c.evidence(a.Evidence[max(0, len(a.Evidence)-maxEvidenceTold):])
}

// page is what people are told of the alert with this id, as it is now.
func (c *Collector) page(alert string) (headline, text, link string, ok bool) {
	a, ok := c.machine.AlertView(alert)
	if !ok {
		return "", "", "", false
	}
	p := c.message.Page(a)
	return p.Headline, p.Text(), p.URL, true
}

// screen makes the pages for browsers.
func (c *Collector) screen() *web.Web {
	return web.New(web.Options{
		Machine: c.machine, Message: c.message, Language: message.Language(c.o.Config.Language), Evidence: c.evidence,
		Silences: c.notify, Asker: c.asker, Actor: c.actor,
		Decide: func(ctx context.Context, d entry.Decision) (any, error) {
			return c.submit(ctx, entry.KindDecision, d)
		},
		Range: c.series.Range, Groups: c.rules.Groups, Trouble: c.trouble, Version: c.o.Version,
	})
}

func (c *Collector) asker(r *http.Request) web.Asker {
	id := auth.Of(r)
	return web.Asker{Name: id.Name, May: id.May, LogOut: id.Session}
}

// trouble is what is wrong with the collector and no alert says.
func (c *Collector) trouble() []string {
	if err := c.reload.get().err; err != nil { // the alert comes within seconds
		first, _, _ := strings.Cut(err.Error(), "\n")
		return []string{first}
	}
	if err := c.Ready(); err != nil {
		return []string{err.Error()}
	}
	return nil
}
