package auth

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// period is over what failures count.
	period = time.Minute
	// maxFailures is how many wrong tokens one address may try in a period.
	maxFailures = 10
	// maxTotal is how many all may try together. It bounds the memory too.
	maxTotal = 1000
)

// limiter counts wrong tokens by who sent them, over the last minute exactly.
// A refusal because of the limit does not count, so that it ends by
// itself even if somebody tries on.
type limiter struct {
	mu    sync.Mutex // guards what follows
	total failures
	of    map[netip.Addr]*sentFrom // at most maxTotal
	tried int                      // since the last report
}

type sentFrom struct {
	failures
	tried int // since the last report
}

func newLimiter() *limiter { return &limiter{of: map[netip.Addr]*sentFrom{}} }

// failures are the times of failures, oldest first.
type failures []time.Time

// left is how long it takes until there are fewer than most within the period;
// 0 if there are.
func (f *failures) left(now time.Time, most int) time.Duration {
	old := 0
	for old < len(*f) && now.Sub((*f)[old]) >= period {
		old++
	}
	*f = slices.Delete(*f, 0, old)
	if len(*f) < most {
		return 0
	}
	return (*f)[len(*f)-most].Add(period).Sub(now)
}

// try checks what the sender shows, unless it has to wait: then nothing is
// checked.
func (l *limiter) try(from netip.Addr, check func() bool) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := l.of[from]
	wait = l.total.left(now, maxTotal)
	if s != nil {
		wait = max(wait, s.left(now, maxFailures))
	}
	if wait == 0 && check() {
		return true, 0
	}
	l.tried++
	if s == nil {
		if s = l.add(from, now); s == nil {
			return false, max(wait, time.Second)
		}
	}
	s.tried++
	if wait == 0 {
		s.failures = append(s.failures, now)
		l.total = append(l.total, now)
	}
	return false, wait
}

// failed counts a wrong token. The sender has to wait so long, if it must.
func (l *limiter) failed(from netip.Addr) time.Duration {
	_, wait := l.try(from, func() bool { return false })
	return wait
}

// add makes room for one address more; nil if there is none, which is only
// where the total is reached.
func (l *limiter) add(from netip.Addr, now time.Time) *sentFrom {
	if len(l.of) >= maxTotal {
		l.sweep(now)
	}
	if len(l.of) >= maxTotal {
		return nil
	}
	s := &sentFrom{}
	l.of[from] = s
	return s
}

// sweep forgets addresses that did nothing lately.
func (l *limiter) sweep(now time.Time) {
	for from, s := range l.of {
		if s.left(now, maxFailures); len(s.failures) == 0 {
			delete(l.of, from)
		}
	}
}

// report says how many wrong tokens were tried since the last report, and who
// tried most.
func (l *limiter) report(log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var most netip.Addr
	worst, addresses := 0, 0
	for from, s := range l.of {
		if s.tried > 0 {
			addresses++
		}
		if s.tried > worst {
			most, worst = from, s.tried
		}
		s.tried = 0
	}
	if l.tried > 0 {
		log.Warn("wrong tokens were tried", "tried", l.tried, "addresses", addresses, "most_from", most.String(), "tried_there", worst)
	}
	l.tried = 0
	l.sweep(time.Now())
}

// sender is the address that a request came from; of IPv6 the network, since
// one sender has all of it.
func sender(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := from.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
