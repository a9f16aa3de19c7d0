package notify_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"
)

// beCounters makes the test binary a process of receivers, which count what
// they are sent and say so, so that they take no memory of the notifier's.
const beCounters = "LAB_BE_COUNTERS"

// counted is what the process prints of each message.
type counted struct {
	Kind   string // the path it was sent to
	Alerts int    // of a webhook
	Bytes  int64
	At     time.Time
}

// runCounters prints its URL, and then a line for each message, until its input
// ends.
func runCounters() {
	out := json.NewEncoder(os.Stdout)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &counting{from: r.Body}
		var m struct{ Alerts []json.RawMessage }
		err := json.NewDecoder(body).Decode(&m)
		if err == nil {
			err = out.Encode(counted{r.URL.Path[1:], len(m.Alerts), body.n, time.Now()})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.URL.Path == "/slack" {
			fmt.Fprint(w, "ok")
		}
	}))
	defer s.Close()
	_ = out.Encode(s.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadString(0)
}

type counting struct {
	from interface{ Read(p []byte) (int, error) }
	n    int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// counters is that process, and what it has counted.
type counters struct {
	url      string
	lines    *json.Decoder
	messages map[string]int
	bytes    map[string]int64
	last     time.Time // when the newest message came
}

func startCounters(b *testing.B) *counters {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := exec.CommandContext(b.Context(), program)
	c.Env, c.Stderr = append(os.Environ(), beCounters+"=1"), os.Stderr
	if _, err := c.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	all := &counters{lines: json.NewDecoder(out), messages: map[string]int{}, bytes: map[string]int64{}}
	if err := all.lines.Decode(&all.url); err != nil {
		b.Fatal(err)
	}
	return all
}

// forget counts from now on.
func (c *counters) forget() {
	clear(c.messages)
	clear(c.bytes)
}

// awaitWhole waits until all receivers have been told, the webhook of n alerts
// in one message.
func (c *counters) awaitWhole(b *testing.B, n int) {
	b.Helper()
	for whole := false; !whole || len(c.messages) < 3; {
		var m counted
		if err := c.lines.Decode(&m); err != nil {
			b.Fatal(err)
		}
		c.messages[m.Kind]++
		c.bytes[m.Kind] += m.Bytes
		c.last = m.At
		whole = whole || m.Alerts == n
	}
}
