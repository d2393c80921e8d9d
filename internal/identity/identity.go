// Package identity lets a process without a directory of its own tell who calls
// it: it asks the directory about API keys and people of an issuer outside, and
// follows what is revoked.
package identity

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

// Patience is how long a process takes access tokens without hearing from the
// directory; it hears from it every second. Later, they are refused with UNAVAILABLE:
// nobody whose right has ended gets in because a line is cut.
const Patience = 10 * time.Second

const (
	// askDeadline bounds a question to the directory.
	askDeadline = 5 * time.Second
	// lookPause is how often a process looks whether it has heard of late.
	lookPause = time.Second
	// retryPause lies before a stream that failed is begun again, cut short by up to
	// a half.
	retryPause = 400 * time.Millisecond
)

// Directory is the directory in another process. It is [auth.SystemKeySource] and
// oidc.People.
type Directory struct {
	client  directoryv1.IdentityServiceClient
	revoked *auth.Revocations
	keys    *auth.SystemKeys
	log     *slog.Logger
	// heard wakes whoever looks whether what is revoked is known.
	heard chan struct{}
}

// New reaches the directory over a connection that carries a service's own name. What
// is revoked goes into a set that [auth.Revocations.Expect] is called on.
func New(conn grpc.ClientConnInterface, revoked *auth.Revocations, now func() time.Time, log *slog.Logger) *Directory {
	d := &Directory{client: directoryv1.NewIdentityServiceClient(conn), revoked: revoked, log: log, heard: make(chan struct{}, 1)}
	d.keys = auth.NewSystemKeys(d, now)
	return d
}

// SystemKeys checks API keys, and learns of changes from Follow.
func (d *Directory) SystemKeys() *auth.SystemKeys { return d.keys }

// CheckSystemKey implements [auth.SystemKeySource].
func (d *Directory) CheckSystemKey(ctx context.Context, id string, secretHash []byte) (auth.Caller, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askDeadline)
	defer cancel()
	found, err := d.client.CheckApiKey(ctx, &directoryv1.CheckApiKeyRequest{KeyId: id, SecretHash: secretHash})
	if err != nil {
		return auth.Caller{}, time.Time{}, rpc.TokenError(err)
	}
	return callerOf(found), found.GetExpireTime().AsTime(), nil
}

// CallerByLogin implements oidc.People.
func (d *Directory) CallerByLogin(ctx context.Context, login string, issued time.Time) (auth.Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, askDeadline)
	defer cancel()
	found, err := d.client.CheckLogin(ctx, &directoryv1.CheckLoginRequest{Login: login, IssueTime: timestamppb.New(issued)})
	if err != nil {
		return auth.Caller{}, rpc.TokenError(err)
	}
	return callerOf(found), nil
}

func callerOf(i *directoryv1.Identity) auth.Caller {
	return auth.Caller{
		Person: i.GetSubject(), Region: i.GetRegion(), Bureau: i.GetBureau(), Predecessors: i.GetPredecessors(), LawFirm: i.GetLawFirm(),
		Session: i.GetSession(), Roles: i.GetRoles(), Services: i.GetServices(),
	}
}

// Follow takes over what is revoked until ctx ends, from whichever replica of the
// directory answers. known is told when what is revoked becomes known, and when it
// is not any more; it must not block.
func (d *Directory) Follow(ctx context.Context, known func(bool)) {
	told := false
	look := func() {
		if now := d.revoked.Known(); now != told {
			told = now
			d.log.InfoContext(ctx, "revocations", "known", now)
			known(now)
		}
	}
	ended := make(chan error, 1)
	begin := func() { go func() { ended <- d.follow(ctx) }() }
	begin()
	failing := false
	for {
		select {
		case <-ctx.Done():
			d.log.DebugContext(ctx, "revocations are not followed any more", "error", <-ended)
			return
		case <-d.heard:
			failing = false
		case <-time.After(lookPause):
		case err := <-ended:
			if err != nil && ctx.Err() == nil {
				if !failing {
					d.log.WarnContext(ctx, "revocations are not followed; trying on", "error", err)
				}
				failing = true
				pause(ctx, retryPause-rand.N(retryPause/2)) //nolint:gosec // no secret hangs on it
			}
			begin()
		}
		look()
	}
}

// follow reads one stream to its end; nil is its usual one.
func (d *Directory) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A line that is cut without a sign ends the stream too.
	silence := time.AfterFunc(Patience, cancel)
	defer silence.Stop()
	stream, err := d.client.WatchRevocations(ctx, &directoryv1.WatchRevocationsRequest{})
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		silence.Reset(Patience)
		d.take(m)
	}
}

func (d *Directory) take(m *directoryv1.WatchRevocationsResponse) {
	for _, r := range m.GetRevocations() {
		d.revoked.Add(auth.Revocation{Session: r.GetSession(), Person: r.GetPerson(), Until: r.GetUntilTime().AsTime()})
	}
	if m.GetSystemsChanged() {
		d.keys.Forget()
	}
	if m.GetComplete() {
		d.revoked.Heard()
		select {
		case d.heard <- struct{}{}:
		default: // told already
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
