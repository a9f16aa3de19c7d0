package web

import "html/template"

// icons are drawn in a box of 16 by 16, in the color of the text around them.
// They stand beside words and say nothing that the words do not.
var icons = map[string]template.HTML{
	"closed":   `<circle cx="8" cy="8" r="6.5"/><path d="M4.5 8h7"/>`,
	"open":     `<circle cx="8" cy="8" r="6.5"/><path d="M8 4.5v7M5.5 9 8 11.5 10.5 9"/>`,
	"critical": `<path d="M8 1.5 15 14H1z"/><path d="M8 6v4M8 11.8v.4"/>`,
	"warning":  `<circle cx="8" cy="8" r="6.5"/><path d="M8 4.5v4.2M8 11v.4"/>`,
	"info":     `<circle cx="8" cy="8" r="6.5"/><path d="M8 7.3v4.2M8 4.6V5"/>`,
	"ok":       `<circle cx="8" cy="8" r="6.5"/><path d="m5 8.2 2.2 2.2L11.2 6"/>`,
	"silent":   `<circle cx="8" cy="8" r="6.5" stroke-dasharray="2.4 2"/><path d="M8 9.2c0-1.6 2-1.5 2-3.1a2 2 0 0 0-4 0M8 11.3v.3"/>`,
	"auto":     `<path d="M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z"/>`,
	"off":      `<path d="M8 2v5.5M4.6 4.2a5.4 5.4 0 1 0 6.8 0"/>`,
	"person":   `<circle cx="8" cy="5" r="3"/><path d="M2.5 14.5a5.5 5.5 0 0 1 11 0"/>`,
	"bell":     `<path d="M3 11.5h10L11.8 10V7a3.8 3.8 0 0 0-7.6 0v3zM6.5 13.5a1.6 1.6 0 0 0 3 0"/>`,
	"mute":     `<path d="M3 11.5h10L11.8 10V7a3.8 3.8 0 0 0-7.6 0v3zM2 2l12 12"/>`,
	"clock":    `<circle cx="8" cy="8" r="6.5"/><path d="M8 4.5V8l2.5 1.8"/>`,
	"theme":    `<circle cx="8" cy="8" r="6.5"/><path d="M8 1.5v13A6.5 6.5 0 0 0 8 1.5z" fill="currentColor"/>`,
	"next":     `<path d="m6 3.5 4.5 4.5L6 12.5"/>`,
}

// icon is one of them. Screen readers pass over it.
func icon(name string) template.HTML {
	return `<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`
}
