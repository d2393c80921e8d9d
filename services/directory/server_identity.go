package directory

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

const (
	// alivePause is how often a follower of revocations hears that all is well.
	alivePause = time.Second
	// revocationPage is how many revocations one message holds.
	revocationPage = 1000
	// pendingRevocations bounds what waits for a follower that does not read.
	pendingRevocations = 100_000
)

// CheckApiKey implements IdentityService.
func (s *Server) CheckApiKey(ctx context.Context, r *directoryv1.CheckApiKeyRequest) (*directoryv1.Identity, error) {
	caller, expires, err := s.CheckSystemKey(ctx, r.GetKeyId(), r.GetSecretHash())
	if err != nil {
		return nil, rpc.TokenFailure(err)
	}
	identity := identityOf(caller)
	identity.ExpireTime = timestamppb.New(expires)
	return identity, nil
}

// CheckLogin implements IdentityService.
func (s *Server) CheckLogin(ctx context.Context, r *directoryv1.CheckLoginRequest) (*directoryv1.Identity, error) {
	caller, err := s.CallerByLogin(ctx, r.GetLogin(), r.GetIssueTime().AsTime())
	if err != nil {
		return nil, rpc.TokenFailure(err)
	}
	return identityOf(caller), nil
}

func identityOf(c auth.Caller) *directoryv1.Identity {
	return &directoryv1.Identity{
		Subject: c.Person, Region: c.Region, Bureau: c.Bureau, Predecessors: c.Predecessors, LawFirm: c.LawFirm,
		Session: c.Session, Roles: c.Roles, Services: c.Services,
	}
}

// WatchRevocations implements IdentityService. It ends before the token of the
// service that asked would, so that another replica may take over.
func (s *Server) WatchRevocations(_ *directoryv1.WatchRevocationsRequest, stream grpc.ServerStreamingServer[directoryv1.WatchRevocationsResponse]) error {
	f := s.followers.enter()
	defer s.followers.leave(f)
	if !s.revocations.Known() { // another replica may know
		return rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "本实例暂不掌握令牌撤销情况，请稍后重试")
	}
	if err := sendRevocations(stream, s.revocations.All(), true); err != nil {
		return err
	}
	over := s.after(auth.ServiceTokenLife)
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-s.stopping:
			return rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "服务正在停止")
		case <-over:
			return nil
		case <-f.wake:
		case <-s.after(alivePause):
		}
		if !s.revocations.Known() {
			continue // nothing is said to be well that may not be; what came meanwhile waits
		}
		pending, systems, lost := s.followers.take(f)
		if lost {
			return rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "读取过慢，请重新开始")
		}
		if err := sendRevocations(stream, pending, systems); err != nil {
			return err
		}
	}
}

// sendRevocations sends a page at a time; the last message, empty where there is
// nothing to tell, says that this was all.
func sendRevocations(stream grpc.ServerStreamingServer[directoryv1.WatchRevocationsResponse], all []auth.Revocation, systems bool) error {
	for len(all) > revocationPage {
		if err := stream.Send(revocationsOf(all[:revocationPage])); err != nil {
			return err
		}
		all = all[revocationPage:]
	}
	last := revocationsOf(all)
	last.SystemsChanged, last.Complete = systems, true
	return stream.Send(last)
}

func revocationsOf(all []auth.Revocation) *directoryv1.WatchRevocationsResponse {
	out := &directoryv1.WatchRevocationsResponse{}
	for _, r := range all {
		told := &directoryv1.Revocation{Of: &directoryv1.Revocation_Person{Person: r.Person}, UntilTime: timestamppb.New(r.Until)}
		if r.Session != "" {
			told.Of = &directoryv1.Revocation_Session{Session: r.Session}
		}
		out.Revocations = append(out.Revocations, told)
	}
	return out
}

// Stop ends the streams that follow, so that a server need not wait for them. It
// may be called again.
func (s *Server) Stop() { s.stop() }

// followers are the processes that follow what is revoked.
type followers struct {
	mu  sync.Mutex
	all []*follower
}

// follower is one of them; its fields are of the lock of all.
type follower struct {
	wake    chan struct{}
	pending []auth.Revocation
	systems bool
	lost    bool
}

func (fs *followers) enter() *follower {
	f := &follower{wake: make(chan struct{}, 1)}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.all = append(fs.all, f)
	return f
}

func (fs *followers) leave(f *follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.all = slices.DeleteFunc(fs.all, func(other *follower) bool { return other == f })
}

// take answers what a follower has not been told yet.
func (fs *followers) take(f *follower) (pending []auth.Revocation, systems, lost bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	pending, systems, lost = f.pending, f.systems, f.lost
	f.pending, f.systems = nil, false
	return pending, systems, lost
}

// revoked tells all of a revocation.
func (fs *followers) revoked(r auth.Revocation) {
	fs.tell(func(f *follower) {
		if f.lost = f.lost || len(f.pending) >= pendingRevocations; !f.lost {
			f.pending = append(f.pending, r)
		}
	})
}

// systemsChanged tells all that what they remember of systems is not good any more.
func (fs *followers) systemsChanged() { fs.tell(func(f *follower) { f.systems = true }) }

func (fs *followers) tell(note func(*follower)) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.all {
		note(f)
		select {
		case f.wake <- struct{}{}:
		default: // awake already
		}
	}
}
