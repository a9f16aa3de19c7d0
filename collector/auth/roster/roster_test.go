package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func sum(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:])
}

func testConfig() Config {
	return Config{
		People: []Person{
			{"ann", sum("ann's"), []string{"view", "operate"}},
			{"ben", sum("ben's"), []string{"view"}},
			{"cat", sum("cat's"), nil},
		},
		Agents: []AgentKey{{"web1", sum("web1's")}},
	}
}

func TestCheck(t *testing.T) {
	good := func(change func(*Config)) Config {
		c := testConfig()
		change(&c)
		return c
	}
	for name, tt := range map[string]struct {
		Config
		want string
	}{
		"good":                 {good(func(*Config) {}), ""},
		"nothing":              {Config{}, ""},
		"two devices of one":   {good(func(c *Config) { c.People[1].Name = "ann" }), ""},
		"no name":              {good(func(c *Config) { c.People[0].Name = "" }), `people[0].name: "" cannot be a person's name`},
		"local":                {good(func(c *Config) { c.People[0].Name = "local" }), "cannot be"},
		"a user of the host":   {good(func(c *Config) { c.People[0].Name = "uid:0" }), "cannot be"},
		"one in two ways":      {good(func(c *Config) { c.People[1].Name = "Ann" }), "people[1].name: "},
		"one, with a space":    {good(func(c *Config) { c.People[1].Name = "ann " }), "people[1].name: "},
		"unknown right":        {good(func(c *Config) { c.People[0].May = []string{"all"} }), `people[0].may[0]: "all" is not one of`},
		"short":                {good(func(c *Config) { c.People[0].TokenSHA256 = "00" }), "sha256sum"},
		"long":                 {good(func(c *Config) { c.People[0].TokenSHA256 += "00" }), "sha256sum"},
		"no digits":            {good(func(c *Config) { c.Agents[0].TokenSHA256 = strings.Repeat("x", 64) }), "agents[0].token_sha256: "},
		"of nothing":           {good(func(c *Config) { c.People[0].TokenSHA256 = sum("") }), "no token at all"},
		"shared":               {good(func(c *Config) { c.Agents[0].TokenSHA256 = sum("ann's") }), "somebody else's"},
		"shared, other case":   {good(func(c *Config) { c.Agents[0].TokenSHA256 = sum("ben's") }), "somebody else's"},
		"an agent without id":  {good(func(c *Config) { c.Agents[0].ID = "" }), "without id"},
		"an agent, no digest":  {good(func(c *Config) { c.Agents[0].TokenSHA256 = "" }), "agents[0].token_sha256: "},
		"a person, no digest":  {good(func(c *Config) { c.People[2].TokenSHA256 = "" }), "people[2].token_sha256: "},
		"a name with anything": {good(func(c *Config) { c.People[0].Name = "安 | .\n" }), ""},
	} {
		var got string
		tt.Check(func(path, format string, args ...any) { got += path + ": " + fmt.Sprintf(format, args...) })
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
