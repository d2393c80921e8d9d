package directory

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// SignIn begins a session with a password.
func (s *Server) SignIn(ctx context.Context, r *directoryv1.SignInRequest) (*directoryv1.Session, error) {
	p, err := s.prove(ctx, r.GetLogin(), r.GetPassword(), checkPassword)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, p, "signed_in", func(c *storagev1.Credential, _ time.Time) error {
		if locked(c, s.now()) {
			return errLocked()
		}
		if c.GetPasswordHash() != p.credential.GetPasswordHash() {
			return errSignInFailed()
		}
		return nil
	})
}

// ActivateSignIn sets a password with a one-time code and begins a session.
func (s *Server) ActivateSignIn(ctx context.Context, r *directoryv1.ActivateSignInRequest) (*directoryv1.Session, error) {
	var weak *auth.WeakPassword
	if err := auth.CheckPassword(r.GetPassword(), r.GetLogin()); errors.As(err, &weak) {
		return nil, rpc.Field("password", weak.Reason, weak.Message)
	} else if err != nil {
		return nil, fmt.Errorf("check the new password: %w", err)
	}
	p, err := s.prove(ctx, r.GetLogin(), r.GetOneTimeCode(), checkCode)
	if err != nil {
		return nil, err
	}
	hash, err := auth.HashPassword(ctx, r.GetPassword())
	if err != nil {
		return nil, fmt.Errorf("hash the new password: %w", err)
	}
	var ended []string
	var since time.Time
	session, err := s.begin(ctx, p, "password_set", func(c *storagev1.Credential, minted time.Time) error {
		if locked(c, s.now()) {
			return errLocked()
		}
		// Of two calls with one code, the first has consumed it.
		if c.GetCodeHash() != p.credential.GetCodeHash() {
			return errSignInFailed()
		}
		ended, since = setPassword(c, hash, minted), minted
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.refuse(p.person.GetName(), ended, since)
	return session, nil
}

// proven is a person who has proven to be themselves, as they were read then.
type proven struct {
	credential *storagev1.Credential
	person     *directoryv1.Person
}

// secretCheck tells whether a secret is that of a credential, which may be nil;
// it takes as long when it is not.
type secretCheck func(ctx context.Context, c *storagev1.Credential, secret string, now time.Time) (bool, error)

func checkPassword(ctx context.Context, c *storagev1.Credential, password string, _ time.Time) (bool, error) {
	return auth.VerifyPassword(ctx, c.GetPasswordHash(), password)
}

func checkCode(_ context.Context, c *storagev1.Credential, code string, now time.Time) (bool, error) {
	hash := hashCode(auth.NormalizeCode(code))
	return subtle.ConstantTimeCompare([]byte(hash), []byte(goodCode(c, now))) == 1, nil
}

// prove checks a secret against a credential. Whatever is wrong, the work done
// and the answer are the same, up to the lock after five failures.
func (s *Server) prove(ctx context.Context, login, secret string, check secretCheck) (proven, error) {
	var p proven
	credential, err := s.findCredential(ctx, login)
	if err != nil {
		return p, err
	}
	if locked(credential, s.now()) || credential == nil && s.strangers.locked(login, s.now()) {
		return p, errLocked()
	}
	right, err := check(ctx, credential, secret, s.now())
	if err != nil {
		return p, fmt.Errorf("check a secret: %w", err)
	}
	if right {
		person, _, err := s.store.people.Get(ctx, credential.GetPerson())
		if err != nil {
			return p, fmt.Errorf("read the person of a credential: %w", err)
		}
		if person.GetState() != directoryv1.Person_DISABLED {
			return proven{credential: credential, person: person}, nil
		}
	}
	return p, s.recordFailure(ctx, login, credential)
}

// findCredential answers nil for a sign-in name nobody has.
func (s *Server) findCredential(ctx context.Context, login string) (*storagev1.Credential, error) {
	name := credentialName(login)
	if name == "" {
		return nil, nil
	}
	c, _, err := s.store.credentials.Get(ctx, name)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a credential: %w", err)
	}
	return c, nil
}

// recordFailure counts a failure, for names nobody has as well, and answers
// what the caller gets.
func (s *Server) recordFailure(ctx context.Context, login string, c *storagev1.Credential) error {
	name := c.GetName()
	if c == nil {
		s.strangers.failed(login, s.now())
		name = strangerCredential
	}
	_, _, err := s.store.credentials.Update(asService(ctx, "sign_in", ""), name, docstore.Precondition{},
		func(c *storagev1.Credential, _ docstore.Meta) (docstore.Change, error) {
			if name == strangerCredential {
				c.Failures++ // nobody's: it never locks
				return docstore.Change{Details: events("sign_in_failed")}, nil
			}
			if locked(c, s.now()) {
				return docstore.Change{}, errLocked()
			}
			countFailure(c, s.now())
			event := "sign_in_failed"
			if locked(c, s.now()) {
				event = "sign_in_locked"
			}
			return docstore.Change{Details: events(event)}, nil
		})
	if err != nil {
		return err
	}
	return errSignInFailed()
}

// begin starts a session of a proven person. change runs inside the write, on
// the credential as it is then; minted is not after the time of the token.
//
// The token is minted before the write: what ends sessions takes its time
// inside a later write, and so refuses this token too. What ended them since the
// person was read makes the write fail.
func (s *Server) begin(ctx context.Context, p proven, event string, change func(c *storagev1.Credential, minted time.Time) error) (*directoryv1.Session, error) {
	ctx = asPerson(ctx, p.person.GetName())
	person, err := s.activate(ctx, p.person)
	if err != nil {
		return nil, err
	}
	token := refreshToken{session: auth.NewSessionID(), secret: auth.NewRefreshToken(), login: person.GetLogin()}
	minted := s.now()
	session, err := s.mint(ctx, person, token)
	if err != nil {
		return nil, err
	}
	_, _, err = s.store.credentials.Update(ctx, p.credential.GetName(), docstore.Precondition{},
		func(c *storagev1.Credential, _ docstore.Meta) (docstore.Change, error) {
			if !sameInstant(c.GetNotBefore(), p.credential.GetNotBefore()) {
				return docstore.Change{}, errSignInFailed()
			}
			if err := change(c, minted); err != nil {
				return docstore.Change{}, err
			}
			beginSession(c, token.session, auth.HashToken(token.secret), s.now())
			return docstore.Change{Details: events(event)}, nil
		})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// activate marks a person who signs in for the first time.
func (s *Server) activate(ctx context.Context, p *directoryv1.Person) (*directoryv1.Person, error) {
	if p.GetState() != directoryv1.Person_INVITED {
		return p, nil
	}
	p, _, err := s.store.people.Update(ctx, p.GetName(), docstore.Precondition{},
		func(p *directoryv1.Person, _ docstore.Meta) (docstore.Change, error) {
			from := p.GetState()
			switch from {
			case directoryv1.Person_DISABLED:
				return docstore.Change{}, errSignInFailed()
			case directoryv1.Person_ACTIVE:
				return docstore.Change{}, docstore.ErrUnchanged
			}
			p.State = directoryv1.Person_ACTIVE
			return docstore.Change{From: from.String(), To: p.GetState().String()}, nil
		})
	return p, err
}

// mint makes the session a person gets.
func (s *Server) mint(ctx context.Context, p *directoryv1.Person, t refreshToken) (*directoryv1.Session, error) {
	caller, err := s.callerAs(ctx, p, t.session)
	if err != nil {
		return nil, err
	}
	token, expires, err := s.signer.UserToken(caller)
	if err != nil {
		return nil, fmt.Errorf("mint an access token: %w", err)
	}
	return &directoryv1.Session{
		AccessToken: token, ExpireTime: timestamppb.New(expires), RefreshToken: t.String(), Person: p,
	}, nil
}

// callerAs is what a token of a person says of them.
func (s *Server) callerAs(ctx context.Context, p *directoryv1.Person, session string) (auth.Caller, error) {
	predecessors, err := s.predecessors(ctx, p.GetBureau())
	if err != nil {
		return auth.Caller{}, err
	}
	return auth.Caller{
		Person:       p.GetName(),
		Region:       resource.Region(p.GetName()),
		Bureau:       p.GetBureau(),
		Predecessors: predecessors,
		LawFirm:      p.GetLawFirm(),
		Session:      session,
		Roles:        p.GetRoles(),
	}, nil
}

// CallerByLogin finds the person whom an issuer outside names by their sign-in
// name, as they are now; nobody is added for that. It is oidc.People.
func (s *Server) CallerByLogin(ctx context.Context, login string, issued time.Time) (auth.Caller, error) {
	p, err := s.provenOutside(ctx, login, issued)
	if err != nil {
		return auth.Caller{}, err
	}
	return s.callerAs(ctx, p.person, "")
}

// provenOutside is the person whom an issuer outside proved at a time. The
// credential is nil for who never signed in here. Errors: [auth.ErrUnknownPerson],
// [auth.ErrRevokedToken].
func (s *Server) provenOutside(ctx context.Context, login string, issued time.Time) (proven, error) {
	page, err := s.store.people.List(ctx, docstore.Query{Equal: map[string]any{"login": login}, PageSize: 1})
	if err != nil {
		return proven{}, fmt.Errorf("find a person by sign-in name: %w", err)
	}
	if len(page.Items) == 0 {
		return proven{}, auth.ErrUnknownPerson
	}
	credential, err := s.findCredential(ctx, login)
	if err != nil {
		return proven{}, err
	}
	p := page.Items[0]
	if p.GetState() == directoryv1.Person_DISABLED || issued.Before(credential.GetNotBefore().AsTime()) {
		return proven{}, auth.ErrRevokedToken
	}
	return proven{credential: credential, person: p}, nil
}

// BeginSession begins a session of who signed in at an issuer outside, as the
// gateway has verified. A lock is of passwords, and holds up nobody who needs none.
func (s *Server) BeginSession(ctx context.Context, r *directoryv1.BeginSessionRequest) (*directoryv1.Session, error) {
	p, err := s.provenOutside(ctx, r.GetLogin(), r.GetIssueTime().AsTime())
	switch {
	case errors.Is(err, auth.ErrUnknownPerson):
		return nil, rpc.New(codes.Unauthenticated, rpc.ReasonPersonUnknown, "该登录名尚未在本系统登记，请联系系统管理员")
	case errors.Is(err, auth.ErrRevokedToken):
		return nil, rpc.New(codes.Unauthenticated, "SIGN_IN_REVOKED", "账号已停用，或者登录已被撤销，请重新登录")
	case err != nil:
		return nil, err
	}
	if p.credential == nil {
		name := credentialName(p.person.GetLogin())
		p.credential, _, err = s.store.credentials.Create(asPerson(ctx, p.person.GetName()),
			&storagev1.Credential{Name: name, Person: p.person.GetName()}, docstore.Change{Details: events("signed_in_elsewhere")})
		if isAlreadyExists(err) {
			p.credential, _, err = s.store.credentials.Get(ctx, name)
		}
		if err != nil {
			return nil, fmt.Errorf("make a credential: %w", err)
		}
	}
	return s.begin(ctx, p, "signed_in_elsewhere", func(*storagev1.Credential, time.Time) error { return nil })
}

// RefreshSession trades a refresh token for a new session. A token that was
// traded before is in two hands, so it ends the session for both.
func (s *Server) RefreshSession(ctx context.Context, r *directoryv1.RefreshSessionRequest) (*directoryv1.Session, error) {
	have, ok := parseRefreshToken(r.GetRefreshToken())
	if !ok {
		return nil, errSessionEnded()
	}
	credential, err := s.findCredential(ctx, have.login)
	if err != nil {
		return nil, err
	}
	if credential == nil {
		return nil, errSessionEnded()
	}
	person, _, err := s.store.people.Get(ctx, credential.GetPerson())
	if err != nil {
		return nil, fmt.Errorf("read the person of a session: %w", err)
	}
	if person.GetState() == directoryv1.Person_DISABLED {
		return nil, errSessionEnded()
	}
	next := refreshToken{session: have.session, secret: auth.NewRefreshToken(), login: have.login}
	session, err := s.mint(ctx, person, next)
	if err != nil {
		return nil, err
	}
	var became refreshed
	_, _, err = s.store.credentials.Update(asPerson(ctx, person.GetName()), credential.GetName(), docstore.Precondition{},
		func(c *storagev1.Credential, _ docstore.Meta) (docstore.Change, error) {
			if !sameInstant(c.GetNotBefore(), credential.GetNotBefore()) {
				return docstore.Change{}, errSessionEnded()
			}
			switch became = rotate(c, have.session, auth.HashToken(have.secret), auth.HashToken(next.secret), s.now()); became {
			case refreshRotated:
				return docstore.Change{Details: events("session_refreshed")}, nil
			case refreshReused:
				return docstore.Change{Details: events("refresh_token_reused")}, nil
			}
			return docstore.Change{}, errSessionEnded()
		})
	if err != nil {
		return nil, err
	}
	if became == refreshReused {
		s.revocations.RevokeSession(have.session, s.now().Add(auth.UserTokenLife))
		s.logger.WarnContext(ctx, "a refresh token was used twice; the session was ended",
			"person", person.GetName(), "trace_id", rpc.TraceID(ctx))
		return nil, errSessionEnded()
	}
	return session, nil
}

// SignOut ends the caller's session.
func (s *Server) SignOut(ctx context.Context, _ *directoryv1.SignOutRequest) (*directoryv1.SignOutResponse, error) {
	caller, err := inPerson(ctx)
	if err != nil {
		return nil, err
	}
	if caller.Session == "" {
		return nil, rpc.New(codes.FailedPrecondition, "SESSION_ELSEWHERE", "登录由统一身份认证系统签发，请在该系统退出")
	}
	person, _, err := s.store.people.Get(ctx, caller.Person)
	if err != nil {
		return nil, rpc.FromStore(err, caller.Person)
	}
	_, _, err = s.store.credentials.Update(ctx, credentialName(person.GetLogin()), docstore.Precondition{},
		func(c *storagev1.Credential, _ docstore.Meta) (docstore.Change, error) {
			endSession(c, caller.Session, s.now())
			return docstore.Change{Details: events("signed_out")}, nil
		})
	if err != nil {
		return nil, rpc.FromStore(err, caller.Person)
	}
	s.revocations.RevokeSession(caller.Session, s.now().Add(auth.UserTokenLife))
	return &directoryv1.SignOutResponse{}, nil
}

// GetCaller tells who the caller is.
func (s *Server) GetCaller(ctx context.Context, _ *directoryv1.GetCallerRequest) (*directoryv1.Person, error) {
	caller, err := personOf(ctx)
	if err != nil {
		return nil, err
	}
	p, _, err := s.store.people.Get(ctx, caller.Person)
	return p, rpc.FromStore(err, caller.Person)
}

// sameInstant tells whether two times, either of which may be unset, are one.
func sameInstant(a, b *timestamppb.Timestamp) bool {
	return (a == nil) == (b == nil) && a.AsTime().Equal(b.AsTime())
}

func errSignInFailed() error {
	return rpc.New(codes.Unauthenticated, "SIGN_IN_FAILED", "登录失败：登录名、密码或者一次性代码不正确")
}

func errLocked() error {
	return rpc.New(codes.ResourceExhausted, "SIGN_IN_LOCKED", "连续失败次数过多，请在15分钟后重试")
}

func errSessionEnded() error {
	return rpc.New(codes.Unauthenticated, "SESSION_ENDED", "会话已结束，请重新登录")
}
