// Package filekind tells by its keys what a YAML file is: one of the files that
// this project reads, or one of those that stand beside them and are easily
// taken for them. It promises an answer for a file with errors too, and never an
// error. It does not say whether a file is right.
package filekind

import (
	"strings"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// A Kind of file. The zero Kind is none that is known.
type Kind int

// The kinds. Which of two is meant by keys that both have is told by this order.
const (
	Unknown Kind = iota
	Rules
	Alertmanager
	Collector
	Agent
	PromtoolTest
	Prometheus
	Kubernetes
	kinds
)

// String is the kind with its article, as in "a rule file".
func (k Kind) String() string {
	return [kinds]string{
		"a file of no known kind", "a rule file", "an Alertmanager configuration", "a collector's configuration",
		"an agent's configuration", "a test of promtool's", "a configuration of Prometheus", "an object for Kubernetes",
	}[k]
}

// marks are the keys that a file of a kind may begin with.
func marks() map[Kind]string {
	return map[Kind]string{
		Rules:        "groups gates mitigations lists vars overrides events",
		Alertmanager: "global route receivers inhibit_rules mute_time_intervals time_intervals templates tracing event_recorder",
		Collector: "listen socket data labels tls rules external_url retention evaluation_interval alertmanager " +
			"alertmanagers language time_zone heartbeat auth peers",
		Agent:        "listen socket data labels tls id collectors spool token_file ports probes guard",
		PromtoolTest: "tests rule_files evaluation_interval group_eval_order fuzzy_compare",
		Prometheus:   "global scrape_configs scrape_config_files rule_files alerting remote_write remote_read storage otlp runtime tracing",
		Kubernetes:   "apiVersion kind metadata spec items",
	}
}

// maxFile bounds what is looked at, in bytes.
const maxFile = 4 << 20

// Of tells what a file is: that of whose keys it has most, those that are
// misspelled counting half. Of kinds that have as many it is the preferred one, for
// a file may hold only what two kinds have.
func Of(f strictyaml.File, preferred Kind) Kind {
	keys := strictyaml.TopKeys(f, maxFile)
	best, most := Unknown, 0
	all := marks()
	for k := Rules; k < kinds; k++ {
		n := 0
		known := strings.Fields(all[k])
		for _, key := range keys {
			switch strictyaml.Closest(key, known) {
			case "":
			case key:
				n += 2
			default:
				n++
			}
		}
		if n > most || n == most && n > 0 && k == preferred {
			best, most = k, n
		}
	}
	return best
}

// Remedy is what to do with a file that is not read here; empty for those that
// are.
func (k Kind) Remedy() string {
	switch k {
	case PromtoolTest:
		return "its rules are tested with: promtool test rules FILE; check the rule files that it names"
	case Prometheus:
		return "the rule files that it names under rule_files are checked and loaded as they are; " +
			"to send samples here, add remote_write with the collector's /api/v1/write"
	case Kubernetes:
		return "the rules of a PrometheusRule are the groups under its spec: write spec, as it is, to a file of its own"
	case Unknown:
		return "a rule file begins with groups, gates or mitigations, a collector's configuration has data and rules, " +
			"an agent's has data and collectors, Alertmanager's has route and receivers"
	default:
		return ""
	}
}
