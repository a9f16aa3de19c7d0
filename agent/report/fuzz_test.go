package report

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// What the scanner accepts must be what a strict reader of JSON accepts, and a
// decoded string must be what that reader decodes.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `true `, `falsee`, `"a\u0061\n\/"`, `"\ud83d\udc1f"`, `"\ud83d"`, `"\udc1f\ud83d"`, `"\uD83D\u0041"`, "\"\xff\"", "\"\xc3\\u00a9\"",
		"\"\x00\"", "\"\x7f\u0085\"", `-0`, `-0.0e-0`, `01`, `1.`, `.1`, `1e+`, `1E+99999`, `--1`, `0x1`, `1_0`, `[1,2,[]]`, `[1,]`, `[,]`, `[`, `]`,
		`{"a":1,"\u0061":2}`, `{"a":{"a":{"a":1}}}`, `{"a":{"b":1,"c":[{"d":1}]},"b":{"c":1},"d":1}`, `{"a":{"b":1},"a":1}`, `{"amount":"1"}`, `{"":1,"":2}`, `{"a":1,}`, `{a:1}`, `{"a"}`, `{"a":1 "b":2}`, `{"\ud800":1}`, `[{"a":1},{"a":1}]`,
		keys(23, `"k0":1`), keys(24, `"k0":1`), keys(25, `"k1":1`), keys(40, `"k":{"k0":1,"k1":2},"\u006b39":1`), nested(65), payout(1), "\ufeff1", "1\v",
		`"\u12"`, `"\u+123"`, `"\u 123"`, `"\`, `"\u`, `"\ud83d\`, `"\ud83d\u`, "\u00a01", "nul", "[1]\x00", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scanner{b: b}
		err := s.value(0, "")
		if err == nil {
			err = s.end()
		}
		if errors.Is(err, errDepth) || errors.Is(err, errMoney) {
			return
		}
		if want := jsontext.Value(b).IsValid(); (err == nil) != want {
			t.Fatalf("%q: %v, but the oracle says valid: %t", b, err, want)
		}
		if text := bytes.Trim(b, " \t\r\n"); err == nil && text[0] == '"' {
			want, _ := jsontext.AppendUnquote(nil, text)
			s.reset(text)
			if got, err := s.str(true); err != nil || got != string(want) {
				t.Errorf("%q decodes to %q, %v; want %q", text, got, err, want)
			}
		}
	})
}

func FuzzReadRequest(f *testing.F) {
	for _, body := range []string{
		min1, payout(1), "[" + min1 + "]", min1 + "\n\n" + payout(2), with(`"a":null,"b":true,"c":-1`), with(`"datacontenttype":"x/y","data":"\u0000"`),
		with(`"datacontenttype":"x/y","data_base64":"AP8="`), with(`"data":{"a":{"amount":"1"}}`), with(`"uid":"0","data":null`), with(`"time":"2026-03-01T11:59:59+23:59"`),
		with(`"data_base64":""`), with(`"datacontenttype":"x/y","data_base64":""`),
	} {
		for _, t := range []string{StructuredType, BatchType, LinesType} {
			f.Add(t, "", body)
		}
	}
	ce := "Ce-Specversion: 1.0\nCe-Id: 1\nCe-Source: app\nCe-Type: t"
	f.Add("application/json", ce, `{"a":[1]}`)
	f.Add("", ce+"\nCe-Time: 2026-03-01T11:59:59Z\nCe-Ext: \"a%20\\\"b\"\nCe-Ext2: %", "")
	f.Add("text/plain; charset=\"x\"", ce+"\nce-ext: a\nCe-Ext: b\nCe-EXT: c", "\xff\x00")
	stamp := []Attr{{"uid", "1000"}, {"agent", "h1"}}
	f.Fuzz(func(t *testing.T, contentType, headers, body string) {
		h := http.Header{"Content-Type": {contentType}}
		for line := range strings.SplitSeq(headers, "\n") {
			k, v, _ := strings.Cut(line, ": ")
			h[k] = append(h[k], v) // not canonical, which a server would make them
		}
		var b Builder
		if err := ReadRequest(h, []byte(body), now, stamp, &b); err != nil {
			if code, field, says := refusal(err); code == 500 || says == "" || len(field) > 64*90 {
				t.Errorf("refused with %d, field of %d bytes: %q", code, len(field), says)
			}
			return
		}
		events := roundTrip(t, &b)
		for i := range events {
			checkEvent(t, &events[i])
		}
		if h.Get("Content-Type") == StructuredType {
			checkAttributes(t, body, events)
		}
	})
}

// roundTrip takes b through its encoding and demands that nothing changes.
func roundTrip(t *testing.T, b *Builder) []Event {
	raw := b.Bytes()
	batch, err := OpenBatch(raw)
	if err != nil {
		t.Fatalf("a batch just made does not open: %v", err)
	}
	direct := Batch{n: b.n, words: append([]string{""}, b.words...), facts: b.facts, payloads: b.payloads}
	events := all(batch)
	diff(t, events, all(direct))
	again := builder(events...)
	if !bytes.Equal(again.Bytes(), raw) || again.Batch().Digest() != batch.Digest() {
		t.Error("encoding again what was read gives another batch")
	}
	return events
}

