package match

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// fuzzShape has one slot for each of a, b, b.c, b.c.d, amount and "é".
func fuzzShape() (*shape, []value) {
	sh, slots := &shape{}, []value{}
	for _, path := range []string{"a", "b", "b.c", "b.c.d", "amount", "é"} {
		sh.add(strings.Split(path, "."), len(slots))
		slots = append(slots, value{money: path == "amount"})
	}
	return sh, slots
}

var fuzzPaths = [][]string{{"a"}, {"b"}, {"b", "c"}, {"b", "c", "d"}, {"amount"}, {"é"}}

func FuzzProject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"\u0061":"\u0041"}`, ` { "b" : { "c" : { "d" : [ ] } } } `, `{"b":[{"c":1}],"a":null}`,
		`{"amount":"1.10","a":true,"é":"\ud83d\ude00\ud800"}`, `{"a":`, `{"a":"\`, `[1]`, `{"x":{"a":1},"y":["}"],"a":-1.5e3}`,
		`{"a"}`, `{"a":1 2}`, `{"a":]}`, `{"a":{"b":[}}}`, "{\"a\":\"\\ud800\\u0041\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sh, slots := fuzzShape()
		p := projector{slots: slots}
		ok := p.project(data, sh)
		_ = tree(data)
		if !json.Valid(data) {
			return // bounded and without a panic is all that is asked
		}
		var top map[string]any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(&top) != nil || top == nil {
			if ok {
				t.Fatalf("%q is no object", data)
			}
			return
		}
		if twice(data) {
			return // refused at the edge
		}
		for i, path := range fuzzPaths {
			want, there := lookup(top, path)
			checkSlot(t, data, path, &slots[i], want, there)
		}
	})
}

func lookup(top map[string]any, path []string) (any, bool) {
	v, ok := top[path[0]]
	if len(path) == 1 || !ok {
		return v, ok
	}
	below, isObject := v.(map[string]any)
	if !isObject {
		return nil, false
	}
	return lookup(below, path[1:])
}

func checkSlot(t *testing.T, data []byte, path []string, got *value, want any, there bool) {
	t.Helper()
	text, k := "", isMissing
	switch want := want.(type) {
	case nil:
		if there {
			k = isNullValue
		}
		text = string(got.text)
	case bool:
		k = isFalse
		if want {
			k = isTrue
		}
		text = string(got.text)
	case string:
		k, text = isText, want
		if got.money {
			k = isNumber
		}
	case json.Number:
		k, text = isNumber, want.String()
	case map[string]any:
		k = isObject
	case []any:
		k = isList
	}
	// Invalid UTF-8 is refused at the edge; encoding/json replaces it.
	if got.kind != k || strings.ToValidUTF8(string(got.text), "\uFFFD") != text && json.Valid(data) && bytes.Equal(data, bytes.ToValidUTF8(data, nil)) {
		t.Fatalf("%q: %v is %d %q, want %d %q", data, path, got.kind, got.text, k, text)
	}
}

// twice tells whether an object has a key twice, by comparing sizes after a
// round trip of its keys.
func twice(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	var walk func() bool
	walk = func() bool {
		tok, err := d.Token()
		if err != nil {
			return true
		}
		switch tok {
		case json.Delim('{'):
			seen := map[any]bool{}
			for d.More() {
				key, err := d.Token()
				if err != nil || seen[key] {
					return true
				}
				seen[key] = true
				if walk() {
					return true
				}
			}
			_, err = d.Token()
		case json.Delim('['):
			for d.More() {
				if walk() {
					return true
				}
			}
			_, err = d.Token()
		}
		return err != nil
	}
	return walk()
}

func TestManyKeys(t *testing.T) {
	sh := &shape{}
	slots := make([]value, 100)
	var b strings.Builder
	b.WriteString("{")
	for i := range slots {
		name := strings.Repeat("k", i+1)
		sh.add([]string{name}, i)
		b.WriteString(`"` + name + `":` + strings.Repeat("1", i%9+1) + ",")
	}
	p := projector{slots: slots}
	if !p.project([]byte(b.String()+`"z":0}`), sh) {
		t.Fatal("not an object")
	}
	for i, v := range slots {
		if want := strings.Repeat("1", i%9+1); string(v.text) != want {
			t.Errorf("slot %d = %q, want %q", i, v.text, want)
		}
	}
}
