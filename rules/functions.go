package rules

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// funcs are Prometheus's template functions that need nothing but what they
// are given, and Go's own where those could make much of little; all are paid
// for. They show numbers to people and decide nothing, so here floating point
// is fine.
func (b *budget) funcs() template.FuncMap {
	return template.FuncMap{
		"args":               b.args,
		"humanize":           b.number(func(v float64) string { return humanize(v, 1000, "kMGTPEZY", "munpfazy") }),
		"humanize1024":       b.number(func(v float64) string { return humanize(v, 1024, "kMGTPEZY", "") }),
		"humanizeDuration":   b.number(humanizeDuration),
		"humanizePercentage": b.number(func(v float64) string { return fmt.Sprintf("%.4g%%", v*100) }),
		"humanizeTimestamp":  b.number(humanizeTimestamp),
		"match": func(pattern, text string) (bool, error) {
			re, err := b.pattern(pattern, text)
			return err == nil && re.MatchString(text), err
		},
		"parseDuration": func(s string) (float64, error) {
			d, err := strictyaml.ParseDuration(s)
			return d.Seconds(), err
		},
		"reReplaceAll": b.replace,
		"stripDomain":  b.text(stripDomain),
		"stripPort":    b.text(stripPort),
		"title":        b.text(title),
		"toLower":      b.text(strings.ToLower),
		"toUpper":      b.text(strings.ToUpper),

		"html":     b.texts(template.HTMLEscaper),
		"js":       b.texts(template.JSEscaper),
		"print":    b.texts(fmt.Sprint),
		"printf":   b.printf,
		"println":  b.texts(fmt.Sprintln),
		"urlquery": b.texts(template.URLQueryEscaper),
	}
}

// args names what a template is called with. It takes no args, which would
// make a tree of a few words.
func (b *budget) args(args ...any) (map[string]any, error) {
	out := map[string]any{}
	for i, a := range args {
		out["arg"+strconv.Itoa(i)] = a
	}
	return out, b.take(args...)
}

func (b *budget) texts(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		if err := b.take(args...); err != nil {
			return "", err
		}
		return f(args...), nil
	}
}

func (b *budget) text(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) {
		if err := b.take(s); err != nil {
			return "", err
		}
		return f(s), nil
	}
}

// number makes a function of a number of one that may be text.
func (b *budget) number(f func(float64) string) func(any) (string, error) {
	return func(v any) (string, error) {
		if err := b.take(v); err != nil {
			return "", err
		}
		n, err := float(v)
		if err != nil {
			return "", err
		}
		return f(n), nil
	}
}

func float(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case time.Duration:
		return v.Seconds(), nil
	case string:
		return strconv.ParseFloat(v, 64)
	case exactText:
		return strconv.ParseFloat(string(v), 64)
	}
	return 0, fmt.Errorf("%v is no number", v)
}

func special(v float64) bool { return v == 0 || math.IsNaN(v) || math.IsInf(v, 0) }

// humanize divides by base until the number is short, and says how often.
func humanize(v, base float64, up, down string) string {
	prefix := ""
	switch {
	case special(v):
	case math.Abs(v) >= 1:
		for _, p := range up {
			if math.Abs(v) < base {
				break
			}
			prefix = string(p)
			v /= base
		}
		if base == 1024 && prefix != "" {
			prefix += "i"
		}
	default:
		for _, p := range down {
			if math.Abs(v) >= 1 {
				break
			}
			prefix = string(p)
			v *= base
		}
	}
	return fmt.Sprintf("%.4g%s", v, prefix)
}

func humanizeDuration(v float64) string {
	switch {
	case special(v):
		return fmt.Sprintf("%.4gs", v)
	case math.Abs(v) < 1:
		return humanize(v, 1000, "", "munpfazy") + "s"
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	whole := int64(v)
	s, m, h, d := whole%60, whole/60%60, whole/3600%24, whole/86400
	switch {
	case d != 0:
		return fmt.Sprintf("%s%dd %dh %dm %ds", sign, d, h, m, s)
	case h != 0:
		return fmt.Sprintf("%s%dh %dm %ds", sign, h, m, s)
	case m != 0:
		return fmt.Sprintf("%s%dm %ds", sign, m, s)
	}
	return fmt.Sprintf("%s%.4gs", sign, v)
}

func humanizeTimestamp(v float64) string {
	if special(v) && v != 0 || math.Abs(v) > 1<<53 {
		return fmt.Sprintf("%.4g", v)
	}
	whole, fraction := math.Modf(v)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC().String()
}

func stripPort(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return hostPort
}

func stripDomain(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	if net.ParseIP(host) != nil {
		return hostPort
	}
	host, _, _ = strings.Cut(host, ".")
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	return host
}

// title makes the first letter of each word large.
func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		r := []rune(w)
		words[i] = strings.ToUpper(string(r[:1])) + string(r[1:])
	}
	return strings.Join(words, " ")
}
