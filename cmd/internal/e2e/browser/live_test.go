package browser

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestLive changes the page under the reader's eyes without loading it again,
// without moving what stays, and without touching what is being typed.
func TestLive(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	b := u.open(1280, 860)
	b.visit("/")
	b.says("All is well") // the agent is heard, and nothing is about to become known
	js[bool](b, `window.same = true; window.shift = 0;
		new PerformanceObserver(l => l.getEntries().forEach(e => { window.shift += e.value })).observe({type: "layout-shift", buffered: false}); true`)
	b.shot("live-1-calm")
	// Hosts are heard and the clocks run: nothing may move.
	<-time.After(6 * time.Second)
	if shift := js[float64](b, "window.shift"); shift > 0 {
		t.Errorf("the page moved by %v while nothing happened", shift)
	}
	u.payTwice("w-1")
	b.says("w-1-b")
	if !js[bool](b, "window.same === true") {
		t.Error("the page was loaded again")
	}
	b.shot("live-2-closed")

	// What is being typed stays, and so does where.
	b.visit("/gates/demo/withdrawals")
	b.tap(`//summary[contains(., "Open, it was false")]`)
	b.do("type", chromedp.Clear(`//details[@open]//textarea`), chromedp.SendKeys(`//details[@open]//textarea`, "the exporter counted"))
	u.pay("w-1", "w-1-c")
	b.await("the third payment is known", func() bool { return u.code(u.url+"/v1/gates") == http.StatusOK })
	<-time.After(2 * time.Second)
	b.do("type on", chromedp.KeyEvent(" a sweep"))
	if typed := js[string](b, `document.querySelector("details[open] textarea").value`); typed != "the exporter counted a sweep" {
		t.Errorf("typed, and there is %q", typed)
	}
}

// TestNight comes back to a page whose server went away and returned: meanwhile
// it says that it is old, and then it is new.
func TestNight(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	b := u.open(400, 860)
	b.visit("/")
	b.says("demo/withdrawals")
	u.kill()
	b.says("Connection lost: this is how it stood at")
	b.shot("night-1-lost")
	u.start()
	u.payTwice("w-1")
	b.says("w-1-b")
	b.do("the banner goes", chromedp.WaitNotVisible(chromedp.CSS("#lost")))
	b.shot("night-2-back")
}

// TestSilence makes a silence after seeing what it keeps back, and ends it.
func TestSilence(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	u.payTwice("w-1")
	b := u.open(1280, 900)
	b.visit("/alerts?q=DemoPaidTwice")
	b.tap(`//main//a[starts-with(@href, "/alerts/a")]`)
	b.says("2 payments for withdrawal w-1")
	b.tap(`//main//a[contains(@href, "/silences")]`)
	b.says("DemoPaidTwice")
	b.shot("silence-1-form")
	b.do("say why", chromedp.SendKeys(`//*[@name="comment"]`, "drill of the night shift"))
	b.tap(`//main//form[@method="post"]//button[contains(., "ilence")]`)
	b.says("drill of the night shift", "local")
	b.shot("silence-2-made")
	if code := u.code(u.url + demoCheck); code != http.StatusLocked {
		t.Errorf("a silence disarmed a gate: %d", code)
	}
	b.visit("/silences")
	b.tap(`//main//button[contains(., "nd") or contains(., "xpire")]`)
	b.says("expired")
}

const named = `auth:
  people:
  - {name: aiko, token_sha256: %s, may: [view, operate, approve]}
  - {name: ken, token_sha256: %s, may: [view]}
`

// The tokens are "one" and "two".
const (
	one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
	two = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
)

// TestLogin signs in once a device, and shows who may only look no buttons.
func TestLogin(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(named, one, two))
	b := u.open(400, 860)
	b.visit("/incidents")
	b.says("Sign in")
	b.shot("login-1")
	b.do("a wrong token", chromedp.SendKeys(`//input[@name="token"]`, "wrong"), chromedp.Submit(`//input[@name="token"]`))
	b.says("token")
	b.do("a token", chromedp.WaitVisible(`//input[@name="token"]`), chromedp.SetValue(`//input[@name="token"]`, "two"), chromedp.Submit(`//input[@name="token"]`))
	b.says("ken")
	if path := js[string](b, "location.pathname"); path != "/incidents" {
		t.Errorf("after signing in the page is %s", path)
	}
	if cookie := js[string](b, "document.cookie"); cookie != "" {
		t.Errorf("a script can read the cookie: %q", cookie)
	}
	b.visit("/gates/demo/withdrawals")
	if n := js[int](b, `document.querySelectorAll("main form[method=post]").length`); n != 0 {
		t.Errorf("who may only look is offered %d forms", n)
	}
	b.shot("login-2-looks")
	b.tap(`//button[contains(., "Sign out")]`)
	b.says("Sign in")
}
