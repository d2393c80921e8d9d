package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	// DefaultTimeout bounds a whole attempt, where none is set.
	DefaultTimeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, which nobody looks at, so that the
	// connection can be used again.
	maxAnswer = 4 << 10
	// idle is how long a connection is kept for the next event.
	idle = 30 * time.Second
)

// Errors of an attempt. What the host said is in none of them.
var (
	// ErrStatus: the host answered with a status that is not 2xx. Redirects are not
	// followed.
	ErrStatus = errors.New("webhook: not taken")
	// ErrTimeout: the host did not answer in time.
	ErrTimeout = errors.New("webhook: no answer in time")
	// ErrCertificate: the host's certificate does not hold, or there is no TLS.
	ErrCertificate = errors.New("webhook: certificate refused")
	// ErrAddressRefused: the host's address is not allowed.
	ErrAddressRefused = errors.New("webhook: address not allowed")
	// ErrUnreachable: there was no connection, or it broke.
	ErrUnreachable = errors.New("webhook: not reached")
)

// Options of a sender.
type Options struct {
	// Networks are those, beside the public ones, to which posts are allowed.
	Networks Networks
	// Roots are authorities whose certificates are taken; those of the system when nil.
	Roots *x509.CertPool
	// Timeout bounds a whole attempt; [DefaultTimeout] when 0.
	Timeout time.Duration
}

// Sender posts events.
type Sender struct{ secure, plain *http.Client }

// NewSender makes a sender.
func NewSender(o Options) *Sender {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return &Sender{secure: o.client(false), plain: o.client(true)}
}

// client makes the client of one scheme. Addresses are checked when they are
// connected to, after the name was looked up, so that no name leads past it; no
// proxy connects in our place.
func (o Options) client(plain bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: o.Timeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !o.Networks.allow(at.Addr(), plain) {
				return ErrAddressRefused
			}
			return nil
		},
	}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    o.Timeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    1,
			MaxIdleConns:           100,
			IdleConnTimeout:        idle,
			MaxResponseHeaderBytes: 16 << 10,
		},
	}
}

// Close ends the connections that are kept.
func (s *Sender) Close() {
	s.secure.CloseIdleConnections()
	s.plain.CloseIdleConnections()
}

// Post makes one attempt to post an event, signed with each of the secrets, and
// answers the status of the host, if there was one. Errors: the ones above, or that
// of ctx.
func (s *Sender) Post(ctx context.Context, to, id string, at time.Time, body []byte, secrets ...Secret) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, failure(ctx, err)
	}
	request.Header.Set("Content-Type", ContentType)
	request.Header.Set("User-Agent", "fashen")
	request.Header.Set(HeaderID, id)
	request.Header.Set(HeaderTimestamp, timestamp(at))
	request.Header.Set(HeaderSignature, Sign(id, at, body, secrets...))
	client := s.secure
	if request.URL.Scheme == "http" {
		client = s.plain
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, failure(ctx, err)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // whatever it says, the status counts
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return answer.StatusCode, ErrStatus
	}
	return answer.StatusCode, nil
}

// failure names what kind of failure it was. The URL is left out: it may hold a
// token of the host.
func failure(ctx context.Context, err error) error {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		failed       *url.Error
	)
	timeout := false
	if errors.As(err, &failed) {
		timeout, err = failed.Timeout(), failed.Err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrAddressRefused):
		return ErrAddressRefused
	case errors.As(err, &verification), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	case timeout:
		return ErrTimeout
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
