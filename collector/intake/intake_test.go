package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// slowLedger still reads what was proposed after Propose has returned, as the
// ledger does when the proposer's context ends while it encodes.
type slowLedger struct {
	reading sync.WaitGroup
	mu      sync.Mutex
	kept    [][]byte
	first   [][]byte
}

func (l *slowLedger) Propose(ctx context.Context, _ entry.Kind, body []byte, _ [32]byte) (any, error) {
	l.mu.Lock()
	l.kept, l.first = append(l.kept, body), append(l.first, bytes.Clone(body))
	l.mu.Unlock()
	l.reading.Go(func() {
		for range 100 {
			bytes.Clone(body)
		}
	})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", entry.ErrUnknown, ctx.Err())
	}
	return machine.BatchOutcome{Accepted: 1}, nil
}

// TestProposedBytesStay sends requests whose context has ended, so that their
// memory is used again while the ledger reads what they proposed.
func TestProposedBytesStay(t *testing.T) {
	l := &slowLedger{}
	mux := http.NewServeMux()
	New(Options{Ledger: l, Metrics: metrics.NewSet(), Agent: func(*http.Request, string) error { return nil }}).Register(mux)
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		body := fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"s%d","type":"t","data":{"a":%q}}`, i, i, strings.Repeat("x", i))
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/events", strings.NewReader(body))
		r.Header.Set("Content-Type", report.StructuredType)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	l.reading.Wait()
	for i, got := range l.kept {
		if !bytes.Equal(got, l.first[i]) {
			t.Fatalf("what request %d proposed has changed", i)
		}
		if _, err := report.OpenBatch(got); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhoseBlocks takes blocks only from whoever may speak for their agent.
func TestWhoseBlocks(t *testing.T) {
	l := &slowLedger{}
	mux := http.NewServeMux()
	New(Options{Ledger: l, Metrics: metrics.NewSet(), Agent: func(_ *http.Request, agent string) error {
		if agent != "a" {
			return errors.New("the token is agent a's")
		}
		return nil
	}}).Register(mux)
	var b report.Builder
	b.Add(&report.Event{ID: "1", Source: "s", Type: "t"})
	for agent, code := range map[string]int{"a": http.StatusInternalServerError, "b": http.StatusForbidden} {
		block := report.Block{Head: report.Head{Agent: agent, Seq: 1}, Batch: b.Batch()}.Append(nil)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/blocks", bytes.NewReader(block))
		r.Header.Set("Content-Type", report.BlocksType)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != code {
			t.Errorf("agent %s: answered %d %s, want %d", agent, w.Code, w.Body, code)
		}
	}
	if len(l.kept) != 1 {
		t.Errorf("%d proposals, want agent a's", len(l.kept))
	}
	l.reading.Wait()
}
