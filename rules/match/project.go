package match

import "bytes"

// A shape is the keys of an object that rules read, and the slots of their
// values.
type shape struct {
	keys []shapeKey
	many map[string]int // into keys, once there are many
}

type shapeKey struct {
	name  string
	slot  int    // -1 if only what is below is read
	below *shape // nil if nothing is
}

const manyKeys = 8

func (sh *shape) add(path []string, slot int) {
	i := sh.find([]byte(path[0]))
	if i < 0 {
		i = len(sh.keys)
		sh.keys = append(sh.keys, shapeKey{name: path[0], slot: -1})
		if sh.many == nil && i+1 > manyKeys {
			sh.many = map[string]int{}
			for j, k := range sh.keys {
				sh.many[k.name] = j
			}
		} else if sh.many != nil {
			sh.many[path[0]] = i
		}
	}
	k := &sh.keys[i]
	if len(path) == 1 {
		k.slot = slot
		return
	}
	if k.below == nil {
		k.below = &shape{}
	}
	k.below.add(path[1:], slot)
}

func (sh *shape) find(name []byte) int {
	if sh.many != nil {
		if i, ok := sh.many[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := range sh.keys {
		if sh.keys[i].name == string(name) {
			return i
		}
	}
	return -1
}

// A projector finds the fields of a shape in JSON text, in one pass and
// without building anything. The text was validated before it was accepted;
// what is malformed all the same is left out, and nothing it says can make the
// pass longer than the text.
type projector struct {
	b     []byte
	i     int
	slots []value
	room  []byte // of unescaped strings, until the next event
}

// project fills the slots, which the caller has cleared, and tells whether the
// text is an object.
func (p *projector) project(data []byte, sh *shape) bool {
	p.b, p.i = data, 0
	p.room = p.room[:0]
	p.space()
	return p.i < len(p.b) && p.b[p.i] == '{' && p.object(sh)
}

func (p *projector) space() {
	for p.i < len(p.b) && p.b[p.i] <= ' ' {
		p.i++
	}
}

// object reads the object at p.i. It goes as deep as the shape, no deeper.
func (p *projector) object(sh *shape) bool {
	p.i++
	for {
		p.space()
		if p.i == len(p.b) {
			return false
		}
		switch p.b[p.i] {
		case '}':
			p.i++
			return true
		case ',':
			p.i++
			continue
		case '"':
		default:
			return false
		}
		name, ok := p.str()
		if !ok {
			return false
		}
		p.space()
		if p.i == len(p.b) || p.b[p.i] != ':' {
			return false
		}
		p.i++
		if at := sh.find(name); at >= 0 {
			ok = p.value(&sh.keys[at])
		} else {
			ok = p.skip()
		}
		if !ok {
			return false
		}
	}
}

// value reads the value at p.i into its slot.
func (p *projector) value(k *shapeKey) bool {
	p.space()
	if p.i == len(p.b) {
		return false
	}
	from, kind := p.i, isObject
	var text []byte
	var ok bool
	switch p.b[p.i] {
	case '"':
		kind = isText
		text, ok = p.str()
	case '{':
		if k.below != nil {
			ok = p.object(k.below)
		} else {
			ok = p.skip()
		}
	case '[':
		kind = isList
		ok = p.skip()
	default:
		ok = p.skip()
		switch text = p.b[from:p.i]; {
		case string(text) == "null":
			kind = isNullValue
		case string(text) == "true":
			kind = isTrue
		case string(text) == "false":
			kind = isFalse
		default:
			kind = isNumber
		}
	}
	if ok && k.slot >= 0 {
		p.slots[k.slot].set(kind, text)
	}
	return ok
}

// skip passes over one value, counting brackets instead of descending.
func (p *projector) skip() bool {
	depth := 0
	for {
		p.space()
		if p.i == len(p.b) {
			return false
		}
		switch p.b[p.i] {
		case '"':
			if !p.skipString() {
				return false
			}
		case '{', '[':
			depth++
			p.i++
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
			p.i++
		case ',', ':':
			if depth == 0 {
				return false
			}
			p.i++
			continue
		default:
			p.word()
		}
		if depth == 0 {
			return true
		}
	}
}

// word passes over a number or a literal; it always moves on.
func (p *projector) word() {
	for p.i++; p.i < len(p.b); p.i++ {
		switch p.b[p.i] {
		case ',', '}', ']', ':', '"', '{', '[', ' ', '\n', '\t', '\r':
			return
		}
	}
}

// plain is the end of the string that begins at from, if it has no escapes.
func (p *projector) plain(from int) (end int, ok bool) {
	n := bytes.IndexByte(p.b[from:], '"')
	if n < 0 || bytes.IndexByte(p.b[from:from+n], '\\') >= 0 {
		return 0, false
	}
	return from + n, true
}

func (p *projector) skipString() bool {
	if end, ok := p.plain(p.i + 1); ok {
		p.i = end + 1
		return true
	}
	for p.i++; p.i < len(p.b); p.i++ {
		switch p.b[p.i] {
		case '"':
			p.i++
			return true
		case '\\':
			p.i++
		}
	}
	p.i = len(p.b)
	return false
}

// str reads the string at p.i. Without escapes it is a part of the text.
func (p *projector) str() ([]byte, bool) {
	from := p.i + 1
	if end, ok := p.plain(from); ok {
		p.i = end + 1
		return p.b[from:end], true
	}
	if !p.skipString() {
		return nil, false
	}
	at := len(p.room)
	p.room = Unescape(p.room, p.b[from:p.i-1])
	return p.room[at:len(p.room):len(p.room)], true
}
