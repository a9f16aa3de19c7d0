package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// BenchmarkIngest posts batches of 1,000 events through the whole collector,
// over loopback: decode, ledger with its fsync, machine, tape. Beside it
// stands what encoding/json alone takes to read the same lines.
func BenchmarkIngest(b *testing.B) {
	c := testConfig(b)
	rules, err := filepath.Abs("testdata/ten.yml")
	if err != nil {
		b.Fatal(err)
	}
	c.Rules = []string{rules}
	r := startOptions(b, Options{Config: c, Log: slog.New(slog.DiscardHandler), Up: true})
	body := make([]byte, 0, 1<<20)
	n := 0
	next := func() []byte {
		body = body[:0]
		for range 1000 {
			n++
			body = fmt.Appendf(body, `{"specversion":"1.0","id":"e-%d","source":"//wallet-1.example/payouts","type":"payout.sent",`+
				`"time":%q,"subject":"withdrawal","data":{"request":"r-%d","payment":"p-%d","txid":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",`+
				`"asset":"BTC","network":"bitcoin","address":"bc1qar0srrr7xfkvy5l643lydnw9re59gt%06d","amount":"0.12345678","fee":"0.00001200","customer":"c-%d"}}`+"\n",
				n, time.Now().UTC().Format(time.RFC3339Nano), n, n, n%1000, n)
		}
		return body
	}
	b.Run("collector", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			lines := string(next())
			b.StartTimer()
			if code, answer := r.request(http.MethodPost, "/v1/events", report.LinesType, lines); code != http.StatusAccepted {
				b.Fatal(answer)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
	})
	b.Run("encoding-json", func(b *testing.B) {
		lines := next()
		for b.Loop() {
			for line := range bytes.Lines(lines) {
				var v map[string]any
				if err := json.Unmarshal(line, &v); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
	})
}
