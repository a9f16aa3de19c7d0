package auth

import "github.com/tomeishi/tomeishi/collector/auth/roster"

// Config is who is let in, as the configuration says.
type Config = roster.Config

// Person is one of the people in it.
type Person = roster.Person

// AgentKey lets one agent report.
type AgentKey = roster.AgentKey
