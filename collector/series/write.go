package series

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/golang/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Bounds of a remote write request.
const (
	maxCompressed = 8 << 20
	maxDecoded    = 32 << 20
)

// postWrite takes a remote write request: it is checked, put into the ledger as
// it came, stored, and answered as Prometheus would.
func (s *Store) postWrite(w http.ResponseWriter, r *http.Request) {
	select {
	case s.writes.inside <- struct{}{}:
		defer func() { <-s.writes.inside }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests at once: send it again", http.StatusServiceUnavailable)
		return
	}
	message, err := remoteapi.ParseProtoMsg(cmp.Or(r.Header.Get("Content-Type"), "application/x-protobuf"))
	if err == nil && r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "snappy" {
		err = errors.New("Content-Encoding must be snappy")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCompressed))
	if over := new(http.MaxBytesError); errors.As(err, &over) {
		http.Error(w, fmt.Sprintf("the body is larger than %d bytes: send smaller requests", maxCompressed), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.takeWrite(w, r, protocolOf(message), body)
}

// takeWrite takes a request whose body was read.
func (s *Store) takeWrite(w http.ResponseWriter, r *http.Request, protocol byte, body []byte) {
	v, checked, err := s.writes.judge(r, protocol, body)
	switch {
	case errors.Is(err, errTooLarge):
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case v.broken != nil:
		http.Error(w, v.broken.Error()+": nothing of the request was stored", http.StatusBadRequest)
		return
	case v.samples == 0 || checked.panicked || protocol == protocol1 && checked.code != http.StatusNoContent:
		checked.copyTo(w) // nothing would be stored
		return
	}
	framed := frameWrite(protocol, body)
	index, err := s.o.Propose(r.Context(), entry.KindWrite, framed, sha256.Sum256(framed))
	if err != nil {
		failWrite(w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitApplied)
	defer cancel()
	if s.WaitApplied(ctx, index) == nil {
		if answer := s.writes.answer(index); answer != nil {
			answer.copyTo(w)
			return
		}
	}
	checked.copyTo(w) // it is safe, and will be in the view
}

var errTooLarge = fmt.Errorf("the decoded body is larger than %d bytes: send smaller requests", maxDecoded)

// judge decodes a request, a few at a time, and says what would come of it.
func (w *writes) judge(r *http.Request, protocol byte, body []byte) (*verdict, *recorder, error) {
	size, err := snappy.DecodedLen(body)
	if err != nil {
		return nil, nil, fmt.Errorf("the body is not compressed by snappy: %w", err)
	}
	if size > maxDecoded {
		return nil, nil, errTooLarge
	}
	select {
	case w.decoding <- struct{}{}:
		defer func() { <-w.decoding }()
	case <-r.Context().Done():
		return nil, nil, context.Cause(r.Context())
	}
	raw, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, nil, fmt.Errorf("the body is not compressed by snappy: %w", err)
	}
	if err := checkShape(raw); err != nil {
		return nil, nil, err
	}
	v, checked := w.check(r, protocol, body)
	if protocol == protocol1 && checked.code == http.StatusNoContent {
		w.s.families.learnFrom(raw)
	}
	return v, checked, nil
}

// failWrite answers what the ledger did not take, or may not have. Not 429, for
// which Prometheus by default drops what it sent.
func failWrite(w http.ResponseWriter, err error) {
	after := "1"
	if errors.Is(err, entry.ErrFull) {
		after = "5"
	}
	w.Header().Set("Retry-After", after)
	http.Error(w, err.Error()+": send it again", http.StatusServiceUnavailable)
}
