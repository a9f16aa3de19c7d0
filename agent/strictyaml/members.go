package strictyaml

import "go.yaml.in/yaml/v3"

// A Member is a key of a mapping and its value, aliases followed.
type Member struct{ Key, Value *yaml.Node }

// ValueOf is the value of a key; nil if there is none.
func ValueOf(said []Member, name string) *yaml.Node {
	for _, m := range said {
		if m.Key.Value == name {
			return m.Value
		}
	}
	return nil
}

// Members is what a mapping says, with what << merges into it, as Go's YAML
// reads it for Prometheus: what stands in the mapping itself wins, then what is
// merged first.
func (r *Reader) Members(n *yaml.Node, what string) ([]Member, bool) {
	if n.Kind != yaml.MappingNode {
		r.WrongKind(n, what, "a mapping (key: value)")
		return nil, false
	}
	m := merger{Reader: r}
	m.add(n)
	return m.out, true
}

// Known reads members, each by its key.
func (r *Reader) Known(said []Member, what string, keys []Key) {
	for _, m := range said {
		if r.Exhausted() {
			return
		}
		r.member(m.Key, m.Value, what, keys)
	}
}

type merger struct {
	*Reader
	out []Member
	// Once something is merged: the keys of out, and what is being read, so that
	// what merges itself ends.
	seen map[string]bool
	open map[*yaml.Node]bool
}

func (m *merger) add(n *yaml.Node) {
	var merged *yaml.Node
	own := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !m.Exhausted(); i += 2 {
		k := m.Visit(n.Content[i])
		switch {
		case m.Exhausted():
			return
		case !m.fresh(k, own), IsNull(k): // a value without a key is read as nothing
		case isMerge(n.Content[i]):
			merged = n.Content[i+1]
		case !m.seen[k.Value]:
			m.out = append(m.out, Member{k, m.Visit(n.Content[i+1])})
			if m.seen != nil {
				m.seen[k.Value] = true
			}
		}
	}
	if merged != nil {
		m.merge(n, merged)
	}
}

// merge adds a mapping, or those of a list, to what stands in n.
func (m *merger) merge(n, merged *yaml.Node) {
	if m.seen == nil {
		m.seen, m.open = map[string]bool{}, map[*yaml.Node]bool{}
		for _, o := range m.out {
			m.seen[o.Key.Value] = true
		}
	}
	m.open[n] = true
	defer delete(m.open, n)
	list := []*yaml.Node{merged}
	if merged.Kind == yaml.SequenceNode {
		list = merged.Content
	}
	for _, item := range list {
		if m.Exhausted() {
			return
		}
		from := m.Visit(item)
		if from.Kind != yaml.MappingNode {
			m.ErrorAt(item, "<< merges a mapping, or a list of mappings")
			return
		}
		if m.open[from] {
			m.ErrorAt(from, "this mapping merges itself")
			return
		}
		m.add(from)
	}
}

func isMerge(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "<<" {
		return false
	}
	return n.Tag == "" || n.Tag == "!" || n.ShortTag() == "!!merge"
}

// merges notes a key that merges where nothing may be merged.
func (r *Reader) merges(k *yaml.Node) bool {
	if !isMerge(k) {
		return false
	}
	r.ErrorAt(k, "not in this version: << merges one mapping into another")
	return true
}

// Unmerged sees to it that a mapping merges nothing.
func (r *Reader) Unmerged(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		r.merges(n.Content[i])
	}
}
