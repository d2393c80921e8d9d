package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"fashen/internal/docstore"
)

// certificatePause lies between two looks at the files of certificates.
const certificatePause = time.Second

// Certificates are a process's own certificate and the authorities whose
// certificates it takes for those of the system's processes. They are read from
// their files again when these change: connections that are there go on, and new
// ones are made with what is in the files.
type Certificates struct {
	files CertificateFiles
	now   docstore.Clock
	log   *slog.Logger

	mu     sync.Mutex
	looked time.Time
	// read are the contents of the files when they were looked at last.
	read [3][]byte
	// own and authorities are of the last contents that were good.
	own         *tls.Certificate
	authorities *x509.CertPool
}

// CertificateFiles are PEM files: the certificate with those that lead to its
// authority, its key, and the authorities that are trusted.
type CertificateFiles struct{ Certificate, Key, Authorities string }

// LoadCertificates reads the files. Errors name the file that is at fault.
func LoadCertificates(files CertificateFiles, now docstore.Clock, log *slog.Logger) (*Certificates, error) {
	c := &Certificates{files: files, now: now, log: log, looked: now()}
	read, err := files.read()
	if err != nil {
		return nil, err
	}
	return c, c.take(read)
}

func (f CertificateFiles) read() (read [3][]byte, err error) {
	for i, path := range []string{f.Certificate, f.Key, f.Authorities} {
		if read[i], err = os.ReadFile(path); err != nil {
			return read, fmt.Errorf("read a certificate: %w", err)
		}
	}
	return read, nil
}

func (c *Certificates) take(read [3][]byte) error {
	c.read = read
	own, err := tls.X509KeyPair(read[0], read[1])
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.files.Certificate, c.files.Key, err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(read[2]) {
		return fmt.Errorf("%s holds no certificate of an authority", c.files.Authorities)
	}
	c.own, c.authorities = &own, authorities
	return nil
}

// current are the certificate and authorities that hold now. Files that cannot be
// read, or do not fit together, as for a moment while they are replaced, leave in
// force what was good before.
func (c *Certificates) current() (*tls.Certificate, *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certificatePause {
		c.looked = now
		read, err := c.files.read()
		if err == nil && !same(read, c.read) {
			if err = c.take(read); err == nil {
				c.log.Info("certificates read again", "certificate", c.files.Certificate, "until", c.own.Leaf.NotAfter)
			}
		}
		if err != nil {
			c.log.Error("certificates not read again", "error", err)
		}
	}
	return c.own, c.authorities
}

func same(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// server asks for the client's certificate and lets in who has none: a program
// outside comes with a token. Who has one that is not good is let in by nobody.
func (c *Certificates) server() *tls.Config {
	own, authorities := c.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*own},
		ClientCAs: authorities, ClientAuth: tls.VerifyClientCertIfGiven,
	}
}

func (c *Certificates) client() *tls.Config {
	own, authorities := c.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: authorities,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil },
	}
}

// handshakes are the credentials of connections: each handshake is made with the
// certificates of that moment; without any, TCP is plain. A connection in memory
// needs none.
type handshakes struct{ certificates *Certificates }

// inMemory marks a connection in memory.
type inMemory struct{ credentials.CommonAuthInfo }

// AuthType implements credentials.AuthInfo.
func (inMemory) AuthType() string { return "memory" }

// memoryConn is a connection that was accepted in memory.
type memoryConn struct{ net.Conn }

type memoryListener struct{ net.Listener }

// Accept marks the connection.
func (l memoryListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return memoryConn{conn}, nil
}

// ServerHandshake implements credentials.TransportCredentials.
func (t handshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, ok := conn.(memoryConn); ok {
		return conn, inMemory{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}, nil
	}
	if t.certificates == nil {
		return insecure.NewCredentials().ServerHandshake(conn)
	}
	return credentials.NewTLS(t.certificates.server()).ServerHandshake(conn)
}

// ClientHandshake implements credentials.TransportCredentials.
func (t handshakes) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(t.certificates.client()).ClientHandshake(ctx, authority, conn)
}

// Info implements credentials.TransportCredentials.
func (t handshakes) Info() credentials.ProtocolInfo {
	if t.certificates == nil {
		return insecure.NewCredentials().Info()
	}
	return credentials.NewTLS(nil).Info()
}

// Clone implements credentials.TransportCredentials.
func (t handshakes) Clone() credentials.TransportCredentials { return t }

// OverrideServerName implements credentials.TransportCredentials.
func (t handshakes) OverrideServerName(string) error {
	return errors.New("rpc: the name of a server is the one that is dialled")
}

// proven tells whether a connection is of a process of the system: in memory, or
// with a certificate of a trusted authority.
func proven(info credentials.AuthInfo) bool {
	switch info := info.(type) {
	case inMemory:
		return true
	case credentials.TLSInfo:
		return len(info.State.VerifiedChains) > 0
	}
	return false
}
