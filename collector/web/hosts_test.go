package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHostsPage(t *testing.T) {
	s := newScene(t).busy()
	page := s.get("/hosts", http.StatusOK)
	s.wants(page, "9 hosts", "1 not heard", "silent", "clock off", "CPU", "Memory", "no data")
	last := -1
	for _, name := range []string{"db9", "web1", "wallet1", "db1", "payer2", "cache1", "db2"} { // silent, blind, clock off, critical, warning, well
		at := strings.Index(page, `<a href="/hosts/`+name+`">`)
		if at <= last {
			t.Errorf("%s is at %d, after %d", name, at, last)
		}
		last = at
	}
	if n := strings.Count(page, `<svg class="spark"`); n != 9*5 {
		t.Errorf("%d sparks", n)
	}
	if n := strings.Count(page, `<path class="h"`); n != 5 { // of the silent one
		t.Errorf("%d sparks have holes", n)
	}
	one := s.get("/hosts?q=DB", http.StatusOK)
	if n := strings.Count(one, `<th scope="row">`); n != 3 {
		t.Errorf("%d hosts have db in their names", n)
	}
	s.wants(s.get("/hosts?q=nobody", http.StatusOK), "No host is like this")
}

// TestManyHosts has a hundred hosts and ten who look at them: five queries, and
// a page of a bounded size.
func TestManyHosts(t *testing.T) {
	s := newScene(t)
	s.at(10 * time.Second)
	for i := range 250 {
		s.speak(0, fmt.Sprintf("host%03d", i))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	asked, inner := 0, s.web.o.Signals
	s.web.o.Signals = signals(func(ctx context.Context, query string, from, to time.Time, step time.Duration, each func(map[string]string, []int64, []float64)) error {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return inner.Range(ctx, query, from, to, step, each)
	})
	for range 10 {
		wg.Go(func() {
			page := s.get("/hosts", http.StatusOK)
			if n := strings.Count(page, `<th scope="row">`); n != maxRows {
				t.Errorf("%d rows", n)
			}
			s.wants(page, "250 hosts", "50 more hosts are not shown")
			if len(page) > 3500*maxRows {
				t.Errorf("the page has %d bytes", len(page))
			}
		})
	}
	wg.Wait()
	if asked != len(fleetSignals) {
		t.Errorf("%d queries", asked)
	}
}

func TestHostPage(t *testing.T) {
	s := newScene(t).busy()
	page := s.get("/hosts/db9", http.StatusOK)
	s.wants(page, "silent", "Nothing has been heard from agent db9", "<title>CPU</title>", "Disk space used", "/var/lib/postgresql", "no data", `class="hole"`,
		`aria-current="true">15 min`, `href="?span=7d"`, "It has sent no events.")
	s.lacks(page, "Connections tracked") // nothing is known of any
	if n := strings.Count(page, `<figure class="chart`); n != 8 {
		t.Errorf("%d pictures", n)
	}
	s.wants(s.get("/hosts/wallet1", http.StatusOK), "clock off", "&#43;3 s from the collector&#39;s")
	s.wants(s.get("/hosts/web1", http.StatusOK), "blocks 2 to 4 never came")
	s.wants(s.get("/hosts/db1", http.StatusOK), "/var/lib/postgresql of db1 is full")
	s.wants(s.get("/hosts/db1?span=7d", http.StatusOK), `aria-current="true">7 d`)
	s.wants(s.get("/hosts/db1?span=bogus", http.StatusOK), `aria-current="true">15 min`)
	s.wants(s.get("/hosts/"+url.PathEscape(markup), http.StatusNotFound), "This host is not known", "&lt;script&gt;")
}

// TestOddHost has an agent whose name is markup, with a slash and a quote in it.
func TestOddHost(t *testing.T) {
	s := newScene(t)
	s.at(10 * time.Second)
	s.speak(0, markup)
	s.lacks(s.get("/hosts", http.StatusOK), "<script>alert", "<img")
	page := s.get(hostURL(markup), http.StatusOK)
	s.lacks(page, "<script>alert", "<img")
	s.wants(page, "<figure")
}

// TestUnknownSignals has a collector that cannot say what was measured: that is
// not zero, and the hosts are listed.
func TestUnknownSignals(t *testing.T) {
	s := newScene(t).busy()
	s.web.o.Signals = signals(func(context.Context, string, time.Time, time.Time, time.Duration, func(map[string]string, []int64, []float64)) error {
		return errors.New("too many queries wait already")
	})
	s.wants(s.get("/hosts", http.StatusOK), "Some signals are not known: too many queries wait already", "no data", "/hosts/db1")
	page := s.get("/hosts/db1", http.StatusOK)
	s.wants(page, "This is not known: too many queries wait already")
	s.lacks(page, "<figure")
	s.web.o.Signals = nil
	s.wants(s.get("/hosts/db1", http.StatusOK), "This collector keeps no metrics.")
	s.lacks(s.get("/hosts", http.StatusOK), `class="spark"`)
}

func TestNoHosts(t *testing.T) {
	s := newScene(t)
	s.wants(s.get("/hosts", http.StatusOK), "No agent was heard yet", "Start tomeishi-agent on a host")
}

// TestSpanOf shows an hour, but not of a host that is known for minutes.
func TestSpanOf(t *testing.T) {
	for _, tt := range []struct {
		asked  string
		frames uint64
		want   string
	}{
		{"", 60, "15m"},
		{"", youngFrames, "1h"},
		{"7d", 60, "7d"},
		{"15m", 1e6, "15m"},
		{"forever", 1e6, "1h"},
	} {
		if got := spanOf(tt.asked, tt.frames).ID; got != tt.want {
			t.Errorf("asked %q after %d frames: %s, want %s", tt.asked, tt.frames, got, tt.want)
		}
	}
}
