package selfreport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
)

// kept is a spool that remembers, or says an error.
type kept struct {
	mu      sync.Mutex
	err     error
	slow    time.Duration
	beats   int
	doubts  []report.Doubt // of the gates
	said    string         // data of the last beat
	refused []report.Refused
	ids     map[string]bool
	told    int64    // by a collector
	came    []string // how far the agent said to be
}

func (k *kept) Append(_ context.Context, b *report.Builder) error {
	k.mu.Lock()
	slow := k.slow
	k.mu.Unlock()
	time.Sleep(slow)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	r := b.Batch().Reader()
	for ev := (report.Event{}); r.Next(&ev); {
		if k.ids[ev.ID] || ev.Source != "tomeishi/agent/a1" || !slices.Equal(ev.Ext, []report.Attr{{Name: "agentid", Value: "a1"}}) || ev.Seen == 0 {
			return fmt.Errorf("event %+v", ev)
		}
		k.ids[strings.Clone(ev.ID)] = true
		switch ev.Type {
		case report.BeatType:
			k.beats++
			k.said = string(ev.Data)
		case report.ProgressType:
			k.came = append(k.came, string(ev.Data))
		case report.RefusedType:
			var x report.Refused
			if err := json.Unmarshal(ev.Data, &x); err != nil {
				return err
			}
			k.refused = append(k.refused, x)
		default:
			return errors.New(ev.Type)
		}
	}
	return nil
}

func (k *kept) doubted() []report.Doubt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.doubts
}

func (k *kept) hears() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.told
}

// TestProgress: each second it is told how far all has come, if a collector has told
// anything since.
func TestProgress(t *testing.T) {
	inBubble(t, func(_ *Reporter, k *kept) {
		for _, told := range []int64{0, 0, 7, 7, 9} {
			time.Sleep(progressEvery)
			synctest.Wait()
			k.mu.Lock()
			k.told = told
			k.mu.Unlock()
		}
		time.Sleep(progressEvery)
		synctest.Wait()
		k.mu.Lock()
		defer k.mu.Unlock()
		if want := []string{`{"ledger":7}`, `{"ledger":9}`}; !slices.Equal(k.came, want) {
			t.Errorf("says %v, want %v", k.came, want)
		}
	})
}

func (k *kept) fails(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

func (k *kept) beaten() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.beats
}

// taken is what came since the last call.
func (k *kept) taken() (out []report.Refused) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out, k.refused = k.refused, nil
	return out
}

// inBubble runs a reporter in a bubble of its own time.
func inBubble(t *testing.T, f func(r *Reporter, k *kept)) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{ids: map[string]bool{}}
		r := New(Options{
			Agent: "a1", Spool: k, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
			Refuses: func(gate string) bool { return gate != "open" }, Doubts: k.doubted, Told: k.hears,
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		f(r, k)
		cancel()
		wg.Wait()
	})
}

func at(gate string, closing uint64, ask ...string) Refusal {
	x := Refusal{Gate: gate, Closing: closing, Epoch: closing + 1, Ask: map[string]string{}}
	for i := 0; i < len(ask); i += 2 {
		x.Ask[ask[i]] = ask[i+1]
	}
	return x
}

func TestBeats(t *testing.T) {
	inBubble(t, func(_ *Reporter, k *kept) {
		synctest.Wait()
		if n := k.beaten(); n != 1 {
			t.Errorf("%d beats at the start", n)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if n := k.beaten(); n != 5 {
			t.Errorf("%d beats after a minute", n)
		}
		k.fails(errors.New("full"))
		time.Sleep(time.Minute)
		k.fails(nil)
		time.Sleep(beatEvery)
		synctest.Wait()
		if n := k.beaten(); n != 6 {
			t.Errorf("%d beats after a minute without room: it was not to be made up for", n)
		}
	})
}

// TestDoubts: a beat says why gates are answered without the collector's word, as
// long as they are.
func TestDoubts(t *testing.T) {
	inBubble(t, func(_ *Reporter, k *kept) {
		for _, c := range []struct {
			doubts []report.Doubt
			want   string
		}{
			{nil, ""},
			{[]report.Doubt{{Why: report.DoubtMemory}, {Why: report.DoubtLease, Gates: []string{"a/b"}}}, `{"doubts":[{"why":"memory"},{"why":"lease","gates":["a/b"]}]}`},
			{nil, ""},
		} {
			k.mu.Lock()
			k.doubts = c.doubts
			k.mu.Unlock()
			time.Sleep(beatEvery)
			synctest.Wait()
			k.mu.Lock()
			if k.said != c.want {
				t.Errorf("%+v: says %q", c.doubts, k.said)
			}
			k.mu.Unlock()
		}
	})
}

func TestARequestIsToldOncePerClosing(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		steps := []struct {
			name string
			x    Refusal
			want []report.Refused
		}{
			{"first", at("g", 1, "request", "w1", "asset", "BTC", "amount", "1"), []report.Refused{{Gate: "g", Epoch: 2, Request: "w1", Asset: "BTC", Amount: "1"}}},
			{"again", at("g", 1, "request", "w1", "asset", "BTC", "amount", "2"), nil},
			{"another", at("g", 1, "request", "w2", "customer", "c", "address", "a", "tag", "t"), []report.Refused{{Gate: "g", Epoch: 2, Request: "w2", Customer: "c", Address: "a"}}},
			{"another gate", at("h", 1, "request", "w1"), []report.Refused{{Gate: "h", Epoch: 2, Request: "w1"}}},
			{"without the collector's word", Refusal{Gate: "g", Closing: 1, Unsure: "unreachable", Ask: map[string]string{"request": "w1"}}, []report.Refused{{Gate: "g", Request: "w1", Why: "unreachable"}}},
			{"with it again", at("g", 1, "request", "w1"), []report.Refused{{Gate: "g", Epoch: 2, Request: "w1"}}},
			{"the next closing", at("g", 7, "request", "w1"), []report.Refused{{Gate: "g", Epoch: 8, Request: "w1"}}},
			{"too long to be repeated", at("g", 7, "request", "w3", "address", strings.Repeat("a", maxField+1)), []report.Refused{{Gate: "g", Epoch: 8, Request: "w3"}}},
			{"a name that is too long is none", at("g", 7, "request", strings.Repeat("a", maxField+1)), []report.Refused{{Gate: "g", Epoch: 8, Unnamed: 1}}},
			{"a gate that is open by now", at("open", 1, "request", "w1"), []report.Refused{{Gate: "open", Epoch: 2, Request: "w1"}}},
		}
		for _, s := range steps {
			r.Refused(s.x)
			time.Sleep(pace)
			synctest.Wait()
			if got := k.taken(); !slices.Equal(got, s.want) {
				t.Errorf("%s: %+v, want %+v", s.name, got, s.want)
			}
		}
		time.Sleep(beatEvery)
		synctest.Wait()
		r.refused.mu.Lock()
		defer r.refused.mu.Unlock()
		if len(r.refused.closings) != 2 || r.refused.closings["open"] != nil {
			t.Errorf("remembers %v", r.refused.closings)
		}
	})
}

