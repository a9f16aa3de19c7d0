package notify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protodelim"
)

// An alertStore is Alertmanager's store of alerts. It has a goroutine, so it is
// open only while the Notifier runs; nobody may ask before.
type alertStore struct {
	mem     atomic.Pointer[mem.Alerts]
	counted atomic.Pointer[prometheus.Registry] // of mem, which registers once
	putting sync.Mutex                          // held from the look at the machine's alert to the put that must not end it
	// told are the hashes of the alerts that somebody was told of and not that
	// they are over.
	told func() map[uint64]bool
}

var _ provider.Alerts = (*alertStore)(nil)

var errNotRunning = errors.New("starting or stopping")

// open makes a store of what the one before it held.
func (s *alertStore) open(ctx context.Context, silencer *silence.Silencer, log *slog.Logger) error {
	reg := prometheus.NewRegistry()
	m, err := mem.NewAlerts(context.WithoutCancel(ctx), collectEvery, 0, silencer, log, eventrecorder.NopRecorder(), reg, featurecontrol.NoopFlags{})
	if err != nil {
		return err
	}
	s.putting.Lock()
	defer s.putting.Unlock()
	if before := s.mem.Load(); before != nil {
		all, it := before.SlurpAndSubscribe("next")
		it.Close()
		err = m.Put(ctx, all...)
	}
	s.mem.Store(m)
	s.counted.Store(reg)
	return err
}

// metrics are what the store tells of itself.
func (s *alertStore) metrics() prometheus.Gatherer {
	if reg := s.counted.Load(); reg != nil {
		return reg
	}
	return prometheus.NewRegistry()
}

func (s *alertStore) close() { s.mem.Load().Close() }

// SlurpAndSubscribe gives the dispatcher of alerts that are over only those
// that somebody still takes for standing. It would tell of the others again:
// the log of a group remembers the end of an alert only until its next entry.
func (s *alertStore) SlurpAndSubscribe(name string) ([]*alert.Alert, provider.AlertIterator) {
	all, it := s.mem.Load().SlurpAndSubscribe(name)
	if name != "dispatcher" {
		return all, it
	}
	told := s.told()
	return slices.DeleteFunc(all, func(a *alert.Alert) bool {
		return a.Resolved() && !told[hashOf(a.Labels)]
	}), it
}

// Subscribe implements provider.Alerts.
func (s *alertStore) Subscribe(name string) provider.AlertIterator {
	return s.mem.Load().Subscribe(name)
}

// GetPending implements provider.Alerts.
func (s *alertStore) GetPending() provider.AlertIterator { return s.mem.Load().GetPending() }

// Get implements provider.Alerts.
func (s *alertStore) Get(fp model.Fingerprint) (*alert.Alert, error) { return s.mem.Load().Get(fp) }

// Put implements provider.Alerts.
func (s *alertStore) Put(ctx context.Context, alerts ...*alert.Alert) error {
	m := s.mem.Load()
	if m == nil {
		return errNotRunning
	}
	s.putting.Lock()
	defer s.putting.Unlock()
	return m.Put(ctx, alerts...)
}

// posted is the store for alerts that others post, as Prometheus does with the
// same rules. Where they have the labels of an alert of the machine they must
// not end it: only the machine says when that is over.
type posted struct{ *alertStore }

// Put implements provider.Alerts.
func (s posted) Put(ctx context.Context, alerts ...*alert.Alert) error {
	m := s.mem.Load()
	if m == nil {
		return errNotRunning
	}
	s.putting.Lock()
	defer s.putting.Unlock()
	theirs := slices.DeleteFunc(slices.Clone(alerts), func(a *alert.Alert) bool {
		ours, err := m.Get(a.Fingerprint())
		return err == nil && ours.Annotations[alertAnnotation] != "" && !ours.Resolved()
	})
	for _, a := range theirs {
		delete(a.Annotations, alertAnnotation)
		// Else a merge would give its end to an alert of the machine that comes
		// later.
		a.Timeout = true
	}
	return m.Put(ctx, theirs...)
}

// toldFiring reads the log of notifications.
func (n *Notifier) toldFiring() map[uint64]bool {
	told := map[uint64]bool{}
	b, err := n.nflog.MarshalBinary()
	if err != nil {
		n.log.Error("read the log of notifications", "error", err)
		return told
	}
	r := bytes.NewReader(b)
	for {
		var e nflogpb.MeshEntry
		err := unlimited().UnmarshalFrom(r, &e)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				n.log.Error("read the log of notifications", "error", err)
			}
			return told
		}
		for _, h := range e.GetEntry().GetFiringAlerts() {
			told[h] = true
		}
	}
}

// unlimited reads what is in memory already, however long.
func unlimited() protodelim.UnmarshalOptions { return protodelim.UnmarshalOptions{MaxSize: -1} }

// hashOf is how the log of notifications knows an alert.
func hashOf(labels model.LabelSet) uint64 {
	names := make(model.LabelNames, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	var b []byte
	for _, name := range names {
		b = append(b, name...)
		b = append(b, '\xff')
		b = append(b, labels[name]...)
		b = append(b, '\xff')
	}
	return xxhash.Sum64(b)
}
