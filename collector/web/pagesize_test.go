package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/message"
)

// Goals of the first page.
const (
	maxPage = 100 << 10 // bytes, with what it loads, before they are squeezed
	maxMake = 50 * time.Millisecond
)

// busy is a cell with a hundred hosts, some alerts and a closed gate.
func busy(t testing.TB, alerts int) *screen {
	s := newScreen(t, message.English)
	s.hears(100, time.Now())
	s.paysTwice("w1")
	data := make([]string, alerts)
	for i := range data {
		data[i] = fmt.Sprintf(`{"request":"w%05d"}`, i)
	}
	s.reports("payout.paid", data...)
	if c := s.Counts(); c.Standing < alerts {
		t.Fatalf("%d alerts stand, want %d", c.Standing, alerts)
	}
	return s
}

// TestFirstPageSize has a hundred hosts and fifty alerts, then a thousand.
func TestFirstPageSize(t *testing.T) {
	for _, alerts := range []int{50, 1000} {
		s := busy(t, alerts)
		page := s.get("/")
		says(t, page, http.StatusOK, s.web.speech[message.English].words.T("%d alerts", alerts), "100 of 100 hosts heard")
		size := page.Body.Len()
		for _, a := range s.web.assets {
			size += len(a.plain)
		}
		t.Logf("%d alerts: the page has %d bytes, %d with what it loads", alerts, page.Body.Len(), size)
		if size > maxPage {
			t.Errorf("%d alerts: %d bytes, want at most %d", alerts, size, maxPage)
		}
	}
}

// TestFirstPageTime is generous, because it runs beside other tests; the
// benchmark says how long it takes.
func TestFirstPageTime(t *testing.T) {
	s := busy(t, 1000)
	s.get("/")
	best := time.Hour
	for range 5 {
		began := time.Now()
		s.get("/")
		best = min(best, time.Since(began))
	}
	if best > maxMake {
		t.Errorf("the first page took %s to make, want at most %s", best, maxMake)
	}
}

// BenchmarkFirstPage makes the first page.
func BenchmarkFirstPage(b *testing.B) {
	for _, alerts := range []int{50, 1000} {
		b.Run(fmt.Sprintf("alerts=%d", alerts), func(b *testing.B) {
			s := busy(b, alerts)
			b.ReportAllocs()
			for b.Loop() {
				s.get("/")
			}
		})
	}
}

// TestSqueezed sends less to browsers that take it.
func TestSqueezed(t *testing.T) {
	s := busy(t, 50)
	r := s.get("/")
	if r.Header().Get("Content-Encoding") != "" || !strings.Contains(r.Body.String(), "<!DOCTYPE html>") {
		t.Error("squeezed, though nobody asked for it")
	}
	squeezed := s.getSqueezed("/")
	if got := squeezed.Header().Get("Content-Encoding"); got != "gzip" || squeezed.Body.Len() > r.Body.Len()/3 {
		t.Errorf("encoding %q, %d bytes of %d", got, squeezed.Body.Len(), r.Body.Len())
	}
}
