package notify

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	// failingAfter is how long a receiver must have failed to be named.
	failingAfter = 30 * time.Second
	// failingFor is how long it is named after its last attempt.
	failingFor = time.Hour

	maxErrorText = 300 // bytes
)

// A receiverKey names one integration of a receiver.
type receiverKey struct{ receiver, integration string }

// A Failure is a receiver that cannot be told at present.
type Failure struct {
	Receiver, Integration, Error string
	Since                        time.Time
}

type failure struct {
	since, last time.Time
	text        string
	gaveUp      bool // of one notification
}

// failures are the integrations that failed and have not worked since.
type failures struct {
	mu sync.Mutex // guards of
	of map[receiverKey]*failure
}

func (f *failures) failed(key receiverKey, text string, gaveUp bool, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.of[key]
	if at == nil || now.Sub(at.last) > failingFor {
		at = &failure{since: now}
		if f.of == nil {
			f.of = map[receiverKey]*failure{}
		}
		f.of[key] = at
	}
	at.last, at.text, at.gaveUp = now, text, at.gaveUp || gaveUp
}

func (f *failures) worked(key receiverKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.of, key)
}

// only forgets integrations that the configuration no longer has.
func (f *failures) only(keys map[receiverKey]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.of {
		if !keys[key] {
			delete(f.of, key)
		}
	}
}

func (f *failures) list(now time.Time) []Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Failure
	for key, at := range f.of {
		if now.Sub(at.last) > failingFor {
			delete(f.of, key)
			continue
		}
		if at.gaveUp || now.Sub(at.since) >= failingAfter {
			out = append(out, Failure{Receiver: key.receiver, Integration: key.integration, Error: at.text, Since: at.since})
		}
	}
	slices.SortFunc(out, func(a, b Failure) int { return a.Since.Compare(b.Since) })
	return out
}

// Failing are the receivers that could not be told lately: those that have
// failed for 30 s or gave a notification up, until they work again or an hour
// has passed without an attempt.
func (n *Notifier) Failing() []Failure { return n.failures.list(time.Now()) }

// urls are URLs in texts, of which only the host is no secret.
var urls = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/"'<>@]*@)?([^\s/?#"'<>@]*)([/?#][^\s"'<>]*)?`)

// hideURLs leaves of each URL in a text the scheme and the host.
func hideURLs(text string) string {
	return urls.ReplaceAllStringFunc(text, func(u string) string {
		m := urls.FindStringSubmatch(u)
		if path := strings.TrimSuffix(m[3], ":"); len(path) > 1 {
			return m[1] + m[2] + "/…" + m[3][len(path):]
		}
		return m[1] + m[2]
	})
}

// redact makes an error's text fit to be shown: no secret that stood in a URL,
// no control characters, not too long.
func redact(text string) string {
	text = hideURLs(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}
