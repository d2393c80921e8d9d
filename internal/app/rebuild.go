package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// rebuildPoll is how often a rebuild is asked about.
	rebuildPoll = 500 * time.Millisecond
	// rebuildAnswer bounds one answer about it, in bytes and in time.
	rebuildAnswer  = 1 << 20
	rebuildTimeout = 30 * time.Second
)

// Rebuild asks a running server to work out tasks and figures again. It goes over
// REST, so that it needs no access to the stores, which the server owns.
type Rebuild struct {
	// URL is the address of the REST API, Region a code such as 120105.
	URL, Region string
	// Token is an access token of a system administrator.
	Token string
}

// Run asks for the rebuild of a service and waits until it is done.
func (r Rebuild) Run(ctx context.Context, service string) (*corev1.Projection, error) {
	at, err := url.JoinPath(r.URL, "v1", "regions", url.PathEscape(r.Region), "projections", url.PathEscape(service))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(at, "http://") && !strings.HasPrefix(at, "https://") {
		return nil, fmt.Errorf("%q is no address of a REST API", r.URL)
	}
	p, err := r.call(ctx, http.MethodPost, at+":rebuild", "{}")
	for err == nil && p.GetState() == corev1.Projection_REBUILDING {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rebuildPoll):
		}
		p, err = r.call(ctx, http.MethodGet, at, "")
	}
	return p, err
}

func (r Rebuild) call(ctx context.Context, method, at, body string) (_ *corev1.Projection, err error) {
	ctx, cancel := context.WithTimeout(ctx, rebuildTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.Token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, rebuildAnswer))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s: %s", answer.Status, bytes.TrimSpace(text))
	}
	p := &corev1.Projection{}
	return p, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, p)
}
