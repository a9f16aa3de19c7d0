package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

// A Person may look (view), decide (operate) and approve.
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

// Any tells whether auth is configured.
func (c Config) Any() bool { return len(c.People)+len(c.Agents) > 0 }

// everything is all the rights of people.
func everything() []string {
	return []string{access.MayView, access.MayOperate, access.MayApprove}
}

// Check says what is wrong with the configuration.
func (c Config) Check() error {
	tokens, names := map[digest]bool{}, map[string]string{}
	for _, p := range c.People {
		if p.Name == "" || p.Name == localActor || strings.HasPrefix(p.Name, "uid:") {
			return fmt.Errorf("auth.people: %q cannot be a person's name", p.Name)
		}
		// Two devices of one person have one name: under two they would be two
		// people who open a gate.
		alike := strings.ToLower(strings.Join(strings.Fields(p.Name), " "))
		if other, known := names[alike]; known && other != p.Name {
			return fmt.Errorf("auth.people: %q and %q are too much alike to be two people: write one person's name in one way", other, p.Name)
		}
		names[alike] = p.Name
		for _, m := range p.May {
			if !slices.Contains(everything(), m) {
				return fmt.Errorf("auth.people %s: may: %q is not one of view, operate, approve", p.Name, m)
			}
		}
		if err := checkToken(tokens, "people "+p.Name, p.TokenSHA256); err != nil {
			return err
		}
	}
	for _, k := range c.Agents {
		if k.ID == "" {
			return errors.New("auth.agents: an agent without id")
		}
		if err := checkToken(tokens, "agents "+k.ID, k.TokenSHA256); err != nil {
			return err
		}
	}
	return nil
}

// digest is the SHA-256 of a token.
type digest = [sha256.Size]byte

func parseDigest(text string) (d digest, ok bool) {
	b, err := hex.DecodeString(text)
	return d, err == nil && copy(d[:], b) == len(d) && len(b) == len(d)
}

func checkToken(seen map[digest]bool, who, text string) error {
	d, ok := parseDigest(text)
	switch {
	case !ok:
		return fmt.Errorf("auth.%s: token_sha256 is not 64 hexadecimal digits: make it with printf %%s TOKEN | sha256sum", who)
	case d == sha256.Sum256(nil):
		return fmt.Errorf("auth.%s: token_sha256 is that of no token at all: make it with printf %%s TOKEN | sha256sum", who)
	case seen[d]:
		return fmt.Errorf("auth.%s: this token is somebody else's too", who)
	}
	seen[d] = true
	return nil
}
