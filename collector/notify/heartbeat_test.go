package notify

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/machine"
)

func TestWatchdogRoutes(t *testing.T) {
	useMatchers()
	const own = "route: {receiver: r, routes: [%]}\nreceivers: [{name: r}, {name: tomeishi-watchdog}, {name: tomeishi-heartbeat}]\n"
	heartbeat := Heartbeat{URLFile: "/run/url", Every: 30 * time.Second}
	for _, c := range []struct {
		name, routes string
		h            Heartbeat
		want         string // receivers of Watchdog
	}{
		{"nobody names it", "", Heartbeat{}, "tomeishi-watchdog-1"},
		{"everything is no name", `{receiver: r, matchers: ['alertname=~".+"']}`, Heartbeat{}, "tomeishi-watchdog-1"},
		{"a heartbeat", "", heartbeat, "tomeishi-heartbeat-1"},
		{"a matcher", `{receiver: r, matchers: ['alertname="Watchdog"']}`, Heartbeat{}, "r"},
		{"an expression", `{receiver: r, matchers: ['alertname=~"Watchdog|Other"']}`, Heartbeat{}, "r"},
		{"the old form", `{receiver: r, match: {alertname: Watchdog}}`, Heartbeat{}, "r"},
		{"the old expression", `{receiver: r, match_re: {alertname: Watchdog|Other}}`, Heartbeat{}, "r"},
		{"deeper", `{receiver: r, routes: [{matchers: ['alertname="Watchdog"']}]}`, Heartbeat{}, "r"},
		{"another label", `{receiver: r, matchers: ['rule="Watchdog"']}`, Heartbeat{}, "tomeishi-watchdog-1"},
		{"both", `{receiver: r, matchers: ['alertname="Watchdog"']}`, heartbeat, "tomeishi-heartbeat-1 r"},
	} {
		conf, err := config.Load(strings.Replace(own, "%", c.routes, 1))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		name := addWatchdog(conf, c.h)
		root := dispatch.NewRoute(conf.Route, nil)
		var got []string
		for _, r := range root.Match(model.LabelSet{"alertname": watchdog, "tomeishi": "built-in"}) {
			got = append(got, r.RouteOpts.Receiver)
			if r.RouteOpts.Receiver == name && (r.RouteOpts.GroupInterval != c.h.Every || r.RouteOpts.RepeatInterval >= c.h.Every || r.RouteOpts.GroupWait != 0) {
				t.Errorf("%s: heartbeat by %+v", c.name, r.RouteOpts)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.name, got, c.want)
		}
		for _, other := range []model.LabelSet{{"alertname": "Other"}, {"alertname": watchdog}, {"alertname": watchdog, "severity": "none"}} {
			for _, r := range root.Match(other) {
				if r.RouteOpts.Receiver != "r" {
					t.Errorf("%s: %v, which is a user's, goes to %s", c.name, other, r.RouteOpts.Receiver)
				}
			}
		}
	}
}

func TestHeartbeatCheck(t *testing.T) {
	for every, ok := range map[time.Duration]bool{0: true, 10 * time.Second: true, 9 * time.Second: false, -time.Second: false} {
		if err := (Heartbeat{URLFile: "f", Every: every}).check(); (err == nil) != ok {
			t.Errorf("%v: %v", every, err)
		}
	}
}

// TestHeartbeatUnrecorded: heartbeats go out as long as Watchdog stands, and
// leave nothing in the ledger.
func TestHeartbeatUnrecorded(t *testing.T) {
	beats := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats <- struct{}{} }))
	t.Cleanup(s.Close)
	w := newWorld(t, "")
	w.o.Heartbeat = Heartbeat{URLFile: write(t, s.URL+"\n")}
	w.start()
	w.raise(an("w", watchdog, machine.Mark, machine.MarkBuiltIn), an("c", "Grave", "severity", "critical"))
	<-beats
	w.awaitTold(1)
	w.stop()
	for _, told := range w.told() {
		if told.Receiver != screenReceiver {
			t.Errorf("recorded %+v", told)
		}
	}
	for _, k := range w.kept() {
		if !strings.Contains(k.Key, "Grave") {
			t.Errorf("kept %s", k.Key)
		}
	}
}
