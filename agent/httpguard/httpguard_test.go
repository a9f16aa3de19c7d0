package httpguard

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		name, method, host string
		header             map[string]string
		unix               bool
		field              string // refused for this
	}{
		{name: "loopback", host: "127.0.0.1:9310"},
		{name: "loopback without port", host: "127.0.0.1"},
		{name: "IPv6", host: "[::1]:9310"},
		{name: "IPv6 without port", host: "[::1]"},
		{name: "localhost, any case, any port", host: "LocalHost:1"},
		{name: "name of the listener", host: "collector.example:443"},
		{name: "root dot", host: "collector.example.:443"},
		{name: "rebound name", host: "evil.example:9310", field: "Host"},
		{name: "rebound name, GET", method: "GET", host: "evil.example", field: "Host"},
		{name: "looks like loopback", host: "127.0.0.1.evil.example", field: "Host"},
		{name: "empty", host: "", field: "Host"},
		{name: "another site's page", host: "127.0.0.1:9310", header: map[string]string{"Origin": "http://evil.example"}, field: "Origin"},
		{name: "null origin", host: "127.0.0.1:9310", header: map[string]string{"Origin": "null"}, field: "Origin"},
		{name: "cross-site fetch", host: "localhost:9310", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, field: "Origin"},
		{name: "own page", host: "localhost:9310", header: map[string]string{"Origin": "http://localhost:9310"}},
		{name: "Unix socket", host: "anything", unix: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reached := false
			h := Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), []string{"collector.example:9311", ":9311"})
			method := tt.method
			if method == "" {
				method = "POST"
			}
			ctx := t.Context()
			if tt.unix {
				ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.UnixAddr{Name: "s", Net: "unix"})
			}
			r := httptest.NewRequestWithContext(ctx, method, "/v1/events", nil)
			r.Host = tt.host
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if tt.field == "" {
				if !reached || w.Code != http.StatusOK {
					t.Errorf("refused: %d %s", w.Code, w.Body)
				}
				return
			}
			var body struct{ Error, Field string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if reached || w.Code != http.StatusForbidden || body.Field != tt.field || body.Error == "" {
				t.Errorf("reached %v, %d %+v", reached, w.Code, body)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:9310": true, "127.8.8.8:1": true, "[::1]:9310": true, "localhost:0": true, "::1": true,
		"[::ffff:127.0.0.1]:1": true,
		":9310":                false, "0.0.0.0:9310": false, "[::]:9310": false, "10.0.0.1:9310": false,
		"example.com:9310": false, "localhost.example.com:1": false, "": false,
	} {
		if got := Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
}
