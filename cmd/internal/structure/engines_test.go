package structure

import (
	"fmt"
	"slices"
	"strings"
)

// engine is a large library with traps of its own, and where it may be used.
type engine struct {
	path string
	by   []string
	why  string
}

func engines() []engine {
	return []engine{
		{
			"github.com/hashicorp/raft/...",
			[]string{"collector/ledger/..."},
			"entries are stamped, submitted and retried by one goroutine there, and nobody else may append",
		},
		{
			"github.com/hashicorp/raft-wal/...",
			[]string{"collector/ledger/..."},
			"its traps (a hanging second open, a flipped bit without an error, a full disk) are handled there",
		},
		{
			"github.com/prometheus/prometheus/...",
			[]string{"collector/series/..."},
			"rules takes a PromQL checker and evaluator as interfaces, so that it stays small and pure",
		},
		{
			"github.com/prometheus/alertmanager/...",
			[]string{"collector/notify/..."},
			"its silences and its log travel through the ledger, which only that room arranges",
		},
		{
			"github.com/hashicorp/go-plugin/...",
			[]string{"plugins/host/...", "plugins/action/...", "plugins/source/..."},
			"both ends of the plugin protocol change together",
		},
	}
}

// oneImporter finds engines used outside their room, tests included.
func oneImporter(t *tree) []string {
	var found []string
	t.imports(func(f *goFile, place, imported string) {
		for _, e := range engines() {
			if match(e.path, imported) && !matchAny(e.by, f.dir) {
				found = append(found, fmt.Sprintf("%s: %s may not import %s, only %s may: %s",
					place, f.dir, imported, strings.Join(e.by, " and "), e.why))
			}
		}
	})
	return found
}

// notInAgent is what must not be linked into the agent's binary.
func notInAgent() []engine {
	light := "the agent stays under 9 MB on every host: "
	return []engine{
		{path: module + "/collector/...", why: "the agent runs where no collector is"},
		{path: module + "/rules/...", why: "the agent reports facts and judges none"},
		{path: "github.com/hashicorp/go-plugin/...", why: light + "plugins are started by tomeishi-sources beside it"},
		{path: "github.com/hashicorp/raft/...", why: light + "the ledger is the collector's"},
		{path: "github.com/hashicorp/raft-wal/...", why: light + "the ledger is the collector's"},
		{path: "go.etcd.io/bbolt/...", why: light + "the ledger is the collector's"},
		{path: "database/sql/...", why: light + "databases are read by tomeishi-sources beside it"},
		{path: "github.com/jackc/pgx/...", why: light + "databases are read by tomeishi-sources beside it"},
		{path: "cel.dev/cel-go/...", why: light + "conditions are evaluated by the collector"},
		{path: "github.com/google/cel-go/...", why: light + "conditions are evaluated by the collector"},
		{path: "github.com/klauspost/compress/zstd/...", why: light + "zstd alone is a megabyte"},
	}
}

// notElsewhere is what must not be linked into tomeishi where there is no Linux.
func notElsewhere() []engine {
	why := "an operator's laptop runs no collector, and what writes its data is not tried there"
	return []engine{
		{path: module + "/collector", why: why},
		{path: module + "/collector/ledger/...", why: why},
		{path: module + "/collector/series", why: why},
		{path: module + "/agent", why: why},
		{path: "github.com/hashicorp/raft/...", why: why},
		{path: "github.com/hashicorp/raft-wal/...", why: why},
	}
}

// wrongLinks finds what of not is among linked, a list of import paths. Major
// versions of a module count as the module.
func wrongLinks(not []engine, linked []string) []string {
	var found []string
	for _, e := range not {
		at := slices.IndexFunc(linked, func(p string) bool { return match(e.path, p) })
		if at >= 0 {
			found = append(found, fmt.Sprintf("it links %s: %s", linked[at], e.why))
		}
	}
	return found
}