// checkEvent states what every accepted event is.
func checkEvent(t *testing.T, ev *Event) {
	values := []string{ev.ID, ev.Source, ev.Type, ev.Subject, ev.DataType}
	if ev.ID == "" || ev.Source == "" || ev.Type == "" {
		t.Errorf("an empty id, source or type: %+v", ev)
	}
	for _, a := range ev.Ext {
		values = append(values, a.Value)
		if a.Value == "" || !extName(a.Name) {
			t.Errorf("an attribute that should not be: %q", a)
		}
	}
	for _, v := range values {
		if !utf8.ValidString(v) || len(v) > maxAttr || strings.ContainsFunc(v, unicode.IsControl) {
			t.Errorf("an attribute that is not clean text: %.100q", v)
		}
	}
	if !slices.IsSortedFunc(ev.Ext, func(a, b Attr) int { return cmp.Or(strings.Compare(a.Name, b.Name), -1) }) {
		t.Errorf("extensions are not sorted or not unique: %q", ev.Ext)
	}
	if ev.Data != nil && ev.JSON() && !jsontext.Value(ev.Data).IsValid() {
		t.Errorf("data is not strict JSON: %q", ev.Data)
	}
	if ev.JSON() {
		var v any
		d := json.NewDecoder(bytes.NewReader(ev.Data))
		d.UseNumber()
		if err := d.Decode(&v); err == nil && moneyNumber("", v) {
			t.Errorf("a number under a name of money: %q", ev.Data)
		}
	}
	if ev.Seen != now.UnixNano() || ev.Time < 0 || ev.Time > now.Add(MaxAhead).UnixNano() {
		t.Errorf("time %d, seen %d", ev.Time, ev.Seen)
	}
}

// moneyNumber looks for a number under a money name, by another way than the scanner.
func moneyNumber(name string, v any) bool {
	switch v := v.(type) {
	case json.Number:
		return IsMoney(name)
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return moneyNumber(name, v) })
	case map[string]any:
		for k, v := range v {
			if moneyNumber(k, v) {
				return true
			}
		}
	}
	return false
}

// checkAttributes compares a structured event with another reader of JSON.
func checkAttributes(t *testing.T, body string, events []Event) {
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil || len(events) != 1 {
		t.Fatalf("%d events of %q, which reads as %v", len(events), body, err)
	}
	ev := &events[0]
	for name, got := range map[string]string{"id": ev.ID, "source": ev.Source, "type": ev.Type, "subject": ev.Subject, "datacontenttype": ev.DataType} {
		if want, _ := m[name].(string); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if text, ok := m["time"].(string); ok {
		if want, err := time.Parse(time.RFC3339Nano, text); err != nil || want.UnixNano() != ev.Time {
			t.Errorf("time %q became %d", text, ev.Time)
		}
	}
}

func FuzzOpenBatch(f *testing.F) {
	sound := builder(mixed()...).Bytes()
	f.Add(sound)
	f.Add(sound[:len(sound)-4])
	f.Add(new(Builder).Bytes())
	f.Add([]byte(nil))
	f.Add([]byte("TMBT\x02"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, raw := range [][]byte{raw, sealed(raw)} { // a fuzzer does not guess checksums
			b, err := OpenBatch(raw)
			if err != nil {
				continue
			}
			events := all(b)
			if len(events) != b.Len() {
				t.Errorf("%d events read, Len is %d", len(events), b.Len())
			}
			again := builder(events...).Batch()
			diff(t, all(again), events)
			b.Digest()
		}
	})
}

func FuzzReadBlock(f *testing.F) {
	one, two := block(1, mixed()...).Append(nil), block(2).Append(nil)
	f.Add(one)
	f.Add(slices.Concat(one, two))
	f.Add(slices.Concat(two, one, one[:9]))
	f.Add(one[13 : len(one)-4])
	batch := builder(mixed()...).Bytes()
	f.Add(batch[:len(batch)-4])
	f.Add([]byte("TMBK\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// As it is; as what a sound frame holds; as the batch of a sound head.
		framed := func(b []byte) []byte {
			head := binary.LittleEndian.AppendUint64([]byte(blockMagic+"\x01"), uint64(len(b)))
			return sealed(append(head, b...))
		}
		for _, rest := range [][]byte{raw, framed(raw), framed(slices.Concat(one[13:13+9+16+1+32], sealed(raw)))} {
			for len(rest) > 0 {
				b, more, err := ReadBlock(rest)
				if err != nil {
					break
				}
				if used := rest[:len(rest)-len(more)]; b.Batch.Len() == 0 && len(used) < 50 {
					t.Errorf("a block of %d bytes", len(used))
				}
				again, _, err := ReadBlock(b.Append(nil))
				if err != nil || again.Head != b.Head || !bytes.Equal(again.Batch.Bytes(), b.Batch.Bytes()) {
					t.Errorf("a block does not read as it was written: %v", err)
				}
				rest = more
			}
		}
	})
}
