package series

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/prompb"

	"github.com/tomeishi/tomeishi/agent/report"
)

// families is what is known of metrics by name: of the agents' from the
// catalog, of others from what their senders said lately. It is a help for
// people who write queries, kept in memory only.
type families struct {
	mu    sync.Mutex // guards known
	known map[string]family
}

// A family is what Prometheus's API tells of a metric.
type family struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

const (
	maxFamilies = 10_000
	maxHelp     = 1 << 10
)

// learn learns of a family. A sender that does not know a part of it unsays
// nothing.
func (f *families) learn(name string, m metadata.Metadata) {
	if m.Type == model.MetricTypeUnknown {
		m.Type = ""
	}
	if name == "" || len(name) > maxLabelName || m.Type == "" && m.Help == "" && m.Unit == "" {
		return
	}
	help := strings.ToValidUTF8(m.Help[:min(len(m.Help), maxHelp)], "")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]family{}
	}
	was, ok := f.known[name]
	if !ok && len(f.known) == maxFamilies {
		return
	}
	f.known[strings.Clone(name)] = family{
		cmp.Or(strings.Clone(string(m.Type)), was.Type), cmp.Or(help, was.Help),
		cmp.Or(strings.Clone(m.Unit[:min(len(m.Unit), maxLabelName)]), was.Unit),
	}
}

// familyName is the family that a series of this type belongs to: protocol 2 says
// a family with each of its series.
func familyName(series string, kind model.MetricType) string {
	var suffixes []string
	switch kind {
	case model.MetricTypeHistogram, model.MetricTypeGaugeHistogram:
		suffixes = []string{"_bucket", "_gcount", "_gsum", "_count", "_sum"}
	case model.MetricTypeSummary:
		suffixes = []string{"_count", "_sum"}
	case model.MetricTypeInfo:
		suffixes = []string{"_info"}
	default: // of the others a series has the family's name
	}
	for _, s := range suffixes {
		if family, ok := strings.CutSuffix(series, s); ok {
			return family
		}
	}
	return series
}

// metadataField is the field of protocol 1 that holds a family; Prometheus's
// handler does not read it.
const metadataField = 3

// learnFrom learns from a decoded request of protocol 1.
func (f *families) learnFrom(raw []byte) {
	// Its shape was checked.
	_ = fields(raw, func(field uint64, inside []byte) error {
		var m prompb.MetricMetadata
		if field != metadataField || m.Unmarshal(inside) != nil {
			return nil
		}
		kind := model.MetricType(strings.ToLower(m.Type.String()))
		f.learn(m.MetricFamilyName, metadata.Metadata{Type: kind, Help: m.Help, Unit: m.Unit})
		return nil
	})
}

// all is what is known: the catalog first, then what senders said, then the
// collector's own.
func (f *families) all() map[string]family {
	out := map[string]family{
		"up": {"gauge", "Whether the agent was heard from lately.", ""},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.Copy(out, f.known)
	for _, s := range report.Signals() {
		out[s.Name] = family{s.Type, s.Help, ""}
	}
	return out
}

// getMetadata answers what is known of metrics, as Prometheus does of those
// that it scrapes.
func (s *Store) getMetadata(w http.ResponseWriter, r *http.Request) {
	limit, err := number64(r.FormValue("limit"))
	if err == nil {
		_, err = number64(r.FormValue("limit_per_metric")) // there is one of each
	}
	if err != nil {
		promError(w, http.StatusBadRequest, "bad_data", "limit must be a number")
		return
	}
	known := s.families.all()
	out := map[string][]family{}
	if name := r.FormValue("metric"); name != "" {
		if is, ok := known[name]; ok {
			out[name] = []family{is}
		}
	} else {
		for name, is := range known {
			if limit >= 0 && len(out) >= limit {
				break
			}
			out[name] = []family{is}
		}
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"status": "success", "data": out})
}

// number64 reads a limit; an empty one is none.
func number64(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	return strconv.Atoi(s)
}
