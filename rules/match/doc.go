// Package match is which events a rule is about: it reads conditions and the
// names of fields, and finds for an event the sources of all rules that it
// belongs to, under which key and with which values.
//
// It promises the same answer for the same event, everywhere and always, and
// that a field which cannot be read exactly is a Fault, never a silent zero
// and never a silent no. It keeps nothing from one event to the next, and
// knows neither files nor what a rule makes of its events.
package match
