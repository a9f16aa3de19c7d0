package collector

import (
	"net"
	"os"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// maxEvidenceTold is how much of its evidence, the newest, the annotations of
// an alert may name.
const maxEvidenceTold = 10

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

// eyes are how the machine looks to somebody, and what is said of it.
type eyes struct {
	machine machine.Shown
	message *message.Writer
}

// annotations are what an alert is told with. Its evidence is looked up only if
// they ask for it: that reads the tape.
func (c *Collector) annotations(a machine.Alert) map[string]string {
	return c.masked.message.Annotations(a, c.namedEvidence(a))
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
	a, ok := c.masked.machine.AlertView(alert)
	if !ok {
		return "", "", "", false
	}
	p := c.masked.message.Page(a)
	return p.Headline, p.Text(), p.URL, true
}
