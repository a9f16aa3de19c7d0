// Package term is what every command has: a terminal to read and write, words
// for numbers and times, arguments, exit codes.
//
// It promises that text from elsewhere can neither move the cursor nor hide
// other text once it is plain, and that how a command ended decides its exit
// code. It knows no command and no collector.
package term
