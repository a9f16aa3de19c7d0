package intake

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// sawClock tells what the sender's clock showed when it sent what it had just
// measured, if it is on another host. Who comes from this host's own address has
// this host's clock; who cannot be told apart is one host.
func (in *Intake) sawClock(r *http.Request, sent int64) {
	if in.o.Clock == nil || sent == 0 {
		return
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || from.Addr().IsLoopback() { // no address: the socket
		return
	}
	if here, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if to, err := netip.ParseAddrPort(here.String()); err == nil && to.Addr() == from.Addr() {
			return
		}
	}
	in.o.Clock(from.Addr().String(), time.UnixMilli(sent))
}
