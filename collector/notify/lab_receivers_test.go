package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// The receivers here decode as strictly as they can: a key that they do not
// know, or a value that the real one would refuse, fails the test.

// slackMessage is the body of a Slack incoming webhook.
type slackMessage struct {
	Channel     string            `json:"channel"`
	Username    string            `json:"username"`
	IconEmoji   string            `json:"icon_emoji"`
	IconURL     string            `json:"icon_url"`
	LinkNames   bool              `json:"link_names"`
	Text        string            `json:"text"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Title      string       `json:"title"`
	TitleLink  string       `json:"title_link"`
	Pretext    string       `json:"pretext"`
	Text       string       `json:"text"`
	Fallback   string       `json:"fallback"`
	CallbackID string       `json:"callback_id"`
	ImageURL   string       `json:"image_url"`
	ThumbURL   string       `json:"thumb_url"`
	Footer     string       `json:"footer"`
	Color      string       `json:"color"`
	MrkdwnIn   []string     `json:"mrkdwn_in"`
	Fields     []slackField `json:"fields"`
	Actions    []any        `json:"actions"`
}

type slackField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// slackTextLimit is how much of a text Slack shows; it cuts what is longer.
const slackTextLimit = 40_000

func (m slackMessage) fault() string {
	for _, a := range m.Attachments {
		switch {
		case a.Fallback == "":
			return "an attachment without fallback: phones show nothing"
		case len(a.Title) > 0 && utf8.RuneCountInString(a.Title) > 1024:
			return "a title over 1024 characters"
		case utf8.RuneCountInString(a.Text) > slackTextLimit:
			return "a text over 40,000 characters"
		case !slices.Contains([]string{"good", "warning", "danger"}, a.Color) && !strings.HasPrefix(a.Color, "#"):
			return "the color " + a.Color
		}
	}
	if m.Text == "" && len(m.Attachments) == 0 {
		return "no_text"
	}
	return ""
}

// all is every text of the message that Slack would look for markup in.
func (m slackMessage) all() string {
	texts := []string{m.Text}
	for _, a := range m.Attachments {
		texts = append(texts, a.Title, a.Pretext, a.Text, a.Fallback, a.Footer)
		for _, f := range a.Fields {
			texts = append(texts, f.Title, f.Value)
		}
	}
	return strings.Join(texts, "\n")
}

// pagerEvent is the body of PagerDuty's Events API v2.
type pagerEvent struct {
	RoutingKey  string `json:"routing_key"`
	EventAction string `json:"event_action"`
	DedupKey    string `json:"dedup_key"`
	Payload     struct {
		Summary       string         `json:"summary"`
		Source        string         `json:"source"`
		Severity      string         `json:"severity"`
		Timestamp     string         `json:"timestamp"`
		Class         string         `json:"class"`
		Component     string         `json:"component"`
		Group         string         `json:"group"`
		CustomDetails map[string]any `json:"custom_details"`
	} `json:"payload"`
	Client    string `json:"client"`
	ClientURL string `json:"client_url"`
	Links     []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Images []any `json:"images"`
}

func (e pagerEvent) fault() string {
	p := e.Payload
	switch {
	case len(e.RoutingKey) != 32:
		return "routing_key is not 32 characters"
	case !slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.EventAction):
		return "event_action is " + e.EventAction
	case e.EventAction != "trigger" && e.DedupKey == "":
		return "nothing says what to resolve"
	case len(e.DedupKey) > 255:
		return "dedup_key is over 255 characters"
	case p.Summary == "" || utf8.RuneCountInString(p.Summary) > 1024:
		return fmt.Sprintf("summary has %d characters", utf8.RuneCountInString(p.Summary))
	case p.Source == "":
		return "no source"
	case !slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity):
		return "severity is " + p.Severity
	}
	for _, l := range e.Links {
		if !strings.HasPrefix(l.Href, "http") {
			return "a link to " + l.Href
		}
	}
	return ""
}

// hookMessage is the body of a webhook, version 4.
type hookMessage struct {
	Version            string            `json:"version"`
	GroupKey           string            `json:"groupKey"`
	TruncatedAlerts    uint64            `json:"truncatedAlerts"`
	Status             string            `json:"status"`
	Receiver           string            `json:"receiver"`
	GroupLabels        map[string]string `json:"groupLabels"`
	CommonLabels       map[string]string `json:"commonLabels"`
	CommonAnnotations  map[string]string `json:"commonAnnotations"`
	RouteLabels        map[string]string `json:"routeLabels"`
	ExternalURL        string            `json:"externalURL"`
	Alerts             []hookAlert       `json:"alerts"`
	NotificationReason string            `json:"notification_reason"`
}

type hookAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

func (m hookMessage) fault() string {
	switch {
	case m.Version != "4":
		return "version is " + m.Version
	case m.GroupKey == "":
		return "no groupKey"
	case m.Status != "firing" && m.Status != "resolved":
		return "status is " + m.Status
	case len(m.Alerts) == 0:
		return "no alerts"
	}
	for _, a := range m.Alerts {
		if a.Status != "firing" && a.Status != "resolved" || a.Labels["alertname"] == "" || len(a.Fingerprint) != 16 || a.StartsAt.IsZero() {
			return fmt.Sprintf("an alert lacks something: %+v", a)
		}
	}
	return ""
}

func (m hookMessage) names() []string {
	var names []string
	for _, a := range m.Alerts {
		names = append(names, a.Labels["alertname"])
	}
	slices.Sort(names)
	return names
}

type message interface{ fault() string }

// taken is one message that a receiver was sent, taken or not.
type taken[M message] struct {
	At   time.Time
	Body int // bytes
	M    M
}

// receiver is a local server that people are told through.
type receiver[M message] struct {
	*httptest.Server
	t testing.TB
	// answer, when set, answers instead of the receiver; it reports whether it did.
	answer func(w http.ResponseWriter, r *http.Request, n int) bool
	once   bool // it closes each connection when it has answered

	mu   sync.Mutex
	got  []taken[M]
	news chan struct{} // closed and made anew with each message
	gone chan struct{} // closed at the end, for those that hang
}

func newReceiver[M message](t testing.TB, ok func(http.ResponseWriter, M)) *receiver[M] {
	t.Helper()
	r := &receiver[M]{t: t, news: make(chan struct{}), gone: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, ok) }))
	t.Cleanup(func() {
		close(r.gone)
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

func slackReceiver(t testing.TB) *receiver[slackMessage] {
	return newReceiver(t, func(w http.ResponseWriter, _ slackMessage) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "ok")
	})
}

func pagerReceiver(t testing.TB) *receiver[pagerEvent] {
	return newReceiver(t, func(w http.ResponseWriter, e pagerEvent) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"status":"success","message":"Event processed","dedup_key":%q}`, e.DedupKey)
	})
}

