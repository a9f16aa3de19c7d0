package reconcile

// The sides of a rule, as its sources.
const (
	first  = 0
	second = 1
	except = 2
)

// none is the partner of an item that has none.
const none = -1

// A matching finds which events of a key go together. It is room, and no part of a
// state.
type matching struct {
	partner []int    // of each item
	near    []bool   // of each item: it and its partner are no more than settle apart
	free    [3][]int // the items of each side that have no partner yet, oldest first
	uses    [2][]int // the items of except, for the first and the second side
	excused [2][]int // by item of except: whom it takes out of each side
}

// match finds the partner of each item. Events of both sides that are no more than
// settle apart go together, oldest first. What is left of a side goes with an event of
// except. What then is left and was missed at its deadline goes with what came later
// on the other side.
//
// All three go over what there is in one direction, so that a pair, or what has no
// partner, can be taken out without any change for the others.
func (m *matching) match(r *rule, items []item) {
	m.reset(items)
	m.pair(items, &m.free[first], &m.free[second], int64(r.settle), int64(r.settle), true)
	if len(m.free[except]) > 0 {
		m.excuse(items, int64(r.within))
	}
	if len(m.free[first]) == 0 || len(m.free[second]) == 0 {
		return
	}
	back, on := int64(-1), int64(-1) // the second side may be so much older, or younger
	if r.asked[first] {
		on = int64(r.within)
	}
	if r.asked[second] {
		back = int64(r.within)
	}
	m.pair(items, &m.free[first], &m.free[second], back, on, false)
}

func (m *matching) reset(items []item) {
	m.partner, m.near = m.partner[:0], m.near[:0]
	for side := range m.free {
		m.free[side] = m.free[side][:0]
	}
	for i := range items {
		side := items[i].side()
		m.partner, m.near = append(m.partner, none), append(m.near, false)
		m.free[side] = append(m.free[side], i)
	}
}

// pair makes pairs of what is free on two sides, oldest first, where the second is at
// most back older than the first, and at most on younger. What has no partner stays.
func (m *matching) pair(items []item, p, q *[]int, back, on int64, near bool) {
	a, b := *p, *q
	i, j, n, o := 0, 0, 0, 0
	for i < len(a) && j < len(b) {
		switch apart := items[b[j]].time - items[a[i]].time; {
		case apart < -back:
			b[o] = b[j]
			j, o = j+1, o+1
		case apart > on:
			a[n] = a[i]
			i, n = i+1, n+1
		default:
			m.partner[a[i]], m.partner[b[j]] = b[j], a[i]
			m.near[a[i]], m.near[b[j]] = near, near
			i, j = i+1, j+1
		}
	}
	*p, *q = append(a[:n], a[i:]...), append(b[:o], b[j:]...)
}

// excuse takes out of both sides what is free and has an event of except, each of
// which takes one out of each.
func (m *matching) excuse(items []item, within int64) {
	for side := range m.uses {
		m.excused[side] = m.excused[side][:0]
		for range items {
			m.excused[side] = append(m.excused[side], none)
		}
		m.uses[side] = append(m.uses[side][:0], m.free[except]...)
		m.pair(items, &m.free[side], &m.uses[side], within, within, false)
		for _, x := range m.free[except] {
			m.excused[side][x], m.partner[x] = m.partner[x], none
		}
	}
	for _, x := range m.free[except] {
		if m.partner[x] = m.excused[first][x]; m.partner[x] == none {
			m.partner[x] = m.excused[second][x]
		}
	}
}

// group does something with each item that goes with one, itself too.
func (m *matching) group(items []item, i int, do func(int)) {
	x := i
	if p := m.partner[i]; p != none && items[p].side() == except {
		x = p
	}
	do(x)
	switch {
	case items[x].side() != except:
		if p := m.partner[x]; p != none {
			do(p)
		}
	default:
		for side := range m.excused {
			if p := m.excused[side][x]; p != none {
				do(p)
			}
		}
	}
}
