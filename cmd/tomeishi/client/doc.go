// Package client speaks to one collector over HTTP, on loopback, through its
// socket or by TLS.
//
// It promises that a decision whose answer did not come is reported as not
// known and never as failed, that a request which nobody can have got is said to
// have changed nothing, and that a token never travels in the clear to another
// host. It follows no redirect.
package client
