package directory

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

func (s *Server) today() calendar.Date { return calendar.On(s.now()) }

// CreateDelegation lets a colleague act in a person's place.
func (s *Server) CreateDelegation(ctx context.Context, r *directoryv1.CreateDelegationRequest) (*directoryv1.Delegation, error) {
	who, err := inPerson(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	d := r.GetDelegation()
	if err := checkAuthor(d, who); err != nil {
		return nil, err
	}
	principal, err := s.personIn(ctx, r.GetParent(), "delegation.principal", d.GetPrincipal())
	if err != nil {
		return nil, err
	}
	delegate, err := s.personIn(ctx, r.GetParent(), "delegation.delegate", d.GetDelegate())
	if err != nil {
		return nil, err
	}
	d.Author = who.Person
	if err := checkDelegation(d, principal, delegate, s.today()); err != nil {
		return nil, err
	}
	d.Name = r.GetParent() + "/delegations/" + resource.NewID(s.now())
	made, _, err := s.store.delegations.Create(ctx, d, docstore.Change{
		Grant: []string{
			d.GetPrincipal(), d.GetDelegate(),
			auth.RoleViewer(r.GetParent(), corev1.Role_ROLE_SECURITY_ADMINISTRATOR),
			auth.RoleViewer(r.GetParent(), corev1.Role_ROLE_SECURITY_AUDITOR),
		},
		Details: []*corev1.Detail{
			docstore.Detail("principal", d.GetPrincipal()), docstore.Detail("delegate", d.GetDelegate()),
			docstore.Detail("roles", roleNames(d.GetRoles())),
		},
	})
	if err != nil {
		return nil, rpc.FromStore(err, r.GetParent())
	}
	return shownOn(made, s.today()), nil
}

// personIn reads a person whom a request names in a field.
func (s *Server) personIn(ctx context.Context, region, field, name string) (*directoryv1.Person, error) {
	if err := checkShape(field, personPattern, name); err != nil {
		return nil, err
	}
	unknown := rpc.Field(field, "PERSON_UNKNOWN", "本区没有该人员")
	if resource.Region(name) != region {
		return nil, unknown
	}
	p, _, err := s.store.people.Get(ctx, name)
	if isNotFound(err) {
		return nil, unknown
	}
	return p, rpc.FromStore(err, name)
}

// GetDelegation reads a delegation the caller may see.
func (s *Server) GetDelegation(ctx context.Context, r *directoryv1.GetDelegationRequest) (*directoryv1.Delegation, error) {
	d, err := s.visibleDelegation(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return shownOn(d, s.today()), nil
}

func (s *Server) visibleDelegation(ctx context.Context, name string) (*directoryv1.Delegation, error) {
	return rpc.Read(ctx, s.store.delegations, delegationPattern, name)
}

// ListDelegations lists the delegations the caller may see, newest first.
func (s *Server) ListDelegations(ctx context.Context, r *directoryv1.ListDelegationsRequest) (*directoryv1.ListDelegationsResponse, error) {
	who, err := own(ctx, "parent", regionPattern, r.GetParent())
	if err != nil {
		return nil, err
	}
	delegations, next, err := rpc.List(ctx, s.store.delegations, docstore.Query{OrderBy: docstore.FieldCreateTime, Descending: true}, who, r)
	if err != nil {
		return nil, err
	}
	answer := &directoryv1.ListDelegationsResponse{NextPageToken: next}
	for _, d := range delegations {
		answer.Delegations = append(answer.Delegations, shownOn(d, s.today()))
	}
	return answer, nil
}

// RevokeDelegation ends a delegation and its tokens at once.
func (s *Server) RevokeDelegation(ctx context.Context, r *directoryv1.RevokeDelegationRequest) (*directoryv1.Delegation, error) {
	if _, err := inPerson(ctx); err != nil {
		return nil, err
	}
	d, err := rpc.Change(ctx, s.store.delegations, delegationPattern, r.GetName(), "", func(d *directoryv1.Delegation, who auth.Caller) (docstore.Change, error) {
		return revoke(d, who, s.now())
	})
	if err != nil {
		return nil, err
	}
	s.revocations.RevokeSession(d.GetName(), d.GetRevokeTime().AsTime().Add(auth.UserTokenLife))
	return shownOn(d, s.today()), nil
}

// ActForPrincipal answers the delegate a token for the principal's place. It is
// minted before both people are seen to be unchanged and before the use is
// written down: whoever ends a session or the delegation afterwards ends it too.
func (s *Server) ActForPrincipal(ctx context.Context, r *directoryv1.ActForPrincipalRequest) (*directoryv1.Session, error) {
	who, err := inPerson(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.visibleDelegation(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if d.GetDelegate() != who.Person {
		return nil, rpc.New(codes.PermissionDenied, "NOT_DELEGATE", "只有受托人本人可以代理")
	}
	before, err := s.readPair(ctx, d)
	if err != nil {
		return nil, err
	}
	session, err := s.mintInPlace(ctx, d, before, who)
	if err != nil {
		return nil, err
	}
	after, err := s.readPair(ctx, d)
	if err != nil {
		return nil, err
	}
	if !proto.Equal(before.principal, after.principal) || !proto.Equal(before.delegate, after.delegate) {
		return nil, rpc.FromStore(docstore.ErrConflict, d.GetName())
	}
	_, _, err = s.store.delegations.Update(ctx, d.GetName(), docstore.Precondition{},
		func(d *directoryv1.Delegation, _ docstore.Meta) (docstore.Change, error) {
			if _, err := rolesInPlace(d, after.principal, after.delegate, s.today()); err != nil {
				return docstore.Change{}, err
			}
			d.LastUseTime = timestamppb.New(s.now())
			return docstore.Change{Details: events("token_issued")}, nil
		})
	if err != nil {
		return nil, rpc.FromStore(err, d.GetName())
	}
	return session, nil
}

// pair are the people of a delegation.
type pair struct{ principal, delegate *directoryv1.Person }

func (s *Server) readPair(ctx context.Context, d *directoryv1.Delegation) (p pair, err error) {
	if p.principal, _, err = s.store.people.Get(ctx, d.GetPrincipal()); err != nil {
		return p, fmt.Errorf("read the principal of a delegation: %w", err)
	}
	if p.delegate, _, err = s.store.people.Get(ctx, d.GetDelegate()); err != nil {
		return p, fmt.Errorf("read the delegate of a delegation: %w", err)
	}
	return p, nil
}

// mintInPlace makes the token of a delegate. It belongs to the session that asked
// for it; one of an issuer outside is not known here, and the delegation stands
// for it.
func (s *Server) mintInPlace(ctx context.Context, d *directoryv1.Delegation, p pair, who auth.Caller) (*directoryv1.Session, error) {
	roles, err := rolesInPlace(d, p.principal, p.delegate, s.today())
	if err != nil {
		return nil, err
	}
	caller, err := s.callerAs(ctx, p.principal, cmp.Or(who.Session, d.GetName()))
	if err != nil {
		return nil, err
	}
	caller.Roles, caller.Delegate, caller.Delegation = roles, p.delegate.GetName(), d.GetName()
	token, expires, err := s.signer.DelegatedToken(caller, endOf(d))
	if err != nil {
		return nil, fmt.Errorf("mint a token of a delegate: %w", err)
	}
	return &directoryv1.Session{AccessToken: token, ExpireTime: timestamppb.New(expires), Person: p.principal}, nil
}
