package query

import (
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
)

func TestUnitOf(t *testing.T) {
	plain, bytes, secs := chart.Unit{}, chart.Unit{Kind: chart.Bytes}, chart.Unit{Kind: chart.Seconds}
	percent, ratio := chart.Unit{Kind: chart.Percent}, chart.Unit{Kind: chart.Ratio}
	perSecond, bytesPerSecond := chart.Unit{Rate: true}, chart.Unit{Kind: chart.Bytes, Rate: true}
	for expr, want := range map[string]chart.Unit{
		`node_memory_MemFree_bytes`:                                           bytes,
		`sum by (x_seconds) (node_memory_MemFree_bytes{a="b_seconds"})`:       bytes,
		`node_memory_MemTotal_bytes - node_memory_MemFree_bytes`:              bytes,
		`node_memory_MemTotal_bytes / node_memory_MemFree_bytes`:              plain,
		`topk(3, node_memory_MemFree_bytes > 5)`:                              bytes,
		`node_memory_MemFree_bytes > bool 5`:                                  plain,
		`rate(node_network_receive_bytes_total[1m])`:                          bytesPerSecond,
		`increase(node_network_receive_bytes_total[1h])`:                      bytes,
		`rate(node_network_receive_packets_total[1m])`:                        perSecond,
		`rate(node_cpu_seconds_total{mode="idle"}[1m])`:                       plain,
		`100 * (1 - avg by (instance) (rate(node_cpu_seconds_total[1m])))`:    percent,
		`(1 - rate(node_cpu_seconds_total[1m])) * 100`:                        percent,
		`1 - node_filesystem_avail_bytes / node_filesystem_size_bytes`:        plain,
		`histogram_quantile(0.9, sum by (le) (rate(lag_seconds_bucket[5m])))`: secs,
		`tomeishi_lag_seconds`:                                                secs,
		`lag_seconds_sum`:                                                     secs,
		`lag_seconds_count`:                                                   plain,
		`time() - node_boot_time_seconds`:                                     secs,
		`timestamp(node_memory_MemFree_bytes)`:                                plain,
		`count(node_memory_MemFree_bytes)`:                                    plain,
		`instance:memory:ratio`:                                               ratio,
		`cache_hit_ratio`:                                                     ratio,
		`a_bytes or b_seconds`:                                                plain,
		`a_bytes and on (instance) b_bytes`:                                   bytes,
		"a_bytes # not b_seconds\n":                                           bytes,
		`label_replace(a_bytes, "b_seconds", "$1", 'c', "x{")`:                bytes,
		`node_load1`: plain,
		``:           plain,
		`((((`:       plain,
	} {
		if got := unitOf(expr); got != want {
			t.Errorf("%s: %+v, want %+v", expr, got, want)
		}
	}
}

func TestKeepsOrder(t *testing.T) {
	for expr, want := range map[string]bool{
		`sort(up)`: true, `topk(5, up)`: true, `sort_desc(sum by (a) (b))`: true, `up`: false, `sum(topk(5, up))`: false, ``: false,
	} {
		if keepsOrder(expr) != want {
			t.Errorf("%s: %t, want %t", expr, !want, want)
		}
	}
}

// FuzzUnitOf reads whatever people type.
func FuzzUnitOf(f *testing.F) {
	for _, s := range []string{"", "100 *", `rate(x_bytes[5m])`, "{", `"\`, "#", "by(", "1e", "é_bytes"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, expr string) {
		unitOf(expr)
		keepsOrder(expr)
	})
}
