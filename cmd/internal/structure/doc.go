// Package structure holds the rules of the house as tests: which package may
// import which, who may use an engine, what every package must say about
// itself, how long a file may be.
//
// It promises that each rule, when broken, names the place and gives its
// reason, and that each rule is seen to fail on a small made-up tree. It has
// no code of its own and does not judge whether the code is right.
package structure
