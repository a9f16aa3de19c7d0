package structure

import (
	"fmt"
	"strings"
)

// layer says what the packages at from may import of ours, besides what is in
// their own room. The first layer that matches counts.
type layer struct {
	from string
	sees []string
	why  string
}

const (
	whyLeaf = "it is a leaf: both programs build on it, so it may depend on neither"
	whyRoom = "a room that knows another room can no longer be changed, tested or replaced alone; " +
		"say what you need as an interface and let %s pass it in"
	whyLine = "the agent's rooms stand in one line: local fills the spool and asks the gates, the uplink empties the spool; nothing flows back"
	whyHost = "measuring knows no way out: what it measures is handed on, so that it cannot be slowed by a disk or a network"
	whyLane = "the samples' lane is not the events': neither ever waits for the other"
	whyDesk = "it runs on a laptop too, with macOS as well, where neither a collector nor its ledger can; " +
		"it may know the wire, the pure rooms and what is below it"
	whySDK = "other people's plugins import the SDK and must not pull in the program"
)

// Leaves of the agent are open to both programs: there is one wire (report), one
// door policy (httpguard), one way to make a file durable (durable), to release
// what was acquired (closers), to listen on a Unix socket (socketfile), to read
// what people write (strictyaml) and to spell an address (spelling), both with
// rules too, not two. agent/filekind tells files
// apart for the commands of both.
func layers() []layer {
	return []layer{
		{from: "agent/report/...", why: whyLeaf},
		{from: "agent/httpguard/...", why: whyLeaf},
		{from: "agent/smalldisk/...", why: whyLeaf},
		{from: "agent/strictyaml/...", why: whyLeaf},
		{from: "agent/filekind/...", sees: []string{"agent/strictyaml"}, why: whyLeaf},
		{from: "agent/durable/...", why: whyLeaf},
		{from: "agent/closers/...", why: whyLeaf},
		{from: "agent/socketfile/...", why: whyLeaf},
		{from: "agent/spelling/...", why: whyLeaf},
		{
			from: "agent",
			sees: []string{"agent/..."},
			why:  "the agent is light and runs on hosts where there is no collector and no rule",
		},
		{
			from: "agent/local/...",
			sees: []string{"agent/report", "agent/httpguard", "agent/durable", "agent/socketfile", "agent/collectors", "agent/spool", "agent/gates"},
			why:  whyLine,
		},
		{
			from: "agent/uplink/...",
			sees: []string{"agent/report", "agent/durable", "agent/collectors", "agent/spool"},
			why:  whyLine,
		},
		{
			from: "agent/host/...",
			sees: []string{"agent/report"},
			why:  whyHost,
		},
		{
			from: "agent/samples/...",
			sees: []string{"agent/report", "agent/durable", "agent/collectors"},
			why:  whyLane,
		},
		{
			from: "agent/...",
			sees: []string{"agent/report", "agent/httpguard", "agent/strictyaml", "agent/durable", "agent/collectors", "agent/spelling"},
			why:  fmt.Sprintf(whyRoom, "the agent") + "; no collector and no rule is there",
		},
		{
			from: "rules/...",
			sees: []string{"agent/report", "agent/strictyaml", "agent/spelling"},
			why:  "rules are pure: every collector, every replay and every test must get the same answer from them",
		},
		{
			from: "collector",
			sees: []string{
				"collector/...", "rules/...", "agent/report", "agent/httpguard", "agent/durable", "agent/closers", "agent/socketfile", "agent/strictyaml",
				"plugins/action/...", "plugins/source/...",
			},
			why: "the collector wires its own rooms; the agent is another program, and cmd brings the two together",
		},
		{
			from: "collector/entry/...",
			sees: []string{"collector/record", "rules", "agent/report"},
			why:  "the vocabulary of the ledger does not depend on its readers",
		},
		{from: "collector/record/...", why: whyLeaf},
		{
			from: "collector/config/...",
			sees: []string{"collector/auth/roster", "agent/strictyaml"},
			why:  "a configuration is checked where no collector runs: it may know what its sections say, and nothing that opens, listens or keeps",
		},
		{
			from: "collector/...",
			sees: []string{
				"collector/entry", "collector/record", "collector/machine", "collector/message", "collector/access", "collector/silence", "collector/promrule", "rules/...", "agent/report", "agent/httpguard", "agent/durable", "agent/spelling",
				"plugins/action/...", "plugins/source/...",
			},
			why: fmt.Sprintf(whyRoom, "the collector"),
		},
		{
			from: "cmd/tomeishi/term/...",
			sees: []string{"cmd/internal/build"},
			why:  "it is a leaf: every command builds on it, so it may know none, and no collector",
		},
		{
			from: "cmd/tomeishi/client/...",
			sees: []string{"cmd/tomeishi/term", "collector/api", "agent/report", "agent/socketfile"},
			why:  whyDesk,
		},
		{
			from: "cmd/tomeishi/query/...",
			sees: []string{"cmd/tomeishi/term", "cmd/tomeishi/client"},
			why:  whyDesk,
		},
		{
			from: "cmd/tomeishi/operate/...",
			sees: []string{
				"cmd/tomeishi/term", "cmd/tomeishi/client", "cmd/tomeishi/query/...",
				"collector/api", "collector/machine", "collector/silence", "agent/report", "agent/durable",
			},
			why: whyDesk,
		},
		{
			// What a collector would say of a file is said by the rooms that read it there.
			from: "cmd/tomeishi/author/...",
			sees: []string{
				"cmd/tomeishi/term", "rules/...", "collector/series/syntax", "collector/notify",
				"agent/strictyaml", "agent/filekind", "agent/config", "collector/config",
			},
			why: whyDesk + "; and it speaks to no collector",
		},
		{
			from: "cmd/tomeishi/clitest/...",
			sees: []string{"cmd/tomeishi/term", "cmd/tomeishi/client"},
			why:  "tests of every room of commands build on it",
		},
		{
			from: "cmd/tomeishi/serve/...",
			sees: []string{"cmd/tomeishi/term", "cmd/tomeishi/client", "collector/...", "agent/..."},
			why:  "it runs what others only speak to, and has no commands of theirs",
		},
		{
			from: "cmd/tomeishi",
			sees: []string{"cmd/tomeishi/..."},
			why:  "the command only joins its rooms: what a system without Linux cannot have must be in one of them",
		},
		{
			from: "cmd/tomeishi-agent/...",
			sees: []string{"agent/...", "cmd/internal/build"},
			why:  "the agent's program is the agent and nothing else but the version of both programs",
		},
		{from: "plugins/action/...", why: whySDK},
		{from: "plugins/source/...", why: whySDK},
		{
			from: "plugins/...",
			sees: []string{"plugins/action/...", "plugins/source/..."},
			why:  "a plugin is a program of its own that could as well live elsewhere; it sees only the SDK",
		},
	}
}

