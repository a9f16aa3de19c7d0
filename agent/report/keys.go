package report

import "slices"

// keySet finds duplicates among the keys of one object: by comparing while
// they are few, by a map once comparing would be quadratic.
type keySet struct {
	s    *scanner
	from int
	many map[string]struct{}
}

func (k *keySet) add(name string) bool {
	keys := k.s.keys[k.from:]
	if k.many == nil && len(keys) < 24 {
		if slices.Contains(keys, name) {
			return false
		}
		k.s.keys = append(k.s.keys, name)
		return true
	}
	if k.many == nil {
		k.many = make(map[string]struct{}, 2*len(keys))
		for _, old := range keys {
			k.many[old] = struct{}{}
		}
	}
	if _, ok := k.many[name]; ok {
		return false
	}
	k.many[name] = struct{}{}
	return true
}
