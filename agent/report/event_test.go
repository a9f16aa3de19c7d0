package report

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

// header makes headers of "Name: value" lines.
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		k, v, _ := strings.Cut(l, ": ")
		h.Add(k, v)
	}
	return h
}

func typed(contentType string) http.Header { return header("Content-Type: " + contentType) }

// all copies every event of a batch.
func all(b Batch) (out []Event) {
	r := b.Reader()
	for ev := (Event{}); r.Next(&ev); {
		out = append(out, clone(ev))
	}
	return out
}

func clone(ev Event) Event {
	ev.Data = bytes.Clone(ev.Data)
	ev.Ext = append([]Attr(nil), ev.Ext...)
	return ev
}

// read is what a request says after its way through a batch.
func read(t testing.TB, h http.Header, body string, stamp ...Attr) ([]Event, error) {
	t.Helper()
	var b Builder
	if err := ReadRequest(h, []byte(body), now, stamp, &b); err != nil {
		return nil, err
	}
	batch, err := OpenBatch(b.Bytes())
	if err != nil {
		t.Fatalf("open a batch just made: %v", err)
	}
	if batch.Len() != b.Len() {
		t.Fatalf("batch of %d events, builder of %d", batch.Len(), b.Len())
	}
	return all(batch), nil
}

func builder(events ...Event) *Builder {
	var b Builder
	for i := range events {
		b.Add(&events[i])
	}
	return &b
}

// mixed has every kind of fact that a batch can hold.
func mixed() []Event {
	return []Event{
		{ID: "1", Source: "app", Type: "payout.sent", Seen: 1, Data: []byte(`{"amount":"1.10"}`)},
		{ID: "2", Source: "app", Type: "payout.sent", Time: 5, Seen: 7, Subject: "wallet", Ext: []Attr{{"agent", "h1"}, {"uid", "0"}}},
		{ID: "3", Source: "other", Type: "x", Time: -1, Seen: -2, DataType: "text/plain", Data: []byte{}},
		{ID: "留め石", Source: "app", Type: "x", Seen: 1 << 62, DataType: "text/plain", Data: []byte{0, 0xff}},
		{},
		{ID: "1", Source: "app", Type: "payout.sent", Seen: 1, Data: bytes.Repeat([]byte("9"), 300)},
	}
}

func TestWhenPrefersTheApplicationsTime(t *testing.T) {
	for _, tt := range []struct{ time, seen, want int64 }{{5, 7, 5}, {0, 7, 7}, {-5, 7, -5}} {
		if got := (&Event{Time: tt.time, Seen: tt.seen}).When(); got != tt.want {
			t.Errorf("When of time %d, seen %d is %d, want %d", tt.time, tt.seen, got, tt.want)
		}
	}
}

func TestIsJSON(t *testing.T) {
	for media, want := range map[string]bool{
		"": true, "application/json": true, "Application/JSON; charset=utf-8": true, "text/json": true,
		"application/vnd.bank+json": true, "text/plain": false, "application/jsonl": false, "json": false,
	} {
		if got := (&Event{DataType: media}).JSON(); got != want {
			t.Errorf("JSON of %q is %t, want %t", media, got, want)
		}
	}
}

func TestIsMoney(t *testing.T) {
	for name, want := range map[string]bool{
		"amount": true, "fee": true, "net_amount": true, "_amount": true,
		"": false, "Amount": false, "amounts": false, "amount_net": false, "netamount": false, "fees": false,
	} {
		if got := IsMoney(name); got != want {
			t.Errorf("IsMoney(%q) is %t, want %t", name, got, want)
		}
	}
}

// payout is an event such as applications send, of 411 bytes.
func payout(i int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"payout-%08d","source":"/withdrawals/worker-3","type":"payout.sent",`+
		`"time":"2026-03-01T11:59:58.123456Z","datacontenttype":"application/json","data":{"request":"w-%08d","attempt":1,`+
		`"payment":"5f0c1d7e9ab34c52a7e8d1f0b6c4:%d","asset":"BTC","network":"bitcoin",`+
		`"address":"bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh","amount":"0.01250000","fee":"0.00001200","customer":"c-%06d"}}`,
		i, i/2, i%8, i%1000)
}

func diff(t testing.TB, got, want []Event) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestPayoutIsAsLongAsItSays(t *testing.T) {
	if n := len(payout(1)); n != 411 {
		t.Errorf("the event of the benchmarks has %d bytes, want 411", n)
	}
}
