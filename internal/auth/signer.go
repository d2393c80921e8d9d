package auth

import (
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// renewBefore is how much life a cached service token must have left to be
// handed out: longer than the longest unary call.
const renewBefore = 3 * time.Minute

// Signer mints tokens: JWT signed with EdDSA, issuer and audience `fashen`.
type Signer struct {
	ring *KeyRing
	now  func() time.Time

	mu       sync.Mutex
	services map[string]minted
}

type minted struct {
	token   string
	expires time.Time
}

// NewSigner makes a signer of one key, with a clock of its own.
func NewSigner(key Key, now func() time.Time) *Signer {
	return fixedRing(now, []Key{key}).Signer()
}

// UserToken mints an access token for a person and tells when it ends
// ([UserTokenLife] from now, whole seconds). Person, Region and Session are
// required; Via is not carried.
func (s *Signer) UserToken(c Caller) (token string, expires time.Time, err error) {
	return s.userToken(c, UserTokenLife)
}

// DelegatedToken mints an access token with which c.Delegate acts in the place of
// c.Person. It ends at a time, or [UserTokenLife] from now if that is earlier.
func (s *Signer) DelegatedToken(c Caller, until time.Time) (token string, expires time.Time, err error) {
	return s.userToken(c, min(UserTokenLife, until.Sub(s.now())))
}

func (s *Signer) userToken(c Caller, life time.Duration) (token string, expires time.Time, err error) {
	claims := newClaims(useUser, c.Person, s.now(), life)
	claims.Session = c.Session
	token, err = s.callerToken(claims, c)
	return token, claims.ExpiresAt.UTC(), err
}

// ActingToken mints a token with which a service, named as in `filing`, does what
// is left of something that a caller asked of it: the person's own token may have
// ended by then. It is good for [ServiceTokenLife], beside a token of a service, since
// that one may ask others in turn, and only for RPCs that no role opens.
func (s *Signer) ActingToken(service string, c Caller) (string, error) {
	claims := newClaims(useActing, c.Person, s.now(), ServiceTokenLife)
	claims.Via = servicePrefix + service
	claims.Services = c.Services
	return s.callerToken(claims, c)
}

func (s *Signer) callerToken(claims *claims, c Caller) (string, error) {
	claims.Region = c.Region
	claims.Bureau = c.Bureau
	claims.Predecessors = c.Predecessors
	claims.LawFirm = c.LawFirm
	if c.Delegate != "" {
		claims.Act, claims.Delegation = &actor{Subject: c.Delegate}, c.Delegation
	}
	for _, role := range c.Roles {
		claims.Roles = append(claims.Roles, role.String())
	}
	if _, err := claims.caller(); err != nil {
		return "", fmt.Errorf("mint a token of %s: %w", c.Person, err)
	}
	return s.sign(claims)
}

// ServiceToken answers a token with which a service, named as in `filing`,
// proves itself. It is minted when needed and used again while it is fresh.
func (s *Signer) ServiceToken(service string) (string, error) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.services[service]; ok && have.expires.Sub(now) > renewBefore {
		return have.token, nil
	}
	claims := newClaims(useService, servicePrefix+service, now, ServiceTokenLife)
	if _, err := claims.service(); err != nil {
		return "", fmt.Errorf("mint a service token for %q: %w", service, err)
	}
	token, err := s.sign(claims)
	if err != nil {
		return "", err
	}
	s.services[service] = minted{token: token, expires: claims.ExpiresAt.Time}
	return token, nil
}

func (s *Signer) sign(c *claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	key := s.ring.signing()
	token.Header["kid"] = key.ID
	signed, err := token.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed, nil
}
