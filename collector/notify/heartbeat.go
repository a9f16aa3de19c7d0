package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/config"
	amcommon "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// watchdog is the name of the alert that always stands.
const watchdog = "Watchdog"

const (
	everyDefault = time.Minute
	everyLeast   = 10 * time.Second
)

func (h Heartbeat) check() error {
	if h.URLFile != "" && h.Every != 0 && h.Every < everyLeast {
		return fmt.Errorf("heartbeat.every: %s is too often; at least %s", h.Every, everyLeast)
	}
	return nil
}

// addWatchdog routes the built-in alert that always stands, and none of a user's
// by the same name: to the heartbeat if there is
// one, and not to the user's receivers unless their routes name it. The
// heartbeat goes through everything that a page goes through. It returns the
// name of the heartbeat's receiver.
func addWatchdog(c *config.Config, h Heartbeat) string {
	named := namesWatchdog(c.Route)
	if named && h.URLFile == "" {
		return ""
	}
	route := &config.Route{
		Receiver:   freeName(c, "tomeishi-watchdog"),
		Matchers:   amcommon.Matchers{equals(model.AlertNameLabel, watchdog), equals(machine.Mark, machine.MarkBuiltIn)},
		GroupByStr: []string{}, GroupBy: []model.LabelName{}, Continue: named,
	}
	rcv := config.Receiver{Name: route.Receiver}
	heartbeat := ""
	if h.URLFile != "" {
		every := h.Every
		if every == 0 {
			every = everyDefault
		}
		// A flush tells again what was told longer ago than the repeat interval.
		// It must be shorter than the one of the group, or each answer that took
		// a moment would cost the next beat.
		wait, interval, repeat := model.Duration(0), model.Duration(every), model.Duration(every/2)
		route.GroupWait, route.GroupInterval, route.RepeatInterval = &wait, &interval, &repeat
		route.Receiver = freeName(c, "tomeishi-heartbeat")
		rcv.Name, heartbeat = route.Receiver, route.Receiver
		rcv.WebhookConfigs = []*webhook.WebhookConfig{{
			HTTPConfig: c.Global.HTTPConfig, URLFile: h.URLFile, Timeout: everyLeast,
		}}
	}
	rcv.Labels = map[string]string{"name": rcv.Name}
	c.Route.Routes = append([]*config.Route{route}, c.Route.Routes...)
	c.Receivers = append(c.Receivers, rcv)
	return heartbeat
}

// equals is a matcher of constants.
func equals(name, value string) *labels.Matcher {
	m, err := labels.NewMatcher(labels.MatchEqual, name, value)
	if err != nil {
		panic(err) // only patterns can be wrong
	}
	return m
}

// freeName is the name, with a number if the user has it already.
func freeName(c *config.Config, name string) string {
	for i, free := 1, name; ; i++ {
		if !slices.ContainsFunc(c.Receivers, func(r config.Receiver) bool { return r.Name == free }) {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, i)
	}
}

// namesWatchdog tells whether the routes name the alert.
func namesWatchdog(r *config.Route) bool {
	if r.Match[model.AlertNameLabel] == watchdog || namesIt(r.MatchRE[model.AlertNameLabel].Regexp) {
		return true
	}
	for _, m := range r.Matchers {
		switch {
		case m.Name != model.AlertNameLabel:
		case m.Type == labels.MatchEqual && m.Value == watchdog,
			m.Type == labels.MatchRegexp && strings.Contains(m.Value, watchdog):
			return true
		}
	}
	return slices.ContainsFunc(r.Routes, namesWatchdog)
}

// namesIt tells whether an expression has the name in it; that it matches
// everything is no name.
func namesIt(re *regexp.Regexp) bool { return re != nil && strings.Contains(re.String(), watchdog) }

// heartbeats tells whether a receiver is the one of heartbeats. What it was
// told is neither people's business nor worth an entry in the ledger.
func (n *Notifier) heartbeats(receiver string) bool {
	e := n.engine.Load()
	return e != nil && e.heartbeat != "" && e.heartbeat == receiver
}