func TestUnnamedAsksAreCounted(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		begin := time.Now()
		for range 1200 {
			r.Refused(at("g", 1, "customer", "c"))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(unnamedEvery)
		synctest.Wait()
		total, got := uint64(0), k.taken()
		for _, x := range got {
			total += x.Unnamed
		}
		if most := int(time.Since(begin)/unnamedEvery) + 1; total != 1200 || len(got) > most || len(got) < 3 {
			t.Errorf("%d events say %d", len(got), total)
		}
	})
}

// TestBounds: 200 events a second, so many that wait and so many of a closing;
// what is dropped is told when it is asked for again.
func TestBounds(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		synctest.Wait()
		k.mu.Lock()
		k.slow = time.Millisecond
		k.mu.Unlock()
		ask := func(from, to int) {
			for i := from; i < to; i++ {
				r.Refused(at(fmt.Sprint("g", i%2), 1, "request", fmt.Sprint("w", i)))
			}
		}
		begin := time.Now()
		ask(0, maxQueue+3000)
		if time.Since(begin) != 0 {
			t.Error("telling waited")
		}
		if n := r.refused.dropped.Get(); n > 3000 || n < 3000-batchMost {
			t.Errorf("%d dropped, want 3000, less what was taken meanwhile", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		first := len(k.taken())
		if first < 1900 || first > 2000+batchMost {
			t.Errorf("%d in ten seconds", first)
		}
		time.Sleep(time.Minute)
		ask(0, maxQueue+3000)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := first + len(k.taken()); n != maxQueue+3000 {
			t.Errorf("%d told at last", n)
		}
		ask(maxQueue+3000, 3*maxTold)
		for range 4 {
			time.Sleep(time.Minute)
			ask(maxQueue+3000, 3*maxTold)
		}
		synctest.Wait()
		if n := len(k.taken()); n != 2*maxTold-maxQueue-3000 {
			t.Errorf("%d more of two closings", n)
		}
		if n := r.refused.asks.Get(); n != uint64(2*(maxQueue+3000)+5*(3*maxTold-maxQueue-3000)) {
			t.Errorf("%d asks", n)
		}
	})
}

// TestRate: also what comes one by one is reported 200 times a second at most.
func TestRate(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		for i := range 8000 {
			r.Refused(at("g", 1, "request", fmt.Sprint("w", i)))
			time.Sleep(10 * time.Second / 8000)
		}
		synctest.Wait()
		if n := len(k.taken()); n > 2000+batchMost || n < 1900 {
			t.Errorf("%d in ten seconds", n)
		}
	})
}

func TestWhatTheSpoolRefusedIsToldAgain(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		k.fails(errors.New("full"))
		r.Refused(at("g", 1, "request", "w1"))
		time.Sleep(pace)
		synctest.Wait()
		if n := r.refused.dropped.Get(); n != 1 {
			t.Errorf("%d dropped", n)
		}
		k.fails(nil)
		r.Refused(at("g", 1, "request", "w1"))
		time.Sleep(pace)
		synctest.Wait()
		if got := k.taken(); len(got) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func BenchmarkRefused(b *testing.B) {
	r := New(Options{Agent: "a1", Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	for _, c := range []struct {
		name string
		of   int
	}{{"known", 1}, {"new", maxTold - 1}} {
		asks := make([]Refusal, c.of)
		for i := range asks {
			asks[i] = at("g", 1, "request", fmt.Sprint("w", i), "asset", "BTC", "amount", "0.1", "address", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if c.of > 1 && i%c.of == 0 {
					r.refused.closings, r.refused.queue = map[string]*closing{}, nil
				}
				r.Refused(asks[i%c.of])
			}
		})
	}
}
