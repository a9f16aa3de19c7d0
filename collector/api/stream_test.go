package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// pipes is a listener in memory, for servers in a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// streaming is a server like the collector's, with what it streams.
type streaming struct {
	*cell
	*pipes
	api      *API
	stopping chan struct{}
	still    func(*http.Request) error
}

func newStreaming(t *testing.T) *streaming {
	s := &streaming{
		cell: newCell(t), pipes: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}, stopping: make(chan struct{}),
		still: func(*http.Request) error { return nil },
	}
	around := &edge{stopping: s.stopping, still: func(r *http.Request) error { return s.still(r) }}
	s.api = &API{Options: Options{Machine: s.Machine.Shown(true), Access: around, Lifecycle: around}}
	mux := http.NewServeMux()
	s.api.Register(mux)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(s.pipes); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return s
}

// listener is a client that reads.
type listener struct {
	t    *testing.T
	resp *http.Response
	got  chan string // an event or a comment, in one line
	quit func()
}

// listen opens a stream over a connection of its own.
func (s *streaming) listen(t *testing.T) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial(), nil }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, resp: resp, got: make(chan string, 1000)}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(l.got)
		defer resp.Body.Close()
		var lines []string
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			if in.Text() != "" {
				lines = append(lines, in.Text())
				continue
			}
			l.got <- strings.Join(lines, "|")
			lines = nil
		}
	})
	l.quit = func() {
		cancel()
		wg.Wait()
		tr.CloseIdleConnections()
	}
	t.Cleanup(l.quit)
	return l
}

// news are the events that have come.
func (l *listener) news() (out []change) {
	l.t.Helper()
	synctest.Wait()
	for {
		select {
		case text, ok := <-l.got:
			if !ok {
				return out
			}
			out = append(out, l.decode(text)...)
		default:
			return out
		}
	}
}

func (l *listener) decode(text string) []change {
	if strings.HasPrefix(text, ":") {
		return nil
	}
	head, data, ok := strings.Cut(text, "|data: ")
	var c change
	if err := json.Unmarshal([]byte(data), &c); !ok || err != nil || head != fmt.Sprintf("event: change|id: %d|retry: 2000", c.Index) {
		l.t.Errorf("an event is %q: %v", text, err)
	}
	return []change{c}
}

func (l *listener) ended() bool {
	synctest.Wait()
	for {
		select {
		case _, ok := <-l.got:
			if !ok {
				return true
			}
		default:
			return false
		}
	}
}

// hears makes an agent known, which is not about gates.
func (c *cell) hears(agent string) { c.speaks(agent, time.Now()) }

// TestStream tells a gate at once, and the rest at most twice a second.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		l := s.listen(t)
		h := l.resp.Header
		if h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || h.Get("X-Accel-Buffering") != "no" {
			t.Errorf("header %v", h)
		}
		index, _, at := s.At()
		first := l.news()
		v, _ := s.Versions()
		if len(first) != 1 || first[0].Index != index || first[0].Time != at.UTC().Format(time.RFC3339Nano) || first[0].Gates != v.Gates || first[0].Rules != v.Rules {
			t.Fatalf("on connecting: %+v, want index %d of %s", first, index, at)
		}
		s.hears("a")
		if got := l.news(); len(got) != 0 {
			t.Errorf("told at once what is not about a gate: %+v", got)
		}
		s.close(nil)
		if got := l.news(); len(got) != 1 || got[0].Gates <= first[0].Gates || got[0].Agents <= first[0].Agents || got[0].Index <= index {
			t.Errorf("a gate was closed: %+v", got)
		}
		for i := range 20 {
			s.hears(fmt.Sprint("b", i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		got := l.news()
		if v, _ := s.Versions(); len(got) < 3 || len(got) > 5 || got[len(got)-1].Agents != v.Agents {
			t.Errorf("in two seconds: %d events %+v, want about 4, the last with %d", len(got), got, v.Agents)
		}
		time.Sleep(time.Hour)
		if got := l.news(); len(got) != 0 {
			t.Errorf("nothing happened: %+v", got)
		}
		s.close(map[string]string{"tag": "1"})
		if got := l.news(); len(got) != 1 {
			t.Errorf("after an hour: %+v", got)
		}
	})
}

// refuses has an agent report that it refused a payment.
func (c *cell) refuses(agent string, seq uint64, x report.Refused) {
	c.t.Helper()
	raw, err := json.Marshal(x)
	if err != nil {
		c.t.Fatal(err)
	}
	var b report.Builder
	b.Add(&report.Event{ID: fmt.Sprint(seq), Source: "tomeishi/agent/" + agent, Type: report.RefusedType, Seen: time.Now().UnixNano(), Data: raw})
	// Each is the first block of a spool.
	head := report.Head{Agent: agent, Spool: report.SpoolID{byte(seq), 1}, Seq: 1}
	block := report.Block{Head: head, Batch: b.Batch()}
	c.entry(entry.KindBlocks, block.Append(nil), time.Now())
}

