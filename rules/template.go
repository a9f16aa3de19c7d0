package rules

import (
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"
)

// metricFunctions are what Prometheus's templates can call beside what Go's can.
var metricFunctions = []string{
	"query", "first", "label", "value", "strvalue", "args", "reReplaceAll", "safeHtml", "match", "title",
	"toUpper", "toLower", "graphLink", "tableLink", "sortByLabel", "stripPort", "stripDomain", "humanize",
	"humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime", "toDuration",
	"now", "pathPrefix", "externalURL", "parseDuration", "urlQueryEscape", "tmpl",
}

// metricNames gives templates the names that Prometheus gives them.
const metricNames = `{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}`

// parseMetricTemplate says what is wrong with a template of Prometheus's. It is
// never run here.
func parseMetricTemplate(text string) error {
	funcs := template.FuncMap{}
	for _, name := range metricFunctions {
		funcs[name] = func(...any) string { return "" }
	}
	if _, err := template.New("").Funcs(funcs).Parse(metricNames + text); err != nil {
		return trimTemplate(err)
	}
	return nil
}

var unknownName = regexp.MustCompile(`(?:function|undefined variable) "(\$?\w+)"`)

// laterFunction is whether an error is about a function that only templates of
// Prometheus's can call. It returns the function's name.
func laterFunction(err error) (name string, is bool) {
	for _, f := range metricFunctions {
		if strings.Contains(err.Error(), "function "+strconv.Quote(f)+" not defined") {
			return f, true
		}
	}
	return "", false
}

// templateFault is the character of a template at which an error is, 0 if the
// error does not tell.
func templateFault(text string, err error) int {
	found := unknownName.FindStringSubmatch(err.Error())
	if len(found) < 2 {
		return 0
	}
	whole := regexp.MustCompile(regexp.QuoteMeta(found[1]) + `\b`)
	at := strings.Index(text, "{{")
	if in := whole.FindStringIndex(text[max(0, at):]); in != nil {
		return utf8.RuneCountInString(text[:max(0, at)+in[0]])
	}
	return 0
}
