package report

import (
	"bytes"
	"errors"
	"testing"
)

// wired is one sender and its reader.
type wired struct {
	testing.TB
	e SampleEncoder
	d *SampleDecoder
}

// pass sends s and demands that it arrives.
func (w *wired) pass(s *Samples) (raw []byte) {
	w.Helper()
	raw = w.e.Encode(nil, s)
	w.decode(raw, s)
	return raw
}

func (w *wired) decode(raw []byte, want *Samples) {
	w.Helper()
	got, err := w.d.Decode(raw)
	if err != nil {
		w.Fatal(err)
	}
	sameSamples(w, &got, want)
}

func isDelta(raw []byte) bool { return raw[len(wireMagic)+1] == wireDelta }

func TestDifferencesAreSmall(t *testing.T) {
	all := newHost(4).samples(120)
	w := wired{TB: t, d: new(SampleDecoder)}
	small := 0
	for i := range all.Frames {
		raw := w.pass(all.frame(i))
		w.e.Acked()
		if i > 0 {
			small += len(raw)
		}
		if isDelta(raw) != (i > 0) {
			t.Fatalf("frame %d: a difference: %t", i, isDelta(raw))
		}
	}
	if mean := small / (len(all.Frames) - 1); mean > 600 {
		t.Errorf("%d bytes a tick for %d series, at most 600", mean, len(all.Schema.series))
	}
	still := *all.frame(119)
	still.Frames = []Frame{{all.Frames[119].Time + 1000, all.Frames[119].Values}}
	if raw := w.pass(&still); len(raw) > 90 {
		t.Errorf("%d bytes where nothing changed", len(raw))
	}
}

// A sender whose answer was lost sends the same again, or the next frames on
// the same base; a reader that failed to store reads the same again.
func TestWhatIsSentAgainIsReadAgain(t *testing.T) {
	all := newHost(5).samples(40)
	w := wired{TB: t, d: new(SampleDecoder)}
	first := w.pass(all.frame(0))
	w.decode(first, all.frame(0))
	w.e.Acked()
	for i := 1; i < 40; i++ {
		one := all.frame(i)
		raw := w.pass(one)
		for range i % 4 {
			w.decode(raw, one)
			if again := w.e.Encode(nil, one); !bytes.Equal(again, raw) {
				t.Fatalf("frame %d: encoded again it is another", i)
			}
		}
		if !isDelta(raw) {
			t.Fatalf("frame %d was sent whole", i)
		}
		if i%5 == 0 {
			w.e.Acked()
		}
	}
}

func TestManyFramesAtOnce(t *testing.T) {
	all := newHost(6).samples(100)
	w := wired{TB: t, d: new(SampleDecoder)}
	older, newer := *all, *all
	older.Frames, newer.Frames, older.Sent = all.Frames[:60], all.Frames[60:], 0
	w.pass(&newer)
	w.e.Acked()
	if raw := w.pass(&older); !isDelta(raw) {
		t.Error("what is older was not sent as a difference")
	}
}

// Live frames and what had to wait go by two encoders at one time, and neither
// makes the reader forget what the other builds on, however often it sends.
func TestTwoSendersOfOneLane(t *testing.T) {
	live, waited := newHost(7).samples(20), newHost(7).samples(20*20)
	d := new(SampleDecoder)
	defer func() { checkMemory(t, &d.memory) }()
	a, b := wired{TB: t, d: d}, wired{TB: t, d: d}
	sent := 0
	for i := range live.Frames {
		one := a.pass(live.frame(i))
		for range i {
			old := waited.frame(sent)
			old.Frames = []Frame{{old.Frames[0].Time - 1e6, old.Frames[0].Values}}
			two := b.pass(old)
			b.decode(two, old)
			if sent%3 == 0 { // else the answer is lost
				b.e.Acked()
			}
			if sent++; sent > 1 && !isDelta(two) {
				t.Fatalf("frame %d that waited was sent whole", sent)
			}
		}
		a.decode(one, live.frame(i))
		a.e.Acked()
		if i > 0 && !isDelta(one) {
			t.Fatalf("frame %d was sent whole", i)
		}
	}
}

// What is sent whole, by a host that restarts again and again, does not make
// the reader forget what is built on.
func TestBaseInUseIsKept(t *testing.T) {
	all := newHost(12).samples(30)
	w := wired{TB: t, d: new(SampleDecoder)}
	w.pass(all.frame(0))
	w.e.Acked()
	for i := 1; i < 28; i += 3 {
		for j := range 2 {
			other := wired{TB: t, d: w.d}
			other.pass(all.frame(i + j))
		}
		if raw := w.pass(all.frame(i + 2)); !isDelta(raw) {
			t.Fatalf("frame %d was sent whole", i)
		}
	}
}

