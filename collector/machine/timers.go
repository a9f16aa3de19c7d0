package machine

// timers remember at which ledger time to look again at each of many things,
// at the cost of the few that are due. They only remind, perhaps too early:
// what is decided then depends on the state alone, so that a restored machine,
// whose reminders are others, decides the same.
type timers[K comparable] struct {
	heap []reminder[K]
	at   map[K]int64 // the reminder that counts; others of the same thing are void
}

type reminder[K comparable] struct {
	at   int64
	what K
}

func newTimers[K comparable]() *timers[K] { return &timers[K]{at: map[K]int64{}} }

// next is when the first reminder is due; 0 if there is none.
func (t *timers[K]) next() int64 {
	if len(t.heap) == 0 {
		return 0
	}
	return t.heap[0].at
}

// set reminds of k at the latest at the given time.
func (t *timers[K]) set(k K, at int64) {
	if old, ok := t.at[k]; ok && old <= at {
		return // it will be set again when it is due
	}
	t.at[k] = at
	t.push(reminder[K]{at, k})
	t.clean()
}

// drop reminds of k no more.
func (t *timers[K]) drop(k K) {
	if _, ok := t.at[k]; ok {
		delete(t.at, k)
		t.clean()
	}
}

// due takes out everything whose time has come, in no order.
func (t *timers[K]) due(now int64) (out []K) {
	for len(t.heap) > 0 && t.heap[0].at <= now {
		out = append(out, t.heap[0].what)
		delete(t.at, t.heap[0].what)
		t.clean()
	}
	return out
}

// clean takes void reminders off the top, and all of them when they are most.
func (t *timers[K]) clean() {
	const few = 64
	if len(t.heap) > 2*len(t.at)+few {
		t.heap = t.heap[:0]
		for k, at := range t.at {
			t.push(reminder[K]{at, k})
		}
	}
	for len(t.heap) > 0 {
		top := t.heap[0]
		if at, ok := t.at[top.what]; ok && at == top.at {
			return
		}
		t.pop()
	}
}

func (t *timers[K]) push(r reminder[K]) {
	t.heap = append(t.heap, r)
	for i := len(t.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if t.heap[up].at <= t.heap[i].at {
			return
		}
		t.heap[up], t.heap[i] = t.heap[i], t.heap[up]
		i = up
	}
}

func (t *timers[K]) pop() {
	last := len(t.heap) - 1
	t.heap[0], t.heap[last] = t.heap[last], reminder[K]{}
	t.heap = t.heap[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < last && t.heap[down].at < t.heap[least].at {
				least = down
			}
		}
		if least == i {
			return
		}
		t.heap[i], t.heap[least] = t.heap[least], t.heap[i]
		i = least
	}
}
