package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

// rebuildPoll is how often a rebuild is asked about.
const rebuildPoll = 500 * time.Millisecond

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
	at, err := addressREST(r.URL, "regions", r.Region, "projections", service)
	if err != nil {
		return nil, err
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

func (r Rebuild) call(ctx context.Context, method, at, body string) (*corev1.Projection, error) {
	p := &corev1.Projection{}
	return p, callREST(ctx, r.Token, method, at, strings.NewReader(body), p)
}
