// Package roster is who is known, and by which token: the section auth of a
// collector's configuration. It promises that whoever passes Check can be told
// from everybody else, and holds digests only, never a token.
package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/access"
)

// Config names who may do what. Only digests of tokens are written down.
type Config struct {
	People []Person   `yaml:"people"`
	Agents []AgentKey `yaml:"agents"`
}

// A Person may look (view), decide (operate), approve, and see what is private (reveal).
type Person struct {
	Name        string   `yaml:"name"`
	TokenSHA256 string   `yaml:"token_sha256"` // 64 hexadecimal digits
	May         []string `yaml:"may"`
}

// An AgentKey lets one agent report.
type AgentKey struct {
	ID          string `yaml:"id"`
	TokenSHA256 string `yaml:"token_sha256"`
}

// Local decides on loopback in `tomeishi up`. It never counts as a second
// person, and nobody else can have its name.
const Local = "local"

// Any tells whether auth is configured.
func (c Config) Any() bool { return len(c.People)+len(c.Agents) > 0 }

// Everything is all the rights of people.
func Everything() []string {
	return []string{access.MayView, access.MayOperate, access.MayApprove, access.MayReveal}
}

// Check notes what is wrong with the configuration. The path of each problem is
// that of its value, as in people[0].name.
func (c Config) Check(wrong func(path, format string, args ...any)) {
	tokens, names := map[Digest]bool{}, map[string]string{}
	for i, p := range c.People {
		at := fmt.Sprintf("people[%d]", i)
		// Two devices of one person have one name: under two they would be two
		// people who open a gate.
		alike := strings.ToLower(strings.Join(strings.Fields(p.Name), " "))
		other, known := names[alike]
		switch {
		case p.Name == "" || p.Name == Local || strings.HasPrefix(p.Name, "uid:"):
			wrong(at+".name", "%q cannot be a person's name", p.Name)
		case known && other != p.Name:
			wrong(at+".name", "%q and %q are too much alike to be two people: write one person's name in one way", other, p.Name)
		}
		names[alike] = p.Name
		for j, m := range p.May {
			if !slices.Contains(Everything(), m) {
				wrong(fmt.Sprintf("%s.may[%d]", at, j), "%q is not one of view, operate, approve, reveal", m)
			}
		}
		checkToken(tokens, at, p.TokenSHA256, wrong)
	}
	for i, k := range c.Agents {
		at := fmt.Sprintf("agents[%d]", i)
		if k.ID == "" {
			wrong(at, "an agent without id: write the id that its configuration says, else its host's name")
		}
		checkToken(tokens, at, k.TokenSHA256, wrong)
	}
}

// A Digest is the SHA-256 of a token.
type Digest = [sha256.Size]byte

// ParseDigest reads a digest; false if it is none.
func ParseDigest(text string) (d Digest, ok bool) {
	b, err := hex.DecodeString(text)
	return d, err == nil && copy(d[:], b) == len(d) && len(b) == len(d)
}

func checkToken(seen map[Digest]bool, at, text string, wrong func(path, format string, args ...any)) {
	d, ok := ParseDigest(text)
	path := at + ".token_sha256"
	switch {
	case !ok:
		wrong(path, "this is not 64 hexadecimal digits: make them with printf %%s TOKEN | sha256sum")
	case d == sha256.Sum256(nil):
		wrong(path, "this is of no token at all: make it with printf %%s TOKEN | sha256sum")
	case seen[d]:
		wrong(path, "this token is somebody else's too: give each their own")
	}
	seen[d] = true
}
