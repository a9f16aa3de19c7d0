package query

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// labelSets are the labels of several series, of which those that all share
// stand apart.
type labelSets struct {
	common map[string]string
	names  []string // of labels that differ, sorted; __name__ sorts first
}

// splitLabels finds what the series share. A single one shares nothing.
func splitLabels(series []promSeries) labelSets {
	s := labelSets{common: map[string]string{}}
	all := map[string]bool{}
	for _, one := range series {
		for name := range one.Metric {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		first, ok := series[0].Metric[name]
		differs := func(one promSeries) bool {
			value, has := one.Metric[name]
			return !has || value != first
		}
		if ok && len(series) > 1 && !slices.ContainsFunc(series, differs) {
			s.common[name] = first
		} else {
			s.names = append(s.names, name)
		}
	}
	return s
}

// own is what a series does not share with the others, as PromQL writes it.
func (s labelSets) own(metric map[string]string) string {
	labels := map[string]string{}
	for _, name := range s.names {
		if value, ok := metric[name]; ok {
			labels[name] = value
		}
	}
	return promLabels(labels)
}

// promLabels is a label set as PromQL writes it, on one harmless line.
func promLabels(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			parts = append(parts, name+"="+strconv.Quote(labels[name]))
		}
	}
	text := labels["__name__"]
	if len(parts) > 0 || text == "" {
		text += "{" + strings.Join(parts, ", ") + "}"
	}
	return term.Line(text)
}

// keepsOrder tells whether an expression puts its series in an order.
func keepsOrder(expr string) bool {
	words := promWords(expr)
	return len(words) > 0 && slices.Contains([]string{
		"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "topk", "bottomk",
	}, words[0].text)
}

func (s labelSets) compare(a, b map[string]string) int {
	for _, name := range s.names {
		if c := natural(a[name], b[name]); c != 0 {
			return c
		}
	}
	return 0
}

// natural compares texts so that cpu2 comes before cpu10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := leadingDigits(a), leadingDigits(b)
		if da > 0 && db > 0 {
			x, y := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
