package rules

import (
	"errors"
	"strings"
	"testing"
)

const listRule = `
lists: {exchanges: {file: exchanges.txt}}
groups:
- name: g
  rules:
  - {alert: A, event: e, within: 1h, where: data.address in lists.exchanges, when: count() >= 1}
  - {alert: B, event: e, within: 1h, when: count() >= 1}
`

// withList is listRule with that list.
func withList(t *testing.T, list string) *Set {
	t.Helper()
	files := WithLists([]File{{Name: "rules.d/f.yml", Text: []byte(listRule)}}, func(name string) ([]byte, error) {
		if name != "rules.d/exchanges.txt" {
			return nil, errors.New(name)
		}
		return []byte(list), nil
	})
	set, problems := Parse(files)
	if set == nil {
		t.Fatal(problems.Err())
	}
	return set
}

// TestListIdentity is that a rule is another one once its list has other values,
// and only then.
func TestListIdentity(t *testing.T) {
	a := withList(t, "a\nb\n0xAB\n")
	same := withList(t, "# known\r\n0xab\r\n\r\n b \r\na\r\na\r\n")
	other := withList(t, "a\nb\n")
	if a.Rules[0].ID != same.Rules[0].ID {
		t.Error("comments, order and spelling of a list make another rule")
	}
	if a.Rules[0].ID == other.Rules[0].ID {
		t.Error("other values of a list make no other rule")
	}
	if a.Rules[1].ID != other.Rules[1].ID {
		t.Error("a list changes a rule that does not look into it")
	}
}

// TestListAmongRules is that a list is one also where a pattern takes it for a
// rule file.
func TestListAmongRules(t *testing.T) {
	for range 2 {
		files := []File{{Name: "./exchanges.txt", Text: []byte("a: [\n")}, {Name: "f.yml", Text: []byte(listRule)}}
		files = WithLists(files, func(name string) ([]byte, error) { return nil, errors.New("read twice") })
		if set, problems := Parse(files); set == nil || len(files) != 2 {
			t.Fatal(problems.Err())
		}
	}
}

// TestListBound is that lists end where one entry of the ledger would not hold
// them.
func TestListBound(t *testing.T) {
	line := strings.Repeat("x", 4095) + "\n"
	most := strings.Repeat(line, MaxListBytes/len(line))
	for list, want := range map[string]string{
		most:                               "",
		most + "\n":                        `exchanges.txt" has more`,
		strings.Repeat("1\n", maxListed):   "",
		strings.Repeat("1\n", maxListed+1): "exchanges.txt:1000001:1: the lists of a rule set may have",
		"a\n" + strings.Repeat("y", 4097):  "exchanges.txt:2:1: a value of a list may have 4096 bytes",
	} {
		files := WithLists([]File{{Name: "f.yml", Text: []byte(listRule)}}, func(string) ([]byte, error) { return []byte(list), nil })
		_, problems := Parse(files)
		if err := problems.Err(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v", len(list), err)
		}
	}
}
