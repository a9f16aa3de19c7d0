package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// demo is the collector's file of these tests: the shipped rules.
const demo = "language: %s\ntime_zone: Asia/Tokyo\n"

// pages are all pages of a collector on which the demo's gate was closed.
var pages = []string{
	"/", "/gates", "/gates/demo/withdrawals", "/incidents", "/incidents/i1", "/alerts", "/alerts/a1",
	"/hosts", "/rules", "/silences", "/told", "/login",
}

// TestPhone opens a gate that was closed by mistake, on a phone, in at most
// four taps from the notification: the link is the first.
func TestPhone(t *testing.T) {
	t.Parallel()
	for lang, words := range map[string]struct{ open, now, done string }{
		"en": {"Open, it was false", "Open demo/withdrawals now", "open"},
		"ja": {"開く", "開く", "開"},
	} {
		t.Run(lang, func(t *testing.T) {
			u := newUp(t, fmt.Sprintf(demo, lang))
			u.payTwice("w-1")
			b := u.open(400, 860)
			b.taps = 1
			b.visit("/incidents/i1")
			b.says("w-1-a", "w-1-b", "demo/withdrawals")
			if lang == "ja" {
				if html := js[string](b, "document.documentElement.lang"); html != "ja" {
					t.Errorf("the page says that it is %q", html)
				}
			}
			if top := js[float64](b, `document.querySelector("summary.primary").getBoundingClientRect().bottom`); top > 860 {
				t.Errorf("the button ends at %.0f px, below the first screen of 860", top)
			}
			b.shot("phone-" + lang + "-1-evidence")
			b.tap(`//summary[contains(., "` + words.open + `")]`)
			b.shot("phone-" + lang + "-2-why")
			b.tap(`//details[@open]//button[contains(., "` + words.now + `")]`)
			u.awaitGate(http.StatusNoContent)
			b.says(words.done)
			b.shot("phone-" + lang + "-3-open")
			if b.taps > 4 {
				t.Errorf("it took %d taps, at most 4", b.taps)
			}
			if wrong := b.complaints(); len(wrong) > 0 {
				t.Errorf("the browser complains: %q", wrong)
			}
		})
	}
}

// TestKept says that it is real: the gate stays closed, and a third payment
// changes nothing about that.
func TestKept(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	u.payTwice("w-1")
	b := u.open(400, 860)
	b.taps = 1
	b.visit("/gates/demo/withdrawals")
	b.tap(`//summary[contains(., "Keep closed")]`)
	b.tap(`//details[@open]//button[contains(., "keep demo/withdrawals closed")]`)
	b.says("it stays closed")
	u.awaitGate(http.StatusLocked)
	b.shot("kept")
	if b.taps > 4 {
		t.Errorf("it took %d taps, at most 4", b.taps)
	}
}

// TestPages looks at every page, narrow and wide, in both languages: nothing is
// wider than the screen, everything that can be used has a name, and the
// browser has nothing to complain about.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ja"} {
		u := newUp(t, fmt.Sprintf(demo, lang))
		u.payTwice("w-1")
		u.pay(`<b>w-2</b>"'&`, "x-a")
		u.pay(`<b>w-2</b>"'&`, "x-b")
		for _, width := range []int{400, 1280} {
			t.Run(fmt.Sprint(lang, width), func(t *testing.T) {
				b := u.open(width, 860)
				b.t = t
				for _, path := range slices.Concat(pages, []string{"/hosts/" + u.host()}) {
					b.visit(path)
					b.sound(path, width)
					b.shot(fmt.Sprintf("%s-%d%s", lang, width, strings.ReplaceAll(strings.TrimSuffix(path, "/"), "/", "-")))
				}
				if wrong := b.complaints(); len(wrong) > 0 {
					t.Errorf("the browser complains: %q", wrong)
				}
			})
		}
	}
}

