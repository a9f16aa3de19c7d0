package clitest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Serve is the URL of a server for one test.
func Serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Says answers always the same.
func Says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// Silent takes the request and never answers.
func Silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the client's leaving is seen only after that
	<-r.Context().Done()
}

// Resets takes the request and Resets the connection.
func Resets(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// Half breaks off in the middle of a good answer.
func Half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"name": "demo/withdrawals", `)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
