package auth

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	corev1 "fashen/gen/fashen/core/v1"
)

// Lifetimes of tokens.
const (
	// UserTokenLife is how long an access token of a person is good.
	UserTokenLife = 30 * time.Minute
	// ServiceTokenLife is how long a token of a service is good.
	ServiceTokenLife = 5 * time.Minute
)

// Metadata keys that carry tokens.
const (
	// MetadataUser holds `Bearer <token>` of the person.
	MetadataUser = "authorization"
	// MetadataService holds the token of the calling service, without a scheme.
	MetadataService = "x-fashen-service"
)

const (
	issuer   = "fashen"
	audience = "fashen"
	// maxTokenBytes bounds what is parsed at all; a token of ours has about 500.
	maxTokenBytes = 4096
	servicePrefix = "services/"
)

// Errors of a Verifier. Causes stay wrapped and are for logs only.
var (
	// ErrInvalidToken: not a token of ours, or not for this use.
	ErrInvalidToken = errors.New("auth: invalid token")
	// ErrExpiredToken: a token of ours whose time is over.
	ErrExpiredToken = errors.New("auth: token expired")
	// ErrRevokedToken: its session was ended, or the person's tokens were revoked.
	ErrRevokedToken = errors.New("auth: token revoked")
	// ErrUnknownPerson: a good token of an issuer outside, for somebody the
	// directory does not know.
	ErrUnknownPerson = errors.New("auth: person unknown")
)

// claims is the payload of our tokens (RFC 7519). The use of a token is part of
// it, so that a service token never passes for a person's and the other way round.
type claims struct {
	jwt.RegisteredClaims

	Use string `json:"use"`
	// IssuedMillis is `iat` to the millisecond: revocation compares it, and a
	// person signs in again within the second of a revocation.
	IssuedMillis int64    `json:"iat_ms"`
	Session      string   `json:"sid,omitempty"`
	Region       string   `json:"region,omitempty"`
	Bureau       string   `json:"bureau,omitempty"`
	Predecessors []string `json:"predecessors,omitempty"`
	LawFirm      string   `json:"law_firm,omitempty"`
	Roles        []string `json:"roles,omitempty"`
	// Services and Via are those of an acting token; see [Signer.ActingToken].
	Services []string `json:"services,omitempty"`
	Via      string   `json:"via,omitempty"`
	// Act is who acts in the subject's place (RFC 8693), by the Delegation.
	Act        *actor `json:"act,omitempty"`
	Delegation string `json:"delegation,omitempty"`
}

// actor is the value of the claim `act`.
type actor struct {
	Subject string `json:"sub"`
}

const (
	useUser    = "user"
	useService = "service"
	useActing  = "acting"
)

func newClaims(use, subject string, now time.Time, life time.Duration) *claims {
	return &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Audience:  jwt.ClaimStrings{audience},
			Subject:   subject,
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(life)),
		},
		Use:          use,
		IssuedMillis: now.UnixMilli(),
	}
}

// caller turns the claims of a user token into a Caller. A role this server
// does not know is refused: dropping it would show less than the person has, and
// hide that two versions of the system disagree.
func (c *claims) caller() (Caller, error) {
	if c.Subject == "" || c.Region == "" || c.IssuedMillis == 0 || (c.Session == "") == (c.Use == useUser) || (c.Via == "") == (c.Use == useActing) {
		return Caller{}, errors.New("claims are incomplete")
	}
	roles := make([]corev1.Role, len(c.Roles))
	for i, name := range c.Roles {
		number, ok := corev1.Role_value[name]
		if !ok || number == 0 {
			return Caller{}, errors.New("unknown role " + name)
		}
		roles[i] = corev1.Role(number)
	}
	caller := Caller{
		Person:       c.Subject,
		Region:       c.Region,
		Bureau:       c.Bureau,
		Predecessors: c.Predecessors,
		LawFirm:      c.LawFirm,
		Session:      c.Session,
		Roles:        roles,
		Services:     c.Services,
		Vouched:      c.Via,
	}
	if c.Act != nil {
		caller.Delegate, caller.Delegation = c.Act.Subject, c.Delegation
	}
	if (c.Act == nil) != (c.Delegation == "") || c.Act != nil && (c.Act.Subject == "" || c.Act.Subject == c.Subject) {
		return Caller{}, errors.New("claims do not tell who acts by what delegation")
	}
	return caller, nil
}

// service tells the service of a service token.
func (c *claims) service() (string, error) {
	name, ok := strings.CutPrefix(c.Subject, servicePrefix)
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", errors.New("subject is not a service")
	}
	return c.Subject, nil
}
