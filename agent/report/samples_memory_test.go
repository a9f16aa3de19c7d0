package report

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func TestDecoderForgetsWhoIsSilent(t *testing.T) {
	var d SampleDecoder
	senders := make([]wired, mostLanes+10)
	few := fewSamples()
	send := func(host, frame int) error {
		w := &senders[host]
		s := *few.frame(frame)
		s.Agent = fmt.Sprint("host-", host)
		_, err := d.Decode(w.e.Encode(nil, &s))
		w.e.Acked()
		return err
	}
	for i := range senders {
		if err := send(i, 0); err != nil {
			t.Fatal(err)
		}
		if err := send(0, 1); err != nil { // it is heard all the time
			t.Fatal(err)
		}
	}
	for i, known := range map[int]bool{0: true, 1: false, 10: false, 11: true, mostLanes + 9: true} {
		if err := send(i, 2); errors.Is(err, ErrBase) == known {
			t.Errorf("host %d: %v", i, err)
		}
	}
	checkMemory(t, &d.memory)
}

func TestDecoderMemoryIsBounded(t *testing.T) {
	var m memory
	big := fewSamples()
	big.Schema.size = mostMemory / 10
	for i := range 50 {
		s := *big.frame(i % 3)
		s.Lane = SpoolID{byte(i % 20)}
		m.keep(&s, new(base))
		checkMemory(t, &m)
	}
	if n := m.recent.Len(); n != 9 {
		t.Errorf("%d lanes of a tenth of the memory are kept", n)
	}
	huge := fewSamples() // one is always kept: it is bounded by what a schema may be
	huge.Schema.size = mostMemory * 2
	m.keep(huge, new(base))
	checkMemory(t, &m)
	if l := m.recent.Front().Value.(*laneMemory); m.recent.Len() != 1 || l.schema != huge.Schema {
		t.Errorf("%d lanes are kept beside one that fills the memory", m.recent.Len()-1)
	}
}

// checkMemory counts anew what the memory says of itself.
func checkMemory(t *testing.T, m *memory) {
	t.Helper()
	size, n := 0, 0
	for e := m.recent.Front(); e != nil; e = e.Next() {
		l := e.Value.(*laneMemory)
		if m.lanes[l.key] != e || len(l.bases) > mostBases {
			t.Fatalf("lane %s: %d bases, or not to be found", l.key.agent, len(l.bases))
		}
		for _, b := range l.bases {
			if b.on != nil && b.on.on != nil {
				t.Fatal("frames that are forgotten are held by others")
			}
		}
		size += l.size()
		n++
	}
	if size != m.size || n != len(m.lanes) {
		t.Fatalf("%d bytes in %d lanes are kept, the memory believes in %d in %d", size, n, m.size, len(m.lanes))
	}
}

// Many agents at one time, two of them under one name, with answers that are
// lost and senders that restart.
func TestDecoderServesManyAtOnce(t *testing.T) {
	var d SampleDecoder
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			s := newHost(uint64(i)).samples(60)
			s.Agent = fmt.Sprint("host-", min(i, 10))
			var e SampleEncoder
			for j := range s.Frames {
				one := s.frame(j)
				if r.IntN(20) == 0 {
					one.Labels = slices.Clone(s.Labels[:1])
				}
				got, err := d.Decode(e.Encode(nil, one))
				if errors.Is(err, ErrBase) && i >= 10 {
					e.Reset()
					got, err = d.Decode(e.Encode(nil, one))
				}
				if err != nil {
					t.Error(err)
					return
				}
				sameSamples(t, &got, one)
				if r.IntN(4) > 0 {
					e.Acked()
				}
				if r.IntN(30) == 0 {
					e = SampleEncoder{}
				}
			}
		})
	}
	all.Wait()
	checkMemory(t, &d.memory)
}
