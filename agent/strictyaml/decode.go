package strictyaml

import (
	"fmt"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

// Later is a key that this version lacks. Its tag says what it would do:
// `yaml:"peers" not:"would name the other collectors"`.
type Later struct{}

// Decode reads a file of that kind, as in "an agent's configuration", into the
// struct that to points to. Its fields are keys, named by `yaml` tags, and may
// be texts, durations, sizes, lists, maps of texts, and structs. What the file
// does not say stays as it is.
func Decode(f File, what string, most int, to any) *Source {
	s := &Source{at: map[string]Member{}}
	s.Reader = NewReader(f, what, most, &s.problems)
	s.Ours = true
	if s.root = s.Root(); s.root != nil {
		s.mapping(s.Visit(s.root), "", reflect.ValueOf(to).Elem())
	}
	s.Only()
	return s
}

// mapping reads a mapping into a struct.
func (s *Source) mapping(n *yaml.Node, path string, to reflect.Value) {
	what := path
	if path == "" {
		what = s.what
	}
	said, ok := s.members(n, path, what)
	if !ok {
		return
	}
	var keys []Key
	for i := range to.NumField() {
		field := to.Type().Field(i)
		key := Key{Name: field.Tag.Get("yaml"), Not: field.Tag.Get("not")}
		if field.Type != reflect.TypeFor[Later]() {
			key.Read = func(v *yaml.Node) { s.decode(v, join(path, key.Name), to.Field(i)) }
		}
		keys = append(keys, key)
	}
	s.Known(said, what, keys)
}

// KeysOf are the keys of a configuration that is such a struct.
func KeysOf(config any) (out []string) {
	for f := range reflect.TypeOf(config).Fields() {
		out = append(out, f.Tag.Get("yaml"))
	}
	return out
}

// members is what a mapping says, and notes where.
func (s *Source) members(n *yaml.Node, path, what string) ([]Member, bool) {
	said, ok := s.Members(n, what)
	for _, m := range said {
		s.at[join(path, m.Key.Value)] = m
	}
	return said, ok
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// decode reads a value into a field.
func (s *Source) decode(n *yaml.Node, path string, to reflect.Value) {
	switch to.Addr().Interface().(type) {
	case *time.Duration:
		if d, err := ParseDuration(n.Value); s.scalar(n, path, err) {
			to.SetInt(int64(d))
		}
		return
	case *Size:
		if size, err := ParseSize(n.Value); s.scalar(n, path, err) {
			to.SetInt(int64(size))
		}
		return
	}
	switch to.Kind() {
	case reflect.String:
		if s.scalar(n, path, nil) {
			to.SetString(n.Value)
		}
	case reflect.Struct:
		s.mapping(n, path, to)
	case reflect.Slice:
		s.list(n, path, to)
	case reflect.Map:
		s.texts(n, path, to)
	default:
		panic(fmt.Sprintf("strictyaml: no value of a file is %s", to.Type()))
	}
}

// scalar tells whether a value is one text, and no error was found in it.
func (s *Source) scalar(n *yaml.Node, path string, err error) bool {
	text, ok := s.Text(n, path)
	switch {
	case !ok:
		return false
	case text == "":
		s.ErrorAt(n, "%s is empty: write a value, or leave the key out", path)
		return false
	case err != nil:
		s.ErrorAt(n, "%s: found %s: %v", path, Clip(text), err)
		return false
	}
	return true
}

func (s *Source) list(n *yaml.Node, path string, to reflect.Value) {
	to.SetZero()
	s.Each(n, path, func(item *yaml.Node) {
		of := fmt.Sprintf("%s[%d]", path, to.Len())
		s.at[of] = Member{item, item}
		to.Set(reflect.Append(to, reflect.Zero(to.Type().Elem())))
		s.decode(item, of, to.Index(to.Len()-1))
	})
}

// texts reads a map of texts.
func (s *Source) texts(n *yaml.Node, path string, to reflect.Value) {
	said, _ := s.members(n, path, path)
	out := map[string]string{}
	for _, m := range said {
		if s.scalar(m.Value, join(path, m.Key.Value), nil) {
			out[m.Key.Value] = m.Value.Value
		}
	}
	to.Set(reflect.ValueOf(out))
}
