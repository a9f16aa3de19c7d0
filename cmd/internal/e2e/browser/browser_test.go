// Package browser walks through the screen of the real program in a real
// browser, as a person would: by tap, by keyboard, on a phone and on a desk.
package browser

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a page may take on a busy machine.
const patience = 30 * time.Second

// chromium is the browser's program. Without one there is nothing to test,
// which only a machine that has said that it tests everything may not say.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("there is no Chromium: .tools/chromium.sh installs it")
	}
	t.Skip("there is no Chromium: .tools/chromium.sh installs it")
	return ""
}

var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tomeishi-browser")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", dir+"/", "github.com/tomeishi/tomeishi/cmd/tomeishi").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir + "/tomeishi", nil
})

// up is `tomeishi up`.
type up struct {
	t          *testing.T
	dir        string
	url, agent string
	args       []string
	cmd        *exec.Cmd
}

// newUp starts everything; config is what the collector's file has beside its
// addresses.
func newUp(t *testing.T, config string) *up {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	u := &up{t: t, dir: t.TempDir()}
	c, a := freePort(t), freePort(t)
	u.url, u.agent = "http://"+c, "http://"+a
	file := filepath.Join(u.dir, "collector.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// A socket's name is short.
	socket, err := os.MkdirTemp("/tmp", "tmb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(socket) })
	u.args = []string{path, "up", "--config", file, "--data", filepath.Join(socket, "d"), "--listen", c, "--agent-listen", a}
	u.start()
	t.Cleanup(u.kill)
	return u
}

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (u *up) start() {
	u.t.Helper()
	u.cmd = exec.CommandContext(context.WithoutCancel(u.t.Context()), u.args[0], u.args[1:]...)
	out, err := os.OpenFile(filepath.Join(u.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		u.t.Fatal(err)
	}
	defer out.Close()
	u.cmd.Stdout, u.cmd.Stderr = out, out
	if err := u.cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	u.await("ready", func() bool {
		return u.code(u.url+"/-/ready") == http.StatusOK && u.code(u.agent+"/-/ready") == http.StatusOK
	})
}

func (u *up) kill() {
	if u.cmd == nil {
		return
	}
	_ = u.cmd.Process.Kill() // it may be gone
	_ = u.cmd.Wait()
	u.cmd = nil
}

func (u *up) await(what string, ok func() bool) {
	u.t.Helper()
	for end := time.Now().Add(patience); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			text, err := os.ReadFile(filepath.Join(u.dir, "log"))
			u.t.Fatalf("waited in vain: %s\n%s %v", what, text, err)
		}
	}
}

func (u *up) code(url string) int {
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// pay tells the agent of a payment.
func (u *up) pay(request, payment string) {
	u.t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"payouts","type":"payout.sent","data":{"request":%q,"payment":%q,"asset":"BTC","amount":"0.50"}}`, payment, request, payment)
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.agent+"/v1/events", strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		u.t.Fatalf("the agent answered %d", resp.StatusCode)
	}
}

const demoCheck = "/v1/gates/demo/withdrawals/check"

func (u *up) awaitGate(code int) {
	u.t.Helper()
	u.await(fmt.Sprintf("the gate answers %d", code), func() bool { return u.code(u.url+demoCheck) == code })
}

// payTwice closes the demo's gate.
func (u *up) payTwice(request string) {
	u.t.Helper()
	u.pay(request, request+"-a")
	u.pay(request, request+"-b")
	u.awaitGate(http.StatusLocked)
}

// tab is one page of a browser of its own.
type tab struct {
	*up
	ctx  context.Context
	taps int

	mu    sync.Mutex
	wrong []string // what the browser complained about
}

// open starts a browser with a window of this width.
func (u *up) open(width, height int) *tab {
	u.t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(u.t)), chromedp.NoSandbox, chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(u.t.TempDir()),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(u.t.Context()), opts...)
	u.t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx)
	u.t.Cleanup(end)
	b := &tab{up: u, ctx: ctx}
	// The first call's context is the browser's life.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		u.t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	var reading sync.WaitGroup
	reading.Go(func() { b.listen(messages) })
	u.t.Cleanup(func() { cancel(); reading.Wait() })
	return b
}

// listen notes exceptions, and what the security policy refuses. A server that
// is away is the tests' doing.
func (b *tab) listen(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if m.IsException() || m.Type == "error" && m.Source != "network" {
			b.mu.Lock()
			b.wrong = append(b.wrong, m.String())
			b.mu.Unlock()
		}
	}
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wrong
}

func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v\n%s", what, err, b.text())
	}
}

// visit goes to a path.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do("visit "+path, chromedp.Navigate(b.url+path), chromedp.WaitReady("main"))
}

// text is what the page says.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

// says waits until the page says all parts.
func (b *tab) says(parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		end := time.Now().Add(patience)
		for !strings.Contains(b.text(), part) {
			if time.Now().After(end) {
				b.shot("lacks")
				b.t.Fatalf("the page does not say %q:\n%s", part, b.text())
			}
			<-time.After(50 * time.Millisecond)
		}
	}
}

// tap taps what a selector of XPath names, and counts.
func (b *tab) tap(xpath string) {
	b.t.Helper()
	b.taps++
	b.do("tap "+xpath, chromedp.ScrollIntoView(xpath), chromedp.Click(xpath, chromedp.NodeVisible))
}

// js evaluates an expression, which may be a promise.
func js[T any](b *tab, expr string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expr, err)
	}
	return out
}

// shot keeps a picture of the whole page, where go test -artifacts wants it.
func (b *tab) shot(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("picture of %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture, 0o600); err != nil {
		b.t.Log(err)
	}
}
