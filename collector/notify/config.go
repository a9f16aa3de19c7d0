package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify/pagerduty"
)

// screenReceiver is the receiver of the built-in configuration: the screen.
const screenReceiver = "screen"

// builtIn is the configuration without a file. Alerts of one rule are told
// together: ten thousand in a second are one notification, after five seconds.
// A critical alert is told at once, and again within five seconds when more of
// it comes; each gate by itself, because that is what a person acts on, and not
// each host, because a hundred pages at once are read by nobody.
const builtIn = `
route:
  receiver: screen
  group_by: [alertname]
  group_wait: 5s
  group_interval: 30s
  repeat_interval: 4h
  routes:
    - matchers: ['severity="critical"']
      group_by: [alertname, gate]
      group_wait: 0s
      group_interval: 5s
receivers:
  - name: screen
`

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// A loaded configuration, with what is ours in it.
type loaded struct {
	conf      *config.Config
	heartbeat string // name of its receiver, if there is one
	findings  []Finding
	text      []byte // of the file
}

// read reads a configuration and adds what is ours.
func read(file string, h Heartbeat, log *slog.Logger) (loaded, error) {
	var c loaded
	var err error
	if file == "" {
		c.conf, err = config.Load(builtIn)
	} else {
		c.conf, c.text, err = readFile(file)
	}
	if err != nil {
		return c, err
	}
	c.findings = find(c.text, filepath.Dir(file))
	c.heartbeat = addWatchdog(c.conf, h)
	pagerDuty(c.conf)
	log.Debug("alertmanager configuration read", "file", file, "receivers", len(c.conf.Receivers))
	return c, nil
}

func readFile(file string) (*config.Config, []byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the alertmanager configuration: %w", err)
	}
	if info.Size() > maxFile {
		return nil, nil, fmt.Errorf("%s: %d bytes, at most %d", file, info.Size(), maxFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the alertmanager configuration: %w", err)
	}
	conf, err := loadFile(file)
	if err != nil {
		return nil, nil, explain(file, text, err)
	}
	besideFile(conf, file)
	return conf, text, nil
}

var errPanic = errors.New("alertmanager cannot read this: look for an entry of a list that is empty")

// loadFile is Alertmanager's, which panics at some files.
func loadFile(file string) (*config.Config, error) {
	return guarded(func() (*config.Config, error) { return config.LoadFile(file) })
}

func load(text string) (*config.Config, error) {
	return guarded(func() (*config.Config, error) { return config.Load(text) })
}

func guarded(read func() (*config.Config, error)) (c *config.Config, err error) {
	defer func() {
		if recover() != nil {
			c, err = nil, errPanic
		}
	}()
	return read()
}

// pagerDuty makes incidents say their severity and their page where the user
// has not said what they should say.
func pagerDuty(c *config.Config) {
	for _, rcv := range c.Receivers {
		for _, p := range rcv.PagerdutyConfigs {
			if p.Severity == "" {
				p.Severity = `{{ template "tomeishi.severity" . }}`
			}
			if len(p.Links) == 0 {
				p.Links = []pagerduty.PagerdutyLink{{Href: `{{ template "tomeishi.link" . }}`, Text: "Tomeishi"}}
			}
			for _, of := range []struct{ name, ours string }{
				{"firing", `{{ template "tomeishi.details" .Alerts.Firing }}`},
				{"resolved", `{{ template "tomeishi.details" .Alerts.Resolved }}`},
			} {
				if p.Details[of.name] == pagerduty.DefaultPagerdutyDetails[of.name] {
					p.Details[of.name] = of.ours
				}
			}
		}
	}
}

// timeoutOf is the timeout that the user gave an integration, 0 if none.
func timeoutOf(rcv *config.Receiver, name string, i int) time.Duration {
	switch name {
	case "webhook":
		if i < len(rcv.WebhookConfigs) {
			return rcv.WebhookConfigs[i].Timeout
		}
	case "pagerduty":
		return rcv.PagerdutyConfigs[i].Timeout
	case "slack":
		return rcv.SlackConfigs[i].Timeout
	case "incidentio":
		return rcv.IncidentioConfigs[i].Timeout
	}
	return 0
}