// TestStreamOfHeld tells the counts of what is held at most twice a second, and
// makes no new list of gates for each.
func TestStreamOfHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		s.api.Message = message.New(message.Options{})
		l := s.listen(t)
		s.close(nil)
		time.Sleep(time.Second)
		l.news()
		before, list := s.GateEpoch(), s.api.list()
		for i := range 100 {
			s.refuses("h1", uint64(i+1), report.Refused{Gate: "g", Epoch: before, Request: fmt.Sprint("w", i)})
			time.Sleep(5 * time.Millisecond)
		}
		if s.api.list() != list {
			t.Error("a list was made anew for what is held")
		}
		time.Sleep(time.Second)
		got := l.news()
		v, _ := s.Versions()
		if g, _ := s.GateView("g"); g.Refused == nil || g.Refused.Requests != 100 || s.GateEpoch() != before {
			t.Fatalf("held: %+v", g.Refused)
		}
		if len(got) < 1 || len(got) > 3 || got[len(got)-1].Gates != v.Gates {
			t.Errorf("%d events %+v, want two or three, the last with %d", len(got), got, v.Gates)
		}
		if l := s.api.list(); l == list || !strings.Contains(string(l.text), `"requests":100`) {
			t.Error("a second later the list lacks what is held")
		}
	})
}

// TestStreamBeats says every fifteen seconds that it is alive, past the time in
// which a request must be read.
func TestStreamBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStreaming(t).listen(t)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		beats := 0
		for len(l.got) > 0 {
			if text := <-l.got; strings.HasPrefix(text, ":") {
				beats++
			}
		}
		if beats < 39 || beats > 41 || l.ended() {
			t.Errorf("%d beats in ten minutes, ended %t", beats, l.ended())
		}
	})
}

// TestStreamEnds ends streams when the collector stops, the client goes, or may
// not look any more.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := newStreaming(t)
		s.still = func(*http.Request) error {
			if asked.Add(1) == 1 {
				return errors.New("the login has run out")
			}
			return nil
		}
		gone, out, stays := s.listen(t), s.listen(t), s.listen(t)
		if n := s.api.streams.Load(); n != 3 {
			t.Errorf("%d streams are open", n)
		}
		gone.quit()
		synctest.Wait()
		if n := s.api.streams.Load(); n != 2 {
			t.Errorf("one has gone: %d are open", n)
		}
		time.Sleep(time.Minute + time.Second)
		if a, b := out.ended(), stays.ended(); a == b {
			t.Errorf("ended: %t and %t, want one", a, b)
		}
		close(s.stopping)
		if !out.ended() || !stays.ended() || s.api.streams.Load() != 0 {
			t.Errorf("%d streams are open after the end", s.api.streams.Load())
		}
	})
}

// TestStreamSlow drops a client that does not read, and nobody waits for it.
func TestStreamSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		slow := s.dial()
		defer slow.Close()
		if _, err := io.WriteString(slow, "GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		l := s.listen(t)
		l.news()
		s.close(nil)
		if got := l.news(); len(got) != 1 {
			t.Errorf("beside a slow client: %+v", got)
		}
		if n := s.api.streams.Load(); n != 2 {
			t.Errorf("%d streams are open", n)
		}
		time.Sleep(streamWrite + time.Millisecond)
		synctest.Wait()
		if n := s.api.streams.Load(); n != 1 {
			t.Errorf("after %s: %d streams are open", streamWrite, n)
		}
	})
}

// TestStreamMost refuses the stream that is one too many, and takes another
// when one has gone.
func TestStreamMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		var open []*listener
		for range maxStreams {
			open = append(open, s.listen(t))
		}
		over := s.listen(t)
		if over.resp.StatusCode != http.StatusServiceUnavailable || over.resp.Header.Get("Retry-After") != "5" {
			t.Errorf("one too many: %d %v", over.resp.StatusCode, over.resp.Header)
		}
		open[7].quit()
		synctest.Wait()
		if again := s.listen(t); again.resp.StatusCode != http.StatusOK {
			t.Errorf("when one has gone: %d", again.resp.StatusCode)
		}
		s.close(nil)
		for i, l := range open {
			if got := l.news(); i != 7 && len(got) != 2 {
				t.Fatalf("stream %d: %+v", i, got)
			}
		}
	})
}

// TestStreamHead answers a HEAD, as link previews send, without a stream.
func TestStreamHead(t *testing.T) {
	c := newCell(t)
	s := c.server(func() []promrule.Group { return nil })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+"/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}
