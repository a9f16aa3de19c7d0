package collector

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"github.com/tomeishi/tomeishi/collector/config"
)

// certificate is what the collector shows over TLS; a reload swaps it.
type certificate struct {
	now atomic.Pointer[tls.Certificate]
}

// readCertificate reads the files; nil and nil without any.
func readCertificate(c config.TLS) (*tls.Certificate, error) {
	if c.CertFile == "" {
		return nil, nil //nolint:nilnil // no certificate is no error
	}
	cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &cert, nil
}

// newCertificate shows a certificate; nil without one.
func newCertificate(cert *tls.Certificate) *certificate {
	if cert == nil {
		return nil
	}
	c := new(certificate)
	c.now.Store(cert)
	return c
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil }

// differs tells whether another certificate than now would be shown.
func (c *certificate) differs(next *tls.Certificate) bool {
	return !bytes.Equal(c.now.Load().Certificate[0], next.Certificate[0])
}
