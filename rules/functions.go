package rules

import (
	"fmt"
	"math"
	"net"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// templateFuncs are Prometheus's template functions that need nothing but what
// they are given. They show numbers to people and decide nothing, so here
// floating point is fine.
func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"args": func(args ...any) map[string]any {
			out := map[string]any{}
			for i, a := range args {
				out["arg"+strconv.Itoa(i)] = a
			}
			return out
		},
		"humanize":           number1(func(v float64) string { return humanize(v, 1000, "kMGTPEZY", "munpfazy") }),
		"humanize1024":       number1(func(v float64) string { return humanize(v, 1024, "kMGTPEZY", "") }),
		"humanizeDuration":   number1(humanizeDuration),
		"humanizePercentage": number1(func(v float64) string { return fmt.Sprintf("%.4g%%", v*100) }),
		"humanizeTimestamp":  number1(humanizeTimestamp),
		"match": func(pattern, text string) (bool, error) {
			re, err := b.pattern(pattern, text)
			return err == nil && re.MatchString(text), err
		},
		"parseDuration": func(s string) (float64, error) {
			d, err := parseDuration(s)
			return d.Seconds(), err
		},
		"reReplaceAll": func(pattern, replacement, text string) (string, error) {
			re, err := b.pattern(pattern, text)
			if err != nil {
				return "", err
			}
			return b.replace(re, text, replacement)
		},
		"stripDomain": stripDomain,
		"stripPort": func(hostPort string) string {
			if host, _, err := net.SplitHostPort(hostPort); err == nil {
				return host
			}
			return hostPort
		},
		"title":   title,
		"toLower": strings.ToLower,
		"toUpper": strings.ToUpper,
	}
}

// number1 makes a function of a number of one that may be text.
func number1(f func(float64) string) func(any) (string, error) {
	return func(v any) (string, error) {
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
