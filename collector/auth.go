package collector

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/api"
)

// any tells whether auth is configured.
func (a Auth) any() bool { return len(a.People)+len(a.Agents) > 0 }

func (a Auth) check() error {
	seen := map[string]bool{}
	for _, p := range a.People {
		if p.Name == "" || p.Name == localActor || strings.HasPrefix(p.Name, "uid:") {
			return fmt.Errorf("auth.people: %q cannot be a person's name", p.Name)
		}
		for _, m := range p.May {
			if !slices.Contains(everything(), m) {
				return fmt.Errorf("auth.people %s: may: %q is not one of view, operate, approve", p.Name, m)
			}
		}
		if err := checkToken(seen, "people "+p.Name, p.TokenSHA256); err != nil {
			return err
		}
	}
	for _, k := range a.Agents {
		if k.ID == "" {
			return errors.New("auth.agents: an agent without id")
		}
		if err := checkToken(seen, "agents "+k.ID, k.TokenSHA256); err != nil {
			return err
		}
	}
	return nil
}

func checkToken(seen map[string]bool, who, digest string) error {
	b, err := hex.DecodeString(digest)
	switch {
	case err != nil || len(b) != sha256.Size:
		return fmt.Errorf("auth.%s: token_sha256 is not 64 hexadecimal digits: make it with printf %%s TOKEN | sha256sum", who)
	case seen[digest]:
		return fmt.Errorf("auth.%s: this token is somebody else's too", who)
	}
	seen[digest] = true
	return nil
}

// identity is who asks.
type identity struct {
	actor string // empty: nobody who may decide
	agent string
	may   []string
	open  bool // everybody who gets here may look
	auth  bool // auth is configured: an agent speaks only with its token
}

// everything is all the rights of people.
func everything() []string { return []string{api.View, api.Operate, api.Approve} }

type identityKey struct{}

func identityOf(r *http.Request) identity {
	id, _ := r.Context().Value(identityKey{}).(identity)
	return id
}

// localActor decides on loopback in `tomeishi up`. It never counts as a second
// person.
const localActor = "local"

// identify finds out who asks and refuses whoever may not even look.
func (c *Collector) identify(next http.Handler, socket bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := c.whoIs(r, socket)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tomeishi"`)
			report.WriteJSON(w, http.StatusUnauthorized, report.Problem{Error: err.Error()})
			return
		}
		if err := id.mayAsk(r); err != nil {
			report.WriteJSON(w, http.StatusForbidden, report.Problem{Error: err.Error()})
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, id)))
	})
}

func (c *Collector) whoIs(r *http.Request, socket bool) (identity, error) {
	if socket {
		uid, err := peerUID(r)
		return identity{actor: uid, may: everything(), open: true, auth: c.o.Config.Auth.any()}, err
	}
	if !c.o.Config.Auth.any() {
		id := identity{open: true}
		if c.o.Up {
			id.actor, id.may = localActor, everything()
		}
		return id, nil
	}
	if isProbe(r) {
		return identity{auth: true}, nil
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return identity{}, errors.New("send Authorization: Bearer TOKEN")
	}
	sum := sha256.Sum256([]byte(token))
	digest := hex.EncodeToString(sum[:])
	for _, p := range c.o.Config.Auth.People {
		if equal(p.TokenSHA256, digest) {
			return identity{actor: p.Name, may: p.May, auth: true}, nil
		}
	}
	for _, k := range c.o.Config.Auth.Agents {
		if equal(k.TokenSHA256, digest) {
			return identity{agent: k.ID, auth: true}, nil
		}
	}
	return identity{}, errors.New("this token is nobody's")
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(a)), []byte(b)) == 1
}

// isProbe tells whether the request only asks whether the collector lives.
func isProbe(r *http.Request) bool {
	return r.URL.Path == "/-/healthy" || r.URL.Path == "/-/ready"
}

// isQuery tells whether the request only asks, though it is a POST: a query may
// be too long for a URL.
func isQuery(r *http.Request) bool {
	switch r.URL.Path {
	case "/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/format_query",
		"/api/v1/parse_query", "/api/v1/series", "/api/v1/labels":
		return true
	}
	return false
}

// mayAsk says why the request is not for this asker at all. What a person may
// decide is asked again where it is decided.
func (id identity) mayAsk(r *http.Request) error {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || isQuery(r)
	switch {
	case isProbe(r) || id.open:
		return nil
	case id.agent != "":
		if r.Method == http.MethodPost && (r.URL.Path == "/v1/events" || r.URL.Path == "/v1/blocks") ||
			reads && (r.URL.Path == "/v1/gates" || strings.HasPrefix(r.URL.Path, "/v1/gates/")) {
			return nil
		}
		return errors.New("this token is an agent's: it reports and reads gates, nothing else")
	case !reads && (r.URL.Path == "/v1/events" || r.URL.Path == "/api/v1/write"), reads && r.URL.Path == "/v1/status" && r.URL.Query().Has("hash"):
		return id.lacks(api.Operate)
	case !reads && id.lacks(api.Approve) == nil:
		return nil
	case !reads:
		return id.lacks(api.Operate)
	}
	return id.lacks(api.View)
}

// lacks says that a right is missing; nil if the asker has it.
func (id identity) lacks(right string) error {
	if slices.Contains(id.may, right) {
		return nil
	}
	return fmt.Errorf("this token does not have the right %q", right)
}

// actor says who decides, for the API.
func (c *Collector) actor(r *http.Request, right string) (string, error) {
	id := identityOf(r)
	if id.actor == "" && id.agent == "" {
		return "", api.Forbidden(fmt.Errorf("without auth in its configuration, a collector takes decisions only on its socket: use --server %s there", c.o.Config.Socket))
	}
	if err := id.lacks(right); err != nil {
		return "", api.Forbidden(err)
	}
	return id.actor, nil
}

// speaksFor says why the request may not speak for the agent.
func speaksFor(r *http.Request, agent string) error {
	id := identityOf(r)
	switch {
	case !id.auth || id.agent != "" && id.agent == agent:
		return nil
	case id.agent != "":
		return fmt.Errorf("this token is agent %s's: it does not speak for agent %.80s", id.agent, agent)
	}
	return fmt.Errorf("only the token of agent %.80s speaks for it", agent)
}

type connKey struct{}

// withConn keeps the connection for peerUID.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// peerUID names the user at the other end of a Unix socket.
func peerUID(r *http.Request) (string, error) {
	conn, ok := r.Context().Value(connKey{}).(*net.UnixConn)
	if !ok {
		return "", errors.New("not a Unix socket")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return "", err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, credErr); err != nil {
		return "", fmt.Errorf("ask who is at the socket: %w", err)
	}
	return fmt.Sprintf("uid:%d", cred.Uid), nil
}
