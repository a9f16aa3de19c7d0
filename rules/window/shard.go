package window

// A slot finds the block of one key and the n entries in it. n is 0 in an empty
// slot.
type slot struct {
	key   Key
	block uint32
	n     uint32
	shape uint32 // first<<8 | accepted<<7 | class
	last  uint32 // second after the newest entry's time
}

// class is the binary logarithm of the entries that the block has room for.
func (s *slot) class() uint16 { return uint16(s.shape & 0x7f) }

// first is the place of the oldest entry in the block.
func (s *slot) first() uint32 { return s.shape >> 8 }

// accepted tells whether any entry ever was.
func (s *slot) accepted() bool { return s.shape&0x80 != 0 }

func (s *slot) accept() { s.shape |= 0x80 }

func (s *slot) setFirst(first uint32) { s.shape = first<<8 | s.shape&0xff }

func (s *slot) setClass(class uint16) { s.shape = s.shape&^0x7f | uint32(class) }

const slotBytes = 32

// A shard is an open-addressing table with linear probing. Removing shifts
// back, so that there are no tombstones and equal histories give equal bytes.
type shard struct {
	slots  []slot
	used   int
	cursor uint32
}

func (sh *shard) home(k Key) uint32 { return uint32(k[0]) & uint32(len(sh.slots)-1) }

func (sh *shard) find(k Key) (uint32, bool) {
	if len(sh.slots) == 0 {
		return 0, false
	}
	mask := uint32(len(sh.slots) - 1)
	for i := sh.home(k); ; i = (i + 1) & mask {
		s := &sh.slots[i]
		if s.n == 0 {
			return i, false
		}
		if s.key == k {
			return i, true
		}
	}
}

// insert makes room for a key that is not there and returns its slot, which
// the caller fills.
func (sh *shard) insert(k Key) uint32 {
	if 4*(sh.used+1) > 3*len(sh.slots) {
		sh.grow()
	}
	i, _ := sh.find(k)
	sh.slots[i] = slot{key: k}
	sh.used++
	return i
}

func (sh *shard) grow() {
	old := sh.slots
	sh.slots = make([]slot, max(4, 2*len(old)))
	sh.cursor = 0
	for _, s := range old {
		if s.n > 0 {
			i, _ := sh.find(s.key)
			sh.slots[i] = s
		}
	}
}

// remove empties slot i and moves back what had to pass over it.
func (sh *shard) remove(i uint32) {
	mask := uint32(len(sh.slots) - 1)
	for j := (i + 1) & mask; sh.slots[j].n > 0; j = (j + 1) & mask {
		if (j-sh.home(sh.slots[j].key))&mask >= (j-i)&mask {
			sh.slots[i] = sh.slots[j]
			i = j
		}
	}
	sh.slots[i] = slot{}
	sh.used--
}
