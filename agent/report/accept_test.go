package report

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const min1 = `{"specversion":"1.0","id":"1","source":"app","type":"t"}`

func minimal(id string) Event {
	return Event{ID: id, Source: "app", Type: "t", Seen: now.UnixNano()}
}

// with is the minimal event with more members.
func with(members string) string {
	return strings.TrimSuffix(min1, "}") + "," + members + "}"
}

func TestBindingsAccept(t *testing.T) {
	seen := now.UnixNano()
	ev := func(change func(*Event)) []Event {
		e := minimal("1")
		change(&e)
		return []Event{e}
	}
	binary := func(lines ...string) []string {
		return append([]string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Source: app", "Ce-Type: t"}, lines...)
	}
	structured := []string{"Content-Type: " + StructuredType}
	lines := []string{"Content-Type: " + LinesType}
	batch := []string{"Content-Type: " + BatchType + "; charset=utf-8"}
	for _, tt := range []struct {
		name   string
		header []string
		body   string
		want   []Event
	}{
		{"structured", structured, " " + min1 + "\r\n", ev(func(*Event) {})},
		{"every attribute", structured, with(`"subject":"w","time":"2026-03-01T12:04:59.5+00:00","datacontenttype":"application/json","data": {"amount" : "1.10"} `), ev(func(e *Event) {
			e.Subject, e.Time, e.DataType, e.Data = "w", at("2026-03-01T12:04:59.5Z"), "application/json", []byte(`{"amount" : "1.10"}`)
		})},
		{"null is absent", structured, with(`"subject":null,"time":null,"datacontenttype":null,"data_base64":null,"ext":null`), ev(func(*Event) {})},
		{"data null is JSON null", structured, with(`"data":null`), ev(func(e *Event) { e.Data = []byte("null") })},
		{"escaped names and values", structured, `{"specversion":"1.0","\u0069d":"\u0031","source":"a\u0070p","type":"t"}`, ev(func(*Event) {})},
		{"a pair of surrogates", structured, with(`"subject":"\ud83d\udc1f"`), ev(func(e *Event) { e.Subject = "🐟" })},
		{"data stays as sent", structured, with(`"data":{"n":1.50e+3,"s":"\u0061","t":true}`), ev(func(e *Event) { e.Data = []byte(`{"n":1.50e+3,"s":"\u0061","t":true}`) })},
		{"one key in many objects", structured, with(`"data":{"a":{"b":1,"c":[{"b":1},{"b":2}]},"b":{"id":1},"c":1},"b":"1"`), ev(func(e *Event) {
			e.Data, e.Ext = []byte(`{"a":{"b":1,"c":[{"b":1},{"b":2}]},"b":{"id":1},"c":1}`), []Attr{{"b", "1"}}
		})},
		{"extensions, sorted", structured, with(`"zz":"last","num":-5,"yes":true,"aa":"first"`), ev(func(e *Event) {
			e.Ext = []Attr{{"aa", "first"}, {"num", "-5"}, {"yes", "true"}, {"zz", "last"}}
		})},
		{"text as data", structured, with(`"datacontenttype":"text/plain","data":"a\nb"`), ev(func(e *Event) { e.DataType, e.Data = "text/plain", []byte("a\nb") })},
		{"empty text as data", structured, with(`"datacontenttype":"text/plain","data":""`), ev(func(e *Event) { e.DataType, e.Data = "text/plain", []byte{} })},
		{"data before its type", structured, with(`"data":"a\"","datacontenttype":"text/plain"`), ev(func(e *Event) { e.DataType, e.Data = "text/plain", []byte(`a"`) })},
		{"bytes as data", structured, with(`"datacontenttype":"image/png","data_base64":"AP8="`), ev(func(e *Event) { e.DataType, e.Data = "image/png", []byte{0, 0xff} })},
		{"JSON in base64, as some SDKs send it", structured, with(`"data_base64":"eyJhIjoxfQ=="`), ev(func(e *Event) { e.Data = []byte(`{"a":1}`) })},
		{"a number that is no money", structured, with(`"data":{"amounts":1,"total":2}`), ev(func(e *Event) { e.Data = []byte(`{"amounts":1,"total":2}`) })},
		{"an empty batch", batch, " [ ] ", nil},
		{"a batch", batch, "[" + min1 + " , " + strings.Replace(min1, `"1"`, `"2"`, 1) + "]", []Event{minimal("1"), minimal("2")}},
		{"lines", lines, min1 + "\n\r\n \t\n" + strings.Replace(min1, `"1"`, `"2"`, 1) + "\r\n", []Event{minimal("1"), minimal("2")}},
		{"no lines", lines, "\n\n", nil},
		{"binary", binary("Content-Type: application/json", "Ce-Time: 2026-03-01T11:00:00Z", "Ce-Subject: w", "Ce-Traceparent: 00-1", "Accept: x"), `{"amount":"1"}`, []Event{{
			ID: "1", Source: "app", Type: "t", Subject: "w", Time: at("2026-03-01T11:00:00Z"), Seen: seen, DataType: "application/json",
			Data: []byte(`{"amount":"1"}`), Ext: []Attr{{"traceparent", "00-1"}},
		}}},
		{"binary without data", binary(), "", ev(func(*Event) {})},
		{"binary with bytes", binary("Content-Type: image/png"), "\x00\xff", ev(func(e *Event) { e.DataType, e.Data = "image/png", []byte{0, 0xff} })},
		{"binary, percent-encoded", binary("Ce-Subject: %E7%95%99%20100%25+1"), "", ev(func(e *Event) { e.Subject = "留 100%+1" })},
		{"binary, quoted", binary(`Ce-Subject: "a \"b\" %41"`), "", ev(func(e *Event) { e.Subject = `a "b" A` })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, header(tt.header...), tt.body)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, got, tt.want)
		})
	}
}