// importRule finds imports that cross the walls of DESIGN.md. Tests may use
// the wire, a small disk and clitest too; the tests of the collector and all of
// cmd/internal put whole systems together, so they see everything.
func importRule(t *tree) []string {
	var found []string
	t.imports(func(f *goFile, place, imported string) {
		to, ours := strings.CutPrefix(imported, module+"/")
		if !ours || room(f.dir) == room(to) {
			return
		}
		if to == "agent/smalldisk" && !f.test() {
			found = append(found, fmt.Sprintf("%s: %s may not import %s: it is for tests", place, f.dir, to))
			return
		}
		if f.test() && (f.dir == "collector" || to == "agent/report" || to == "agent/smalldisk" || to == "cmd/tomeishi/clitest") {
			return
		}
		for _, l := range layers() {
			if !match(l.from, f.dir) {
				continue
			}
			if !matchAny(l.sees, to) {
				found = append(found, fmt.Sprintf("%s: %s may not import %s: %s", place, f.dir, to, l.why))
			}
			return
		}
	})
	return found
}

// formsApart finds packages that know a rule form. Only the list of forms, in
// package rules, does; forms do not know each other, and tests may have a form
// of their own.
func formsApart(t *tree) []string {
	const forms = "rules/form/"
	var found []string
	t.imports(func(f *goFile, place, imported string) {
		to, ours := strings.CutPrefix(imported, module+"/"+forms)
		listed := f.dir == "rules" || f.dir == forms+to || f.test() && to == "formtest"
		if ours && !listed {
			found = append(found, fmt.Sprintf("%s: %s may not import the form %s: it knows rules/form", place, f.dir, to))
		}
	})
	return found
}

// room is the package that owns dir: its first two elements, three where a
// command has rooms, or one where the whole folder is a single room.
func room(dir string) string {
	deep := 2
	switch top, _, _ := strings.Cut(dir, "/"); top {
	case "rules":
		deep = 1
	case "cmd":
		deep = 3
	}
	parts := strings.Split(dir, "/")
	return strings.Join(parts[:min(deep, len(parts))], "/")
}