func hookReceiver(t testing.TB) *receiver[hookMessage] {
	return newReceiver(t, func(w http.ResponseWriter, _ hookMessage) { w.WriteHeader(http.StatusOK) })
}

func (r *receiver[M]) serve(w http.ResponseWriter, req *http.Request, ok func(http.ResponseWriter, M)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 32<<20))
	if err != nil {
		return // its sender has given up
	}
	if req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s with %s, want POST with application/json", req.Method, req.Header.Get("Content-Type"))
	}
	if !utf8.Valid(body) {
		r.t.Errorf("a body that is not UTF-8: %.200q", body)
	}
	var m M
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		r.t.Errorf("decode %T: %v\n%.2000s", m, err, body)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if fault := m.fault(); fault != "" {
		r.t.Errorf("the real receiver would refuse or cut this: %s\n%.2000s", fault, body)
		http.Error(w, fault, http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.got = append(r.got, taken[M]{At: time.Now(), Body: len(body), M: m})
	n := len(r.got)
	close(r.news)
	r.news = make(chan struct{})
	r.mu.Unlock()
	if r.once {
		w.Header().Set("Connection", "close")
	}
	if r.answer != nil && r.answer(w, req, n) {
		return
	}
	ok(w, m)
}

func (r *receiver[M]) all() []taken[M] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// next waits until the receiver has been sent n messages, and returns the nth.
func (r *receiver[M]) next(n int) taken[M] {
	r.t.Helper()
	over := time.After(patience)
	for {
		r.mu.Lock()
		got, news := r.got, r.news
		r.mu.Unlock()
		if len(got) >= n {
			return got[n-1]
		}
		select {
		case <-news:
		case <-over:
			r.t.Fatalf("waited %v for message %d; got %d: %+v", patience, n, len(got), got)
		}
	}
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// hang answers nothing until the test ends.
func (r *receiver[M]) hang(_ http.ResponseWriter, req *http.Request, _ int) bool {
	select {
	case <-r.gone:
	case <-req.Context().Done():
	}
	return true
}

// closeInTheMiddle cuts the connection in the middle of the answer's header.
func closeInTheMiddle(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(buf, "HTTP/1.1 200 OK\r\nContent-Le")
	_ = buf.Flush()
}
