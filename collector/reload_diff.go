package collector

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/rules"
)

// difference is what a reload changes of one thing, by name.
type difference struct{ Added, Changed, Removed []string }

// compare finds what differs between two sets of definitions, each by name.
func compare(before, after map[string]string) (d difference) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if old, ok := before[name]; !ok {
			d.Added = append(d.Added, name)
		} else if old != after[name] {
			d.Changed = append(d.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			d.Removed = append(d.Removed, name)
		}
	}
	return d
}

func (d difference) empty() bool { return len(d.Added)+len(d.Changed)+len(d.Removed) == 0 }

// parts are what differs, verb by verb.
func (d difference) parts(each func(verb, names string)) {
	for _, p := range []struct {
		verb  string
		names []string
	}{{"added", d.Added}, {"changed", d.Changed}, {"removed", d.Removed}} {
		if len(p.names) > 0 {
			each(p.verb, strings.Join(p.names, ", "))
		}
	}
}

// attrs is what differs, for the log.
func (d difference) attrs() (out []any) {
	d.parts(func(verb, names string) { out = append(out, verb, names) })
	return out
}

// String is what differs in one line.
func (d difference) String() string {
	var parts []string
	d.parts(func(verb, names string) { parts = append(parts, verb+" "+names) })
	return cmp.Or(strings.Join(parts, "; "), "nothing changed")
}

// definitions are the rules, gates and mitigations of a set, by name.
func definitions(set *rules.Set) map[string]string {
	out := map[string]string{}
	if set == nil {
		return out
	}
	// Rules of one name in several groups are one here.
	define := func(name string, how ...any) { out[name] += fmt.Sprintln(how...) }
	for _, r := range set.Rules {
		define(r.Name, r.Group, r.ID, r.Labels, r.Annotations, uses(r.Mitigate), r.Limit, r.KeepFiring)
	}
	for _, r := range set.Metrics {
		define(r.Name, r.Group, r.ID, r.Labels, r.Annotations, uses(r.Mitigate), r.KeepFiring)
	}
	for _, r := range set.Recording {
		define(r.Name, r.Group, r.Expr)
	}
	for _, g := range set.Gates {
		define("gate "+g.Name, *g)
	}
	for _, m := range set.Mitigations {
		define("mitigation "+m.Name, *m)
	}
	return out
}

func uses(all []rules.Use) (names []string) {
	for _, u := range all {
		names = append(names, fmt.Sprint(u.Mitigation.Name, u.Mode))
	}
	return names
}

// keys are the people and agents of a configuration, by name.
func keys(c auth.Config) map[string]string {
	out := map[string]string{}
	for _, p := range c.People {
		out["person "+p.Name] += fmt.Sprintln(p.TokenSHA256, p.May)
	}
	for _, k := range c.Agents {
		out["agent "+k.ID] += k.TokenSHA256
	}
	return out
}

// needRestart names what differs between two configurations and is taken up
// only at a start.
func needRestart(is, next config.Config) (names []string) {
	for _, part := range []struct {
		name string
		of   func(config.Config) any
	}{
		{"listen", func(c config.Config) any { return c.Listen }},
		{"socket", func(c config.Config) any { return c.Socket }},
		{"data", func(c config.Config) any { return c.Data }},
		{"external_url", func(c config.Config) any { return c.ExternalURL }},
		{"retention", func(c config.Config) any { return [2]time.Duration{c.Retention.Tape, c.Retention.Series} }},
		{"evaluation_interval", func(c config.Config) any { return c.EvaluationInterval }},
		{"labels", func(c config.Config) any { return c.Labels }},
		{"language", func(c config.Config) any { return c.Language }},
		{"time_zone", func(c config.Config) any { return c.TimeZone }},
		{"tls (on or off)", func(c config.Config) any { return c.TLS.CertFile != "" }},
	} {
		if !reflect.DeepEqual(part.of(is), part.of(next)) {
			names = append(names, part.name)
		}
	}
	return names
}
