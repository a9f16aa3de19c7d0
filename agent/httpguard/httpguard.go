// Package httpguard keeps away from an HTTP API what should not reach it: web pages,
// and more connections than there is room for.
//
// It promises that a request reaches the handler only if its Host is one that
// the listener is known by, so that a page whose name was pointed at this host
// gets nothing, and only if no browser sent it for another site; and that whoever only holds
// connections keeps nobody out. It does not know who the caller is. A leaf: agent and collector both stand behind it.
package httpguard

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Guard lets requests through to next whose Host is 127.0.0.1, [::1],
// localhost or one of hosts, on any port, and which do not come from a page of
// another origin. The rest get 403. Hosts may carry a port; it is ignored. On
// a Unix socket any Host goes, since no browser can reach it.
func Guard(next http.Handler, hosts []string) http.Handler {
	allowed := map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true}
	for _, h := range hosts {
		if name := hostName(h); name != "" {
			allowed[name] = true
		}
	}
	var cross http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !onUnix(r) && !allowed[hostName(r.Host)] {
			refuse(w, "the Host header names no address of this listener", "Host")
			return
		}
		if err := cross.Check(r); err != nil {
			refuse(w, "requests of other origins are refused", "Origin")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func onUnix(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}

// hostName is the host of host, host:port, [v6] or [v6]:port, as compared.
func hostName(s string) string {
	host, _, err := net.SplitHostPort(s)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}

func refuse(w http.ResponseWriter, text, field string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	// A failed write means that the client has gone.
	_ = json.NewEncoder(w).Encode(struct {
		Error string `json:"error"`
		Field string `json:"field"`
	}{text, field})
}

// Loopback tells whether an address to listen on, or to call, stays on this
// host: localhost or a loopback address. No host at all means every interface.
func Loopback(addr string) bool {
	host := hostName(addr)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
