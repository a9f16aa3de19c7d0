package web

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A node is a part of a page as a browser reads it.
type node struct{ *html.Node }

// read parses a page.
func read(t testing.TB, w *httptest.ResponseRecorder) node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return node{n}
}

// text is what a person reads, with single spaces.
func (n node) text() string {
	var b strings.Builder
	for d := range n.Descendants() {
		hidden := d.Parent != nil && slices.Contains([]string{"script", "style", "title"}, d.Parent.Data)
		if d.Type == html.TextNode && !hidden {
			b.WriteString(" " + d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// all are the elements with one of the names, in the order of the page.
func (n node) all(names ...string) (out []node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && slices.Contains(names, d.Data) {
			out = append(out, node{d})
		}
	}
	return out
}

// attr is the value of an attribute; empty if there is none.
func (n node) attr(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (n node) has(name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// faults are what is wrong with a page as HTML that anybody can use.
func (n node) faults() (out []string) {
	ids := map[string]bool{}
	for _, e := range n.all("html", "head", "body", "div", "section", "article", "form", "details", "ul", "ol", "p", "h1", "h2", "h3", "h4", "span", "header", "main", "nav", "footer", "input", "textarea", "select", "button", "td", "th", "li", "table") {
		if id := e.attr("id"); id != "" && ids[id] {
			out = append(out, "two elements have the id "+id)
		} else {
			ids[id] = true
		}
		for _, a := range e.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				out = append(out, "<"+e.Data+"> has the attribute "+a.Key+", which the page's policy forbids")
			}
		}
		if live := e.has("data-live"); live && e.attr("id") == "" {
			out = append(out, "a live <"+e.Data+"> has no id")
		}
	}
	out = append(out, n.headings()...)
	out = append(out, n.controls()...)
	if len(n.all("style")) > 0 {
		out = append(out, "there is a <style>")
	}
	for _, s := range n.all("script") {
		if s.attr("src") == "" || s.FirstChild != nil {
			out = append(out, "there is a script in the page")
		}
	}
	for _, e := range n.all("th") {
		if e.attr("scope") == "" {
			out = append(out, "a table header has no scope: "+e.text())
		}
	}
	for _, e := range n.all("main", "header", "h1") {
		if e.Data != "header" && len(n.all(e.Data)) != 1 {
			out = append(out, "there is not one <"+e.Data+">")
		}
	}
	return out
}

// headings are wrong if one skips a level.
func (n node) headings() (out []string) {
	level := 0
	for _, h := range n.all("h1", "h2", "h3", "h4") {
		now := int(h.Data[1] - '0')
		if now > level+1 {
			out = append(out, "<"+h.Data+"> "+h.text()+" skips a level")
		}
		level = now
	}
	if level == 0 {
		out = append(out, "there is no heading")
	}
	return out
}

// controls are wrong if one has no name, or a form is sent by GET that decides.
func (n node) controls() (out []string) {
	labels := map[string]bool{}
	for _, l := range n.all("label") {
		labels[l.attr("for")] = l.text() != ""
	}
	for _, c := range n.all("input", "textarea", "select", "button", "summary") {
		inLabel := c.Parent != nil && c.Parent.Data == "label"
		named := inLabel || labels[c.attr("id")] && c.attr("id") != "" || c.attr("aria-label") != "" ||
			(c.Data == "button" || c.Data == "summary") && c.text() != ""
		if !named && c.attr("type") != "hidden" && !c.has("hidden") {
			out = append(out, "<"+c.Data+"> "+c.attr("name")+" has no name")
		}
	}
	for _, a := range n.all("a") {
		if a.text() == "" && a.attr("aria-label") == "" {
			out = append(out, "a link has no text: "+a.attr("href"))
		}
	}
	return out
}
