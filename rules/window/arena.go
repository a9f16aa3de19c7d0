package window

// An arena hands out blocks for 1, 2, 4, … entries from pages of one class
// each. A freed block is the head of its class's list, its first word naming
// the next.
type arena struct {
	classes [19]class
	words   int
}

type class struct {
	pages [][]uint64
	made  uint32 // blocks ever handed out
	freed uint32 // head of the free list, plus one
}

// perPage is the number of blocks in one page: about 256 entries, at least one
// block.
func perPage(class uint16) uint32 { return max(1, uint32(256)>>class) }

func (a *arena) alloc(c uint16, stride int) uint32 {
	cl := &a.classes[c]
	if cl.freed > 0 {
		i := cl.freed - 1
		cl.freed = uint32(a.block(c, i, stride)[0])
		return i
	}
	i := cl.made
	cl.made++
	if int(i/perPage(c)) == len(cl.pages) {
		page := make([]uint64, int(perPage(c))<<c*stride)
		cl.pages = append(cl.pages, page)
		a.words += len(page)
	}
	return i
}

func (a *arena) free(c uint16, i uint32, stride int) {
	cl := &a.classes[c]
	a.block(c, i, stride)[0] = uint64(cl.freed)
	cl.freed = i + 1
}

func (a *arena) block(c uint16, i uint32, stride int) []uint64 {
	size := stride << c
	n := perPage(c)
	from := int(i%n) * size
	return a.classes[c].pages[i/n][from : from+size]
}
