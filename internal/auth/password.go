package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What a hash costs: the second choice of the OWASP password storage recommendations,
// 19 MiB and two passes.
var (
	argonMemory uint32 = 19 * 1024 // KiB
	argonTime   uint32 = 2
)

// The other parameters of argon2id.
const (
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Bounds on the parameters of a stored hash, so that a damaged one cannot make
// the server take gigabytes.
const (
	argonMaxMemory = 256 * 1024
	argonMaxTime   = 16
)

// hashing bounds how many hashes are computed at once in this process: each
// takes 19 MiB and a processor for some 20 ms, and sign-in is open to anyone.
var hashing = make(chan struct{}, 2)

// CheapPasswords has hashes cost next to nothing, for tests of whole processes, in which
// thousands of people set and give a password. Called once, before there is any hash; it
// panics in a program that is no test.
func CheapPasswords() {
	if !testing.Testing() {
		panic("auth: cheap passwords outside a test")
	}
	argonMemory, argonTime = 8*argonThreads, 1
}

// HashPassword makes the argon2id hash of a password or one-time code in PHC
// form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. It waits for its turn; the error
// is that of ctx.
func HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := derive(ctx, password, salt, argonTime, argonMemory, argonThreads, argonKey)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// VerifyPassword tells whether a password is the one of the hash. An empty hash
// matches nothing but takes as long as any, so that time does not tell whether a
// sign-in name exists. Errors: that of ctx, or a hash that cannot be read.
func VerifyPassword(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		_, err := derive(ctx, password, make([]byte, argonSalt), argonTime, argonMemory, argonThreads, argonKey)
		return false, err
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	key, err := derive(ctx, password, p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

func derive(ctx context.Context, password string, salt []byte, passes, memory uint32, threads uint8, size uint32) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case hashing <- struct{}{}:
		defer func() {
			<-hashing
			scratch.later()
		}()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, threads, size), nil
}

// scratch gives the memory of hashes back to the system once nobody signs in: the
// collector alone would keep the large blocks for minutes.
var scratch = &sweeper{rest: 2 * time.Second, sweep: debug.FreeOSMemory}

// sweeper sweeps once after a rest without calls of later.
type sweeper struct {
	rest  time.Duration
	sweep func()
	mu    sync.Mutex
	timer *time.Timer
}

func (s *sweeper) later() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		s.timer = time.AfterFunc(s.rest, s.sweep)
		return
	}
	s.timer.Reset(s.rest)
}

type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(hash string) (phc, error) {
	var p phc
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, errors.New("auth: stored hash is not argon2id")
	}
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads)
	var err3, err4 error
	p.salt, err3 = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, err4 = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return p, fmt.Errorf("auth: stored hash is damaged: %w", err)
	}
	switch {
	case version != argon2.Version, p.threads == 0, p.time == 0, p.time > argonMaxTime,
		p.memory == 0, p.memory > argonMaxMemory, len(p.salt) < 8, len(p.key) < 16:
		return p, errors.New("auth: stored hash has unusable parameters")
	}
	return p, nil
}

// Bounds of the password policy.
const (
	minPassword = 10
	maxPassword = 200
)

// WeakPassword says why a password is refused: a stable code and a sentence in
// Chinese.
type WeakPassword struct{ Reason, Message string }

// Error is the code and the sentence.
func (w *WeakPassword) Error() string { return w.Reason + ": " + w.Message }

// CheckPassword applies the policy: 10 to 200 characters of at least three kinds
// (upper case, lower case, digits, others), not holding the sign-in name. The
// error is a *WeakPassword.
func CheckPassword(password, login string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || length > maxPassword:
		return &WeakPassword{"PASSWORD_TOO_LONG", "密码不得超过200个字符"}
	case length < minPassword:
		return &WeakPassword{"PASSWORD_TOO_SHORT", "密码至少10个字符"}
	case kinds(password) < 3:
		return &WeakPassword{"PASSWORD_TOO_SIMPLE", "密码须包含大写字母、小写字母、数字、其他字符中的至少三类"}
	case login != "" && strings.Contains(strings.ToLower(password), strings.ToLower(login)):
		return &WeakPassword{"PASSWORD_CONTAINS_LOGIN", "密码不得包含登录名"}
	}
	return nil
}

func kinds(password string) int {
	var upper, lower, digit, other int
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return upper + lower + digit + other
}
