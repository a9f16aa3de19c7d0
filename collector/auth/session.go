package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/durable"
)

const (
	cookieName  = "tomeishi_session"
	sessionLife = 30 * 24 * time.Hour
	keySize     = 32 // bytes
	keyFile     = "session.key"
)

// sessionKey reads the key of the cookies, or makes it: durable before it is
// used.
func sessionKey(folder string) ([]byte, error) {
	path := filepath.Join(folder, keyFile)
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == keySize:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("%s holds %d bytes, not %d: remove it, and everybody logs in again", path, len(key), keySize)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	key = make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return key, durable.Replace(path, key)
}

// cookie makes a cookie's value: who, until when, and a signature that only this
// collector can make, and only while the person's token is the same.
func (d *Door) cookie(p *person, until time.Time) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(p.name)) + "." + strconv.FormatInt(until.Unix(), 10)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(d.ring.Load().key, text, p))
}

func sign(key []byte, text string, p *person) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "tomeishi session 1\n%s\n%x", text, p.token)
	return h.Sum(nil)
}

// bySession is the person whom the request's cookie names; nil if it has none
// that holds.
func (d *Door) bySession(r *http.Request) *person {
	for _, c := range r.CookiesNamed(cookieName) {
		if p := d.holds(c.Value, time.Now()); p != nil {
			return p
		}
	}
	return nil
}

// holds is the person of a cookie that was signed here and has not run out.
func (d *Door) holds(value string, now time.Time) *person {
	text, signature, ok := cutLast(value)
	sum, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if !ok || err != nil {
		return nil
	}
	encoded, expiry, ok := strings.Cut(text, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil {
		return nil
	}
	ring := d.ring.Load()
	for i := range ring.people {
		p := &ring.people[i]
		if p.name != string(name) || !hmac.Equal(sum, sign(ring.key, text, p)) {
			continue
		}
		// Only what is signed is read.
		until, err := strconv.ParseInt(expiry, 10, 64)
		if err == nil && now.Unix() < until {
			return p
		}
	}
	return nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// setCookie gives the browser a session, or takes it away if value is empty.
func (d *Door) setCookie(w http.ResponseWriter, r *http.Request, value string, until time.Time) {
	c := &http.Cookie{
		Name: cookieName, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || d.secure != "" && strings.EqualFold(r.Host, d.secure),
		MaxAge: -1,
	}
	if value != "" {
		c.Expires, c.MaxAge = until, int(sessionLife/time.Second)
	}
	http.SetCookie(w, c)
}