// TestChart reads the values of a picture by keyboard.
func TestChart(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	b := u.open(1280, 860)
	b.visit("/hosts/" + u.host())
	const values = `[...document.querySelectorAll(".charts figure data")].map(e => e.textContent).filter(v => /\d/.test(v)).length`
	for end := time.Now().Add(3 * patience); js[int](b, values) == 0; <-time.After(time.Second) {
		if time.Now().After(end) {
			t.Fatalf("the pictures have no values:\n%s", b.text())
		}
		b.visit("/hosts/" + u.host())
	}
	js[bool](b, `document.querySelector(".charts [tabindex='0']").focus(), true`)
	b.do("to the newest value", chromedp.KeyEvent(kb.End))
	at := js[string](b, `document.activeElement.closest("figure").querySelector(".at").textContent`)
	b.do("one back", chromedp.KeyEvent(kb.ArrowLeft))
	before := js[string](b, `document.activeElement.closest("figure").querySelector(".at").textContent`)
	if at == "" || before == "" || at == before {
		t.Errorf("the keyboard is at %q, and one back at %q", at, before)
	}
	b.shot("chart")
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the browser complains: %q", wrong)
	}
}

// host is the agent of this test.
func (u *up) host() string {
	u.t.Helper()
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.url+"/v1/agents", nil)
	if err != nil {
		u.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Agents []struct{ Agent string } }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Agents) != 1 {
		u.t.Fatalf("the agents are %+v, %v", list, err)
	}
	return list.Agents[0].Agent
}

// nameless are the fields, buttons and links without a name, and the pictures
// that say nothing.
const nameless = `[...document.querySelectorAll("input:not([type=hidden]),select,textarea,button,a[href],summary,svg[role=img]")].filter(e => {
	if (e.closest("[hidden]") || e.closest("details:not([open])") && !e.closest("summary")) return false;
	const label = e.labels && e.labels.length && e.labels[0].textContent.trim();
	const by = e.getAttribute("aria-labelledby");
	return !(label || e.getAttribute("aria-label") || by && document.getElementById(by.split(" ")[0]) || e.textContent.trim());
}).map(e => e.outerHTML.slice(0, 120))`

// sound checks what must be so of every page.
func (b *tab) sound(path string, width int) {
	b.t.Helper()
	if wide := js[float64](b, "document.scrollingElement.scrollWidth"); int(wide) > width {
		b.t.Errorf("%s is %.0f px wide on a screen of %d", path, wide, width)
	}
	if found := js[[]string](b, nameless); len(found) > 0 {
		b.t.Errorf("%s: without a name: %q", path, found)
	}
	if n := js[int](b, `document.querySelectorAll("h1").length`); n != 1 {
		b.t.Errorf("%s has %d first headings", path, n)
	}
	if n := js[int](b, `document.querySelectorAll("main b:not([class])").length && [...document.querySelectorAll("main *")].filter(e => e.textContent === "w-2").length`); n != 0 {
		b.t.Errorf("%s: markup of a label became markup of the page", path)
	}
}

// TestKeyboard opens the gate without a pointer.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	u := newUp(t, fmt.Sprintf(demo, "en"))
	u.payTwice("w-1")
	b := u.open(1280, 860)
	b.visit("/gates/demo/withdrawals")
	// A region that was swapped just now can be where the browser begins to look for
	// the next stop: begin at the top.
	js[bool](b, `(() => { const b = document.body; b.tabIndex = -1; b.focus(); b.removeAttribute("tabindex"); return true })()`)
	b.do("the first stop", chromedp.KeyEvent("\t"))
	if first := js[string](b, "document.activeElement.textContent"); first != "Skip to the content" {
		t.Errorf("the first stop of the keyboard is %q", first)
	}
	b.do("skip", chromedp.KeyEvent("\r"))
	b.tabTo("Open, it was false")
	if ring := js[string](b, `getComputedStyle(document.activeElement).outlineStyle`); ring == "none" {
		t.Error("nobody sees where the keyboard is")
	}
	b.shot("keyboard")
	b.do("unfold", chromedp.KeyEvent("\r"))
	b.tabTo("Open demo/withdrawals now")
	b.do("open", chromedp.KeyEvent("\r"))
	u.awaitGate(http.StatusNoContent)
}

// tabTo goes by the keyboard to what has this text.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	for range 60 {
		b.do("tab", chromedp.KeyEvent("\t"))
		if strings.Contains(js[string](b, "document.activeElement.textContent"), text) {
			return
		}
	}
	b.t.Fatalf("the keyboard does not get to %q", text)
}
