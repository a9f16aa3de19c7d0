package intake

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

func TestSamplesEnterTheLedgerWhole(t *testing.T) {
	d := newDoor(t, newCell())
	all := hostSamples("a", 10)
	var e report.SampleEncoder
	for i := range all.Frames {
		one := frame(all, i)
		if got, want := d.post(e.Encode(nil, one)), (answer{code: 200, Through: one.Frames[0].Time}); got != want {
			t.Fatalf("answered %+v, want %+v", got, want)
		}
		e.Acked()
		if body := d.cell.bodies[i]; !bytes.Equal(body, one.Append(nil)) || d.cell.digests[i] != sha256.Sum256(body) {
			t.Fatalf("frame %d: the ledger holds something else", i)
		}
	}
	if got, want := d.post(e.Encode(nil, all)), (answer{code: 200, Through: all.Frames[9].Time}); got != want {
		t.Fatalf("answered %+v, want %+v", got, want)
	}
	if agents := d.cell.machine.AgentsView(); len(agents) != 1 || agents[0].ID != "a" || agents[0].Frames != 20 || agents[0].Last != all.Frames[9].Time {
		t.Errorf("the machine knows %+v", agents)
	}
	var text strings.Builder
	d.metrics.WritePrometheus(&text)
	for _, want := range []string{"tomeishi_intake_samples_total 50\n", "tomeishi_intake_request_seconds_count 11\n", "tomeishi_intake_refused_requests_total 0\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// Whatever becomes of a request, the same bytes can be sent again, and the next
// is no larger for it.
func TestSamplesSentAgain(t *testing.T) {
	d := newDoor(t, newCell())
	all := hostSamples("a", 10)
	var e report.SampleEncoder
	for i, fault := range [][2]error{
		{nil, fmt.Errorf("%w: the leader went", entry.ErrUnknown)},
		{nil, entry.ErrUnknown},
		{entry.ErrFull, nil},
		{entry.ErrNotStored, nil},
		{fmt.Errorf("%w: no leader", entry.ErrNotStored), nil},
	} {
		raw := e.Encode(nil, frame(all, i))
		d.cell.failing(fault[0], fault[1])
		want := http.StatusServiceUnavailable
		if errors.Is(fault[0], entry.ErrFull) {
			want = http.StatusTooManyRequests
		}
		for range 3 {
			if got := d.post(raw); got.code != want || got.Error == "" {
				t.Fatalf("%v: answered %+v, want %d", fault, got, want)
			}
		}
		d.cell.failing(nil, nil)
		if got := d.post(raw); got.code != 200 {
			t.Fatalf("%v: sent again: %+v", fault, got)
		}
		if i > 0 && len(raw) > 130 {
			t.Fatalf("%v: %d bytes were sent", fault, len(raw))
		}
		e.Acked()
	}
}

// A collector that has restarted asks for the whole.
func TestSamplesAfterARestart(t *testing.T) {
	all := hostSamples("a", 3)
	var e report.SampleEncoder
	c := newCell()
	if got := newDoor(t, c).post(e.Encode(nil, frame(all, 0))); got.code != 200 {
		t.Fatalf("%+v", got)
	}
	e.Acked()
	d := newDoor(t, c)
	if got := d.post(e.Encode(nil, frame(all, 1))); got.code != 409 || got.Reason != "base" || !strings.Contains(got.Error, "send them whole") || len(c.bodies) != 1 {
		t.Errorf("%+v, %d proposals", got, len(c.bodies))
	}
	e.Reset()
	if got := d.post(e.Encode(nil, frame(all, 1))); got.code != 200 {
		t.Errorf("sent whole: %+v", got)
	}
}

// Who may not speak for an agent changes nothing, and not what is remembered.
func TestWhoseSamples(t *testing.T) {
	d := newDoor(t, newCell())
	all := hostSamples("a", 3)
	var e report.SampleEncoder
	if got := d.post(e.Encode(nil, frame(all, 0)), "Authorization", "b"); got.code != 403 || got.Error != "the token is agent b's" {
		t.Errorf("another's token: %+v", got)
	}
	e.Acked()
	raw := e.Encode(nil, frame(all, 1))
	if got := d.post(raw, "Authorization", "b"); got.code != 403 {
		t.Errorf("another's token and an unknown base: %+v", got)
	}
	if got := d.post(raw, "Authorization", "a"); got.code != 409 {
		t.Errorf("what was refused is remembered: %+v", got)
	}
	if len(d.cell.bodies) != 0 {
		t.Errorf("%d proposals", len(d.cell.bodies))
	}
	e.Reset()
	if got := d.post(e.Encode(nil, frame(all, 1)), "Authorization", "a"); got.code != 200 {
		t.Errorf("the right token: %+v", got)
	}
}

func TestSamplesThatAreRefused(t *testing.T) {
	d := newDoor(t, newCell())
	encode := func(change func(*report.Samples)) []byte {
		s := hostSamples("a", 2)
		change(s)
		return new(report.SampleEncoder).Encode(nil, s)
	}
	good := encode(func(*report.Samples) {})
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 4
	for _, tt := range []struct {
		name  string
		body  []byte
		code  int
		field string
		says  string
	}{
		{"nothing", nil, 400, "", "does not begin with"},
		{"text", []byte(`{"samples":[]}`), 400, "", "does not begin with"},
		{"damaged", damaged, 503, "", "checksum does not match"},
		{"cut off", good[:len(good)-3], 503, "", "checksum does not match"},
		{"a newer format", []byte("TMSW\x02anything"), 400, "", "upgrade it first"},
		{"the ledger's form", hostSamples("a", 1).Append(nil), 400, "", "does not begin with"},
		{"a byte too many", make([]byte, report.MaxBody+1), 413, "", "larger than"},
		{"no agent", encode(func(s *report.Samples) { s.Agent = "" }), 400, "agent", "is empty"},
		{"an instance of its own", encode(func(s *report.Samples) { s.Labels = []report.Attr{{Name: "instance", Value: "x"}} }), 400, "labels", "instance"},
		{"before 1970", encode(func(s *report.Samples) { s.Frames[0].Time = -5 }), 400, "frames[0]", "not a time from 1970 to 2100"},
		{"after 2100", encode(func(s *report.Samples) { s.Frames[1].Time = 5e12 }), 400, "frames[1]", "not a time from 1970 to 2100"},
		{"back in time", encode(func(s *report.Samples) { slices.Reverse(s.Frames) }), 400, "frames[1]", "not later"},
		{"a series twice", encode(func(s *report.Samples) {
			series := s.Schema.Series()
			s.Schema = report.NewSchema([]report.Series{series[0], series[1], series[0]})
		}), 400, "schema.series[2]", "stands twice"},
	} {
		reason := "samples" // the agent drops them
		if tt.code == http.StatusServiceUnavailable {
			reason = ""
		}
		if got := d.post(tt.body); got.code != tt.code || got.Reason != reason || got.Field != tt.field || !strings.Contains(got.Error, tt.says) {
			t.Errorf("%s: answered %+v, want %d, reason %q, field %q, an error that says %q", tt.name, got, tt.code, reason, tt.field, tt.says)
		}
	}
	for _, media := range []string{"", "application/octet-stream", report.SamplesType + "; v=1", report.LinesType} {
		if got := d.post(good, "Content-Type", media); got.code != 415 || !strings.Contains(got.Error, report.SamplesType) {
			t.Errorf("content type %q: %+v", media, got)
		}
	}
	if got := d.post(good, "Content-Type", report.BlocksType); got.code != 400 {
		t.Errorf("samples as blocks: %+v", got)
	}
	if len(d.cell.bodies) != 0 {
		t.Errorf("%d proposals", len(d.cell.bodies))
	}
}

// What was cut off on the way is not refused for good: the agent has it whole.
func TestSamplesThatDoNotArrive(t *testing.T) {
	d := newDoor(t, newCell())
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/blocks", iotest.ErrReader(io.ErrUnexpectedEOF))
	r.Header.Set("Content-Type", report.SamplesType)
	d.ServeHTTP(w, r)
	if w.Code != 400 || strings.Contains(w.Body.String(), "reason") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// When something was measured does not decide whether it is taken.
func TestSamplesOfAnyTimeAreTaken(t *testing.T) {
	d := newDoor(t, newCell())
	for _, at := range []int64{0, 1, 1e12, 4102444799999} {
		s := hostSamples("a", 1)
		s.Frames[0].Time = at
		s.Frames[0].Values = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}
		if got, want := d.post(new(report.SampleEncoder).Encode(nil, s)), (answer{code: 200, Through: at}); got != want {
			t.Errorf("%d: %+v", at, got)
		}
	}
}

// A hundred agents send at one time over HTTP, while the ledger often fails.
func TestManyAgentsSendSamples(t *testing.T) {
	c := newCell()
	r := rand.New(rand.NewPCG(1, 1))
	c.fault = func() (before, after error) { // called under the cell's lock
		switch r.IntN(8) {
		case 0:
			return entry.ErrNotStored, nil
		case 1:
			return nil, entry.ErrUnknown
		}
		return nil, nil
	}
	server := httptest.NewServer(newDoor(t, c))
	defer server.Close()
	const agents, ticks = 100, 6
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: agents}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range agents {
		all.Go(func() {
			s := hostSamples(fmt.Sprint("host-", i), ticks)
			var e report.SampleEncoder
			for j := range s.Frames {
				raw := e.Encode(nil, frame(s, j))
				for code := 0; code != http.StatusOK; {
					if code = send(t, client, server.URL, raw); code == http.StatusConflict || code == 0 {
						t.Errorf("host %d, frame %d: %d", i, j, code)
						return
					}
				}
				e.Acked()
			}
		})
	}
	all.Wait()
	kept := map[string]int{}
	for _, body := range c.bodies {
		s, rest, err := report.ReadSamples(body)
		if err != nil || len(rest) != 0 {
			t.Fatal(err)
		}
		tick := int(s.Frames[0].Time-1790000000000) / 1000
		if !bytes.Equal(body, frame(hostSamples(s.Agent, ticks), tick).Append(nil)) {
			t.Fatalf("%s: the ledger holds other samples than were sent", s.Agent)
		}
		kept[fmt.Sprint(s.Agent, " ", tick)]++
	}
	if len(kept) != agents*ticks {
		t.Errorf("%d frames are in the ledger, want %d", len(kept), agents*ticks)
	}
}

func send(t *testing.T, client *http.Client, url string, raw []byte) (code int) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/blocks", bytes.NewReader(raw))
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", report.SamplesType)
	a, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil {
		t.Error(err)
		return 0
	}
	return a.StatusCode
}
