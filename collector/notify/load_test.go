package notify

import "time"

// awaitRunning returns when people are told.
func (n *Notifier) awaitRunning() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !n.running.Load() {
		<-tick.C
	}
}

// load makes the configuration that stands in the file the one that tells.
func (n *Notifier) load() error {
	use, err := n.Load(n.o.File, n.o.Heartbeat)
	if err == nil {
		use()
	}
	return err
}