func TestStampReplacesWhatIsClaimed(t *testing.T) {
	stamp := []Attr{{"uid", "1000"}, {"agent", "h1"}, {"peer", ""}}
	want := minimal("1")
	want.Ext = []Attr{{"agent", "h1"}, {"uid", "1000"}, {"zz", "1"}}
	claimed := with(`"uid":"0","zz":"1","peer":"root","agent":"h2"`)
	got, err := read(t, typed(StructuredType), claimed, stamp...)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, got, []Event{want})
	// The stamp of one event must not leak into the next.
	got, err = read(t, typed(LinesType), claimed+"\n"+min1, stamp...)
	if err != nil {
		t.Fatal(err)
	}
	plain := minimal("1")
	plain.Ext = []Attr{{"agent", "h1"}, {"uid", "1000"}}
	diff(t, got, []Event{want, plain})
}

// TestAgentsAttributes: nobody but the receiver says who sent an event.
func TestAgentsAttributes(t *testing.T) {
	claimed := with(`"peeruid":"0","agentid":"h2","zz":"1"`)
	header := header("Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Source: app", "Ce-Type: t", "Ce-Peeruid: 0", "Ce-Agentid: h2", "Ce-Zz: 1")
	for _, stamp := range [][]Attr{nil, {{AgentAttr, "h1"}}, {{AgentAttr, "h1"}, {PeerAttr, "1000"}}} {
		want := minimal("1")
		want.Ext = append(slices.Clone(stamp), Attr{"zz", "1"})
		got, err := read(t, typed(StructuredType), claimed, stamp...)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, got, []Event{want})
		if got, err = read(t, header, "", stamp...); err != nil {
			t.Fatal(err)
		}
		diff(t, got, []Event{want})
	}
}

// TestTimes: what RFC 3339 takes, and nothing else that Go's parser would.
func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-01t11:00:00z":           "2026-03-01T11:00:00Z",
		"2026-03-01t11:00:00.25Z":        "2026-03-01T11:00:00.25Z",
		"2016-12-31T23:59:60Z":           "2017-01-01T00:00:00Z",
		"2017-01-01T08:59:60.5+09:00":    "2017-01-01T00:00:00.5Z",
		"2026-03-01T10:00:00+23:59":      "2026-02-28T10:01:00Z",
		"2026-02-27T10:00:00-23:00":      "2026-02-28T09:00:00Z",
		"2026-03-01T10:00:00-00:00":      "2026-03-01T10:00:00Z",
		"2026-03-01T10:00:00.123456789Z": "2026-03-01T10:00:00.123456789Z",
	} {
		got, err := parseTime(text, now)
		if err != nil || got != at(want) {
			t.Errorf("%s: %v, %v", text, time.Unix(0, got).UTC(), err)
		}
	}
	for _, text := range []string{
		"2026-03-01T10:00:00+24:00", "2026-03-01T10:00:00-24:00", "2026-03-01T10:00:00+23:60", "2026-03-01T10:00:61Z",
		"2026-03-01T10:60:00Z", "2026-03-01T24:00:00Z", "2026-03-01 10:00:00Z", "2026-03-01T10:00:00", "2026-03-01T10:00:00+0900",
		"2026-03-01T10:00:00+9:00", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00z09:00", "", "2026-03-01T10:00",
	} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%s is taken for %v", text, time.Unix(0, got).UTC())
		}
	}
}

func TestWhatWasReadOwnsItsMemory(t *testing.T) {
	raw := []byte(with(`"data":{"a":"b"},"ext":"\u0065","subject":"s"`))
	var b Builder
	if err := ReadRequest(typed(LinesType), raw, now, nil, &b); err != nil {
		t.Fatal(err)
	}
	want := all(b.Batch())
	clear(raw)
	diff(t, all(b.Batch()), want)
	var other Builder
	other.Merge(&b)
	diff(t, all(other.Batch()), want)

	raw = []byte(with(`"myext":"\u0000"`))
	err := ReadRequest(typed(StructuredType), raw, now, nil, &b)
	before := err.Error()
	clear(raw)
	if got := err.Error(); got != before {
		t.Errorf("the error changed with the body: %q, was %q", got, before)
	}
}

// An 8 MB body of the smallest events is fine, and stays small.
func TestManyTinyEvents(t *testing.T) {
	n := MaxBody / (len(min1) + 1)
	var b Builder
	if err := ReadRequest(typed(LinesType), []byte(strings.Repeat(min1+"\n", n)), now, nil, &b); err != nil {
		t.Fatal(err)
	}
	if b.Len() != n {
		t.Errorf("%d events, want %d", b.Len(), n)
	}
	if b.Size() > MaxBody {
		t.Errorf("a body of %d bytes became a batch of %d", MaxBody, b.Size())
	}
}

func TestReadingAllocatesLittle(t *testing.T) {
	raw, h := body(), typed(LinesType)
	var b Builder
	n := testing.AllocsPerRun(5, func() {
		b.Reset()
		if err := ReadRequest(h, raw, now, []Attr{{"agent", "h1"}}, &b); err != nil {
			t.Fatal(err)
		}
	})
	if n > perBody/10 {
		t.Errorf("%g allocations for %d events", n, perBody)
	}
}
