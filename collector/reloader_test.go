package collector

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/config"
)

// authOf is an auth of people, each with their name as token.
func authOf(names ...string) (c auth.Config) {
	for _, name := range names {
		sum := sha256.Sum256([]byte(name))
		c.People = append(c.People, auth.Person{Name: name, TokenSHA256: hex.EncodeToString(sum[:]), May: []string{"view", "operate"}})
	}
	return c
}

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (r *logged) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(b)
}

func (r *logged) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// writeCertificate makes a certificate for this host.
func writeCertificate(t *testing.T, c config.TLS, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	like := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, like, like, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		c.CertFile: {Type: "CERTIFICATE", Bytes: cert}, c.KeyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReloadAll takes up auth, the certificate and rules, says by name what was
// added, changed and removed, and what only a restart takes up.
func TestReloadAll(t *testing.T) {
	t.Parallel()
	c, dir := testConfig(t), t.TempDir()
	c.TLS = config.TLS{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}
	writeCertificate(t, c.TLS, 1)
	rule := func(name, summary string) string {
		return fmt.Sprintf("  - {alert: %s, event: e, by: [data.x], within: 1h, when: count() >= 2, annotations: {summary: %s}}\n", name, summary)
	}
	file := filepath.Join(dir, "rules.yml")
	writeRules := func(rules ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("groups:\n- name: g\n  rules:\n"+strings.Join(rules, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeRules(rule("Stays", "s"), rule("Goes", "s"), rule("Alters", "s"))
	c.Rules, c.Auth = []string{file}, authOf("aiko", "carol")
	next, log := c, &logged{}
	col, err := New(t.Context(), Options{
		Config: c, Reread: func() (config.Config, error) { return next, nil }, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := col.closers.Close(); err != nil {
			t.Error(err)
		}
	}()
	go func() { _ = serve(col.servers.tcp, col.tcp) }()
	defer col.servers.stop()
	var serial int64
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			serial = s.PeerCertificates[0].SerialNumber.Int64()
			return nil
		},
	}}}
	r := &running{Collector: col, t: t}
	as := func(token string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, col.URL()+"/v1/gates", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		code, _ := r.roundTrip(client, req)
		return code
	}
	if as("carol") != http.StatusOK || as("bob") != http.StatusUnauthorized || serial != 1 {
		t.Fatal("the collector is not as it was configured")
	}

	// One error anywhere, and nothing changes.
	next.Auth, next.Listen, next.Language = authOf("aiko", "bob"), "127.0.0.1:1", "ja"
	writeRules("not: [a rule")
	writeCertificate(t, c.TLS, 2)
	if _, err := col.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "rules.yml") {
		t.Errorf("a broken file: %v", err)
	}
	if as("carol") != http.StatusOK || as("bob") != http.StatusUnauthorized || serial != 1 {
		t.Error("a reload with an error changed something")
	}

	writeRules(rule("Stays", "s"), rule("Alters", "another"), rule("Comes", "s"))
	said, err := col.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rules: added Comes; changed Alters; removed Goes", "2 go on", "auth: added person bob; removed person carol",
		"certificate: ", "only a restart takes it up: listen, language",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the answer lacks %q:\n%s", want, said)
		}
	}
	for _, want := range []string{"added=Comes", "changed=Alters", "removed=Goes", `removed="person carol"`, `keys="listen, language"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if as("carol") != http.StatusUnauthorized || as("bob") != http.StatusOK || serial != 2 {
		t.Errorf("after the reload: carol %d, bob %d, certificate %d", as("carol"), as("bob"), serial)
	}
	if said, err = col.Reload(t.Context()); err != nil || !strings.Contains(said, "the same as before") || strings.Contains(said, "auth: ") {
		t.Errorf("again: %q, %v", said, err)
	}

	list := filepath.Join(dir, "known.txt")
	writeRules(rule("Stays", "s"),
		"  - {alert: Unknown, event: e, where: '!(data.x in lists.known)', within: 1h, when: count() >= 1}\n", "lists: {known: {file: known.txt}}\n")
	if _, err := col.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "known.txt: no such file") {
		t.Errorf("a list that is not there: %v", err)
	}
	for _, want := range []string{"added Unknown", "changed Unknown"} {
		if err := os.WriteFile(list, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err = col.Reload(t.Context()); err != nil || !strings.Contains(said, want) {
			t.Errorf("want %q, not %q, %v", want, said, err)
		}
	}
}

// TestReloadKeepsDoorsShut does not take up a configuration that is safe only
// where the collector does not listen yet.
func TestReloadKeepsDoorsShut(t *testing.T) {
	c, dir := testConfig(t), t.TempDir()
	c.TLS = config.TLS{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}
	writeCertificate(t, c.TLS, 1)
	c.Listen, c.Auth = "0.0.0.0:0", authOf("aiko")
	c.Auth.Agents = []auth.AgentKey{{ID: "a", TokenSHA256: strings.Repeat("ab", 32)}}
	next := c
	next.Listen, next.Auth = "127.0.0.1:0", auth.Config{}
	col, err := New(t.Context(), Options{Config: c, Reread: func() (config.Config, error) { return next, nil }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := col.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "other hosts") {
		t.Errorf("a collector that others reach was left without auth: %v", err)
	}
	if err := col.closers.Close(); err != nil {
		t.Error(err)
	}
}
