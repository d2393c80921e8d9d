package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// cachedTokens bounds the cache of verified tokens, a few hundred bytes each.
const cachedTokens = 4096

// Verifier checks tokens. A signature is checked once and remembered; time and
// revocation are checked on every call.
type Verifier struct {
	ring        *KeyRing
	now         func() time.Time
	parser      *jwt.Parser
	revocations *Revocations
	cache       tokenCache
	systems     *SystemKeys
	issuer      Issuer
}

// Issuer checks tokens that were issued outside.
type Issuer interface {
	// Issued tells whether a token says that it is of this issuer; it proves nothing.
	Issued(token string) bool
	// Caller tells the person of a token; its Session is empty. Errors are those of
	// [Verifier.Caller].
	Caller(ctx context.Context, token string) (Caller, error)
}

// NewVerifier makes a verifier that trusts tokens signed with one of the keys and
// refuses what is revoked.
func NewVerifier(now func() time.Time, revocations *Revocations, keys ...Key) *Verifier {
	return newVerifier(fixedRing(now, keys), revocations)
}

func newVerifier(ring *KeyRing, revocations *Revocations) *Verifier {
	return &Verifier{
		ring:        ring,
		now:         ring.now,
		revocations: revocations,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
			jwt.WithIssuer(issuer),
			jwt.WithAudience(audience),
			jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(ring.now),
			jwt.WithStrictDecoding(),
		),
		cache: tokenCache{entries: map[[sha256.Size]byte]*verified{}},
	}
}

// AcceptSystems makes the verifier take API keys of systems as well. It is called
// before the verifier is used.
func (v *Verifier) AcceptSystems(keys *SystemKeys) { v.systems = keys }

// AcceptIssuer makes the verifier take tokens of an issuer outside as well. It is
// called before the verifier is used.
func (v *Verifier) AcceptIssuer(issuer Issuer) { v.issuer = issuer }

// Caller tells for whom a credential stands: an access token of a person, ours or
// of the issuer outside, or the API key of a system. Errors: ErrInvalidToken,
// ErrExpiredToken, ErrRevokedToken, ErrUnknownPerson; any other means that it could
// not be found out.
func (v *Verifier) Caller(ctx context.Context, credential string) (Caller, error) {
	if IsSystemKey(credential) {
		if v.systems == nil {
			return Caller{}, fmt.Errorf("%w: API keys are not taken here", ErrInvalidToken)
		}
		return v.systems.Caller(ctx, credential)
	}
	if v.issuer != nil && v.issuer.Issued(credential) {
		return v.issuer.Caller(ctx, credential)
	}
	return v.User(credential)
}

// User tells the person of an access token, or for whom a service acts
// (Caller.Vouched). Errors: ErrInvalidToken,
// ErrExpiredToken, ErrRevokedToken, ErrRevocationsUnknown.
func (v *Verifier) User(token string) (Caller, error) {
	found, err := v.verify(token, useUser, useActing)
	if err != nil {
		return Caller{}, err
	}
	if !v.revocations.Known() {
		return Caller{}, ErrRevocationsUnknown
	}
	if v.revocations.Revoked(found.caller, found.issued) {
		return Caller{}, ErrRevokedToken
	}
	return found.caller, nil
}

// Service tells the service of a service token, `services/{service}`. Errors:
// ErrInvalidToken, ErrExpiredToken.
func (v *Verifier) Service(token string) (string, error) {
	found, err := v.verify(token, useService)
	if err != nil {
		return "", err
	}
	return found.service, nil
}

// verified is what a checked token says.
type verified struct {
	use     string
	caller  Caller
	service string
	issued  time.Time
	expires time.Time
}

func (v *Verifier) verify(token string, uses ...string) (*verified, error) {
	if len(token) == 0 || len(token) > maxTokenBytes {
		return nil, ErrInvalidToken
	}
	key := sha256.Sum256([]byte(token))
	found := v.cache.get(key)
	if found == nil {
		var err error
		if found, err = v.parse(token); err != nil {
			return nil, err
		}
		v.cache.put(key, found, v.now())
	}
	if !slices.Contains(uses, found.use) {
		return nil, fmt.Errorf("%w: a %s token", ErrInvalidToken, found.use)
	}
	if !v.now().Before(found.expires) {
		return nil, ErrExpiredToken
	}
	return found, nil
}

func (v *Verifier) parse(token string) (*verified, error) {
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key, ok := v.ring.public(id); ok {
			return key, nil
		}
		return nil, fmt.Errorf("unknown key %q", id)
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrExpiredToken
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	found := &verified{use: c.Use, issued: time.UnixMilli(c.IssuedMillis), expires: c.ExpiresAt.Time}
	switch c.Use {
	case useUser, useActing:
		found.caller, err = c.caller()
	case useService:
		found.service, err = c.service()
	default:
		err = fmt.Errorf("unknown use %q", c.Use)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return found, nil
}

// tokenCache remembers verified tokens by their hash, so that no token is kept
// in memory. Tokens that failed are not remembered: they would push out good ones.
type tokenCache struct {
	mu      sync.RWMutex
	entries map[[sha256.Size]byte]*verified
}

func (c *tokenCache) get(key [sha256.Size]byte) *verified {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[key]
}

// put makes room, when there is none, by dropping what has expired, and if that
// is nothing, any one entry: the cost of a wrong choice is one more signature check.
func (c *tokenCache) put(key [sha256.Size]byte, v *verified, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= cachedTokens {
		before := len(c.entries)
		for k, e := range c.entries {
			if !now.Before(e.expires) {
				delete(c.entries, k)
			}
		}
		if len(c.entries) == before {
			for k := range c.entries {
				delete(c.entries, k)
				break
			}
		}
	}
	c.entries[key] = v
}
