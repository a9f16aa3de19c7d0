package auth

import "github.com/tomeishi/tomeishi/collector/auth/roster"

// Who is let in, as the configuration says.
type (
	Config   = roster.Config
	Person   = roster.Person
	AgentKey = roster.AgentKey
)