func TestSentWholeWhenItMustBe(t *testing.T) {
	all := newHost(8).samples(10)
	less := Samples{Agent: all.Agent, Lane: all.Lane, Schema: NewSchema(all.Schema.series[1:]), Labels: all.Labels}
	less.Frames = []Frame{{all.Frames[9].Time + 1000, all.Frames[9].Values[1:]}}
	for _, tt := range []struct {
		name  string
		do    func(*wired)
		s     func() *Samples
		delta bool
	}{
		{"after one that was acknowledged", func(*wired) {}, func() *Samples { return all.frame(5) }, true},
		{"after a reset", func(w *wired) { w.e.Reset() }, func() *Samples { return all.frame(5) }, false},
		{"after a reset, acknowledged too late", func(w *wired) { w.pass(all.frame(2)); w.e.Reset(); w.e.Acked() }, func() *Samples { return all.frame(5) }, false},
		{"another schema", func(*wired) {}, func() *Samples { return &less }, false},
		{"the same schema made anew", func(*wired) {}, func() *Samples {
			s := *all.frame(5)
			s.Schema = NewSchema(s.Schema.Series())
			return &s
		}, true},
		{"other labels", func(*wired) {}, func() *Samples { s := *all.frame(5); s.Labels = s.Labels[:1]; return &s }, false},
		{"another lane", func(*wired) {}, func() *Samples { s := *all.frame(5); s.Lane[0]++; return &s }, false},
		{"another agent", func(*wired) {}, func() *Samples { s := *all.frame(5); s.Agent += "2"; return &s }, false},
		{"acknowledged twice", func(w *wired) { w.e.Acked(); w.e.Acked() }, func() *Samples { return all.frame(5) }, true},
	} {
		w := wired{TB: t, d: new(SampleDecoder)}
		w.pass(all.frame(0))
		w.e.Acked()
		tt.do(&w)
		if raw := w.pass(tt.s()); isDelta(raw) != tt.delta {
			t.Errorf("%s: sent as a difference: %t", tt.name, !tt.delta)
		}
		w.e.Acked()
		if raw := w.pass(tt.s()); !isDelta(raw) {
			t.Errorf("%s: the next is sent whole", tt.name)
		}
	}
	var e SampleEncoder
	e.Acked()
	if isDelta(e.Encode(nil, all.frame(0))) {
		t.Error("an acknowledgment of nothing makes a base")
	}
}

func TestUnknownBase(t *testing.T) {
	all := newHost(9).samples(30)
	var d SampleDecoder
	w := wired{TB: t, d: &d}
	w.pass(all.frame(0))
	w.e.Acked()
	raw := w.e.Encode(nil, all.frame(1))
	if _, err := new(SampleDecoder).Decode(raw); !errors.Is(err, ErrBase) {
		t.Errorf("a reader that has restarted: %v", err)
	}
	// Another host, made from the same image and measured at the same time, has
	// the same agent, lane, schema and labels.
	other := newHost(9).samples(30)
	other.Frames[0].Values[3]++
	clone := wired{TB: t, d: new(SampleDecoder)}
	clone.pass(other.frame(0))
	if _, err := clone.d.Decode(raw); !errors.Is(err, ErrBase) {
		t.Errorf("the base of another host: %v", err)
	}
	var e SampleEncoder
	for i := 2; i < 2+mostBases; i++ { // frames that build on nothing push out what is old
		if _, err := d.Decode(e.Encode(nil, all.frame(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Decode(raw); !errors.Is(err, ErrBase) {
		t.Errorf("a base that was forgotten: %v", err)
	}
	w.e.Reset()
	w.pass(all.frame(1))
}

// A refused request leaves no trace in the decoder.
func TestRefusedSamplesAreNotRemembered(t *testing.T) {
	all := newHost(10).samples(3)
	w := wired{TB: t, d: new(SampleDecoder)}
	w.pass(all.frame(0))
	w.e.Acked()
	wrong := *all
	wrong.Frames = []Frame{all.Frames[2], all.Frames[1]}
	if _, err := w.d.Decode(w.e.Encode(nil, &wrong)); err == nil {
		t.Fatal("frames that go back in time were taken")
	}
	w.e.Acked()
	if _, err := w.d.Decode(w.e.Encode(nil, all.frame(2))); !errors.Is(err, ErrBase) {
		t.Errorf("what was refused is a base: %v", err)
	}
}

func TestEncoderAllocatesNothing(t *testing.T) {
	all := newHost(11).samples(50)
	ones := make([]*Samples, len(all.Frames))
	for i := range ones {
		ones[i] = all.frame(i)
	}
	var e SampleEncoder
	dst := e.Encode(nil, ones[0])
	e.Acked()
	e.Encode(dst[:0], ones[1])
	e.Acked()
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		i++
		dst = e.Encode(dst[:0], ones[i%len(ones)])
		e.Acked()
	}); n != 0 {
		t.Errorf("%g allocations a tick", n)
	}
}
