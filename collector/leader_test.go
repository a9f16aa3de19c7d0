package collector

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestLeadershipBounce has the node step down and lead again while payments
// come: the term's work stops and begins anew, each once, gates close, time
// goes on, and people are told of nothing twice.
func TestLeadershipBounce(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	r := start(t, c)
	r.paidTwice()
	r.await("a page of the gate", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	r.await("it is in the ledger", func() bool { return len(r.machine.ToldView()) > 0 })
	for range 3 {
		before := r.leader.term.Load()
		r.ledger.StepDown()
		r.await("the next term", func() bool {
			now := r.leader.term.Load()
			return now != nil && now != before
		})
		if before.ctx.Err() == nil {
			t.Error("the term before has not ended")
		}
		r.await("people are told again", func() bool { return r.Ready() == nil })
	}
	if know, _ := r.leader.term.Load().leases.Confirmed(0, "demo/withdrawals"); know != 0 {
		t.Errorf("a new term knows of %d agents", know)
	}

	// The new term does all that the first one did.
	code, body := r.decide(demoGate+"/open", `{"reason":"seen","verdict":"test"}`)
	r.want(http.StatusOK, code, body)
	r.await("a page that the gate is open", func() bool { return len(p.about("GateClosed", "resolved")) > 0 })
	if n := len(p.about("GateClosed", "firing")); n != 1 {
		t.Errorf("told %d times that the gate is closed, want once", n)
	}
	code, body = r.decide("/v1/automatic", `{"on":false,"for":"1s","reason":"the clock of the ledger"}`)
	r.want(http.StatusOK, code, body)
	r.await("time goes on", func() bool { return !r.machine.AutomaticView().Off })
	code, body = r.post(payment("p3", "w2"))
	r.want(http.StatusAccepted, code, body)
	code, body = r.post(payment("p4", "w2"))
	r.want(http.StatusAccepted, code, body)
	r.want(http.StatusLocked, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
	r.await("another page of the gate", func() bool { return len(p.about("GateClosed", "firing")) == 2 })
}

// TestStopsWhileNotLeading stops at once while the next term has not begun.
func TestStopsWhileNotLeading(t *testing.T) {
	t.Parallel()
	r := start(t, testConfig(t))
	r.ledger.StepDown()
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	r = start(t, r.o.Config)
	code, body := r.post(payment("p1", "w1"))
	r.want(http.StatusAccepted, code, body, fmt.Sprintf(`"accepted":%d`, 1))
}
