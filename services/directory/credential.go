package directory

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
)

// Rules of credentials. They are pure: times come in.
const (
	// maxFailures in a row lock a sign-in name for lockout.
	maxFailures = 5
	lockout     = 15 * time.Minute
	// codeLife is how long a one-time code is good.
	codeLife = 7 * 24 * time.Hour
	// refreshLife is how long a refresh token is good.
	refreshLife = 12 * time.Hour
	// maxSessions of a person live side by side; the oldest is not renewed.
	maxSessions = 10
	// maxRevoked sessions are listed one by one; more end all of a person's.
	maxRevoked = 100
)

var loginForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,39}$`)

// strangerCredential takes the failures of sign-in names nobody has. No
// sign-in name is so written.
const strangerCredential = "credentials/0"

// credentialName is the key of a credential; empty for what cannot be a
// sign-in name.
func credentialName(login string) string {
	if !loginForm.MatchString(login) {
		return ""
	}
	return "credentials/" + login
}

// locked tells whether sign-in is refused for now.
func locked(c *storagev1.Credential, now time.Time) bool {
	return c.GetLockedUntil() != nil && now.Before(c.GetLockedUntil().AsTime())
}

// countFailure adds one failure, and locks at the fifth in a row.
func countFailure(c *storagev1.Credential, now time.Time) {
	if c.Failures++; c.Failures >= maxFailures {
		c.Failures = 0
		c.LockedUntil = timestamppb.New(now.Add(lockout))
	}
}

// goodCode is the hash of the one-time code while it is good.
func goodCode(c *storagev1.Credential, now time.Time) string {
	if c.GetCodeExpireTime() == nil || !now.Before(c.GetCodeExpireTime().AsTime()) {
		return ""
	}
	return c.GetCodeHash()
}

// hashCode is how a one-time code is kept. A code is 80 random bits, which no
// guessing of hashes finds, so it needs no slow hash as a chosen password does.
func hashCode(code string) string { return hex.EncodeToString(auth.HashToken(code)) }

// issueCode puts a new one-time code in the place of an earlier one, lifts a
// lock and ends all sessions.
func issueCode(c *storagev1.Credential, hash string, now time.Time) []string {
	c.CodeHash = hash
	c.CodeExpireTime = timestamppb.New(now.Add(codeLife))
	c.Failures, c.LockedUntil = 0, nil
	return endSessions(c, now)
}

// setPassword consumes the one-time code and ends all sessions.
func setPassword(c *storagev1.Credential, hash string, now time.Time) []string {
	c.PasswordHash = hash
	c.CodeHash, c.CodeExpireTime = "", nil
	return endSessions(c, now)
}

// wipe leaves nothing to sign in with.
func wipe(c *storagev1.Credential, now time.Time) []string {
	ended := setPassword(c, "", now)
	c.Failures, c.LockedUntil = 0, nil
	return ended
}

// beginSession clears failures and adds the refresh token of a new session.
func beginSession(c *storagev1.Credential, session string, hash []byte, now time.Time) {
	c.Failures, c.LockedUntil = 0, nil
	prune(c, now)
	if extra := len(c.RefreshTokens) - (maxSessions - 1); extra > 0 {
		c.RefreshTokens = slices.Delete(c.RefreshTokens, 0, extra)
	}
	c.RefreshTokens = append(c.RefreshTokens, &storagev1.RefreshToken{
		Session: session, Hash: hash, ExpireTime: timestamppb.New(now.Add(refreshLife)),
	})
}

// refreshed is what became of a refresh token that was presented.
type refreshed int

const (
	// refreshUnknown: no such session, or its time is over.
	refreshUnknown refreshed = iota
	// refreshReused: the session has moved on to another token, so two hold it;
	// the session was ended.
	refreshReused
	// refreshRotated: the token was replaced by the next one.
	refreshRotated
)

// rotate replaces the refresh token of a session by the next one.
func rotate(c *storagev1.Credential, session string, hash, next []byte, now time.Time) refreshed {
	prune(c, now)
	for _, t := range c.RefreshTokens {
		if t.GetSession() != session {
			continue
		}
		if subtle.ConstantTimeCompare(t.GetHash(), hash) != 1 {
			endSession(c, session, now)
			return refreshReused
		}
		t.Hash = bytes.Clone(next)
		t.ExpireTime = timestamppb.New(now.Add(refreshLife))
		return refreshRotated
	}
	return refreshUnknown
}

// endSession drops the refresh token of a session and refuses its access
// tokens while they live.
func endSession(c *storagev1.Credential, session string, now time.Time) {
	prune(c, now)
	c.RefreshTokens = slices.DeleteFunc(c.RefreshTokens, func(t *storagev1.RefreshToken) bool {
		return t.GetSession() == session
	})
	if slices.ContainsFunc(c.RevokedSessions, func(r *storagev1.RevokedSession) bool { return r.GetSession() == session }) {
		return
	}
	if len(c.RevokedSessions) >= maxRevoked {
		endSessions(c, now)
		return
	}
	c.RevokedSessions = append(c.RevokedSessions, &storagev1.RevokedSession{
		Session: session, ExpireTime: timestamppb.New(now.Add(auth.UserTokenLife)),
	})
}

// endSessions ends every session of a person and answers those that could be
// renewed.
func endSessions(c *storagev1.Credential, now time.Time) []string {
	var ended []string
	for _, t := range c.RefreshTokens {
		ended = append(ended, t.GetSession())
	}
	c.NotBefore = timestamppb.New(now)
	c.RefreshTokens, c.RevokedSessions = nil, nil
	return ended
}

// prune drops what time has made void.
func prune(c *storagev1.Credential, now time.Time) {
	c.RefreshTokens = slices.DeleteFunc(c.RefreshTokens, func(t *storagev1.RefreshToken) bool {
		return !now.Before(t.GetExpireTime().AsTime())
	})
	c.RevokedSessions = slices.DeleteFunc(c.RevokedSessions, func(r *storagev1.RevokedSession) bool {
		return !now.Before(r.GetExpireTime().AsTime())
	})
}

// refreshToken is what a person holds to renew a session: the session, 256
// random bits, and the sign-in name under which to look.
type refreshToken struct{ session, secret, login string }

// String is the token as it is handed out.
func (t refreshToken) String() string { return t.session + "." + t.secret + "." + t.login }

// parseRefreshToken reads a token as it was handed out.
func parseRefreshToken(s string) (refreshToken, bool) {
	session, rest, ok := strings.Cut(s, ".")
	secret, login, ok2 := strings.Cut(rest, ".")
	return refreshToken{session: session, secret: secret, login: login},
		ok && ok2 && session != "" && secret != "" && credentialName(login) != ""
}
