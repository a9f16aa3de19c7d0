package query

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
)

// unitOf guesses what the values of an expression count, from the suffixes
// that Prometheus's names have. Where it cannot be sure they are plain numbers.
func unitOf(expr string) chart.Unit {
	words := promWords(expr)
	is := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w promWord) bool { return slices.Contains(list, w.text) })
	}
	switch n := len(words); {
	case n > 2 && (words[0].text == "100" && words[1].text == "*" || words[n-1].text == "100" && words[n-2].text == "*"):
		return chart.Unit{Kind: chart.Percent}
	case is("*", "/", "%", "^", "atan2", "bool", "timestamp", "changes", "resets", "absent", "group", "count",
		"count_values", "sgn", "exp", "ln", "log2", "log10", "stdvar", "stdvar_over_time", "count_over_time",
		"absent_over_time", "present_over_time", "histogram_count", "histogram_stdvar"):
		return chart.Unit{}
	case is("histogram_fraction"):
		return chart.Unit{Kind: chart.Ratio}
	}
	unit, found := chart.Unit{}, false
	for _, w := range words {
		if !w.metric {
			continue
		}
		u := unitOfName(w.text)
		if found && u != unit {
			return chart.Unit{}
		}
		unit, found = u, true
	}
	if found && is("rate", "irate", "deriv") && !is("histogram_quantile", "histogram_avg") {
		if unit.Kind == chart.Plain || unit.Kind == chart.Bytes {
			return chart.Unit{Kind: unit.Kind, Rate: true}
		}
		return chart.Unit{} // seconds of each second
	}
	return unit
}

// unitOfName is what a metric of this name counts.
func unitOfName(name string) chart.Unit {
	for _, part := range []string{"_bucket", "_sum", "_total"} {
		name = strings.TrimSuffix(name, part)
	}
	end := max(strings.LastIndexByte(name, '_'), strings.LastIndexByte(name, ':'))
	switch name[end+1:] {
	case "bytes":
		return chart.Unit{Kind: chart.Bytes}
	case "seconds":
		return chart.Unit{Kind: chart.Seconds}
	case "percent":
		return chart.Unit{Kind: chart.Percent}
	case "ratio":
		return chart.Unit{Kind: chart.Ratio}
	}
	return chart.Unit{}
}

// isTime tells whether a metric of this name holds points of time.
func isTime(name string) bool {
	return strings.HasSuffix(name, "_timestamp_seconds") || strings.HasSuffix(name, "_time_seconds")
}

// promWord is a word of an expression.
type promWord struct {
	text   string
	metric bool // the name of a metric
}

var (
	// promNoise is what has words that are not the expression's: comments,
	// strings, matchers, ranges and lists of labels.
	promNoise = regexp.MustCompile("(?i)#[^\n]*|\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")
	promLists = regexp.MustCompile(`(?i)\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	promToken = regexp.MustCompile(`[a-zA-Z_:][\w:]*|[\d.]+(?:[eE][+-]?\d+)?[a-z]*|[-+*/%^()<>=!,@]`)
)

// promWords splits an expression, leaving out what selects and groups.
func promWords(expr string) []promWord {
	bare := promLists.ReplaceAllString(promNoise.ReplaceAllString(expr, " "), " ")
	var words []promWord
	tokens := promToken.FindAllString(bare, -1)
	for i, text := range tokens {
		first := text[0]
		name := first == '_' || first == ':' || first|0x20 >= 'a' && first|0x20 <= 'z'
		called := i+1 < len(tokens) && tokens[i+1] == "("
		words = append(words, promWord{text, name && !called && !isPromKeyword(text)})
	}
	return words
}

func isPromKeyword(text string) bool {
	return slices.Contains([]string{
		"and", "or", "unless", "atan2", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right",
		"start", "end", "inf", "nan",
	}, strings.ToLower(text))
}
