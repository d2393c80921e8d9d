package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"

	"fashen/internal/auth"
)

func TestPassword(t *testing.T) {
	ctx := context.Background()
	const password = "示例-Sample-2026"
	hash, err := auth.HashPassword(ctx, password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q is not in PHC form with the stated parameters", hash)
	}
	if strings.Contains(hash, password) {
		t.Error("the hash holds the password")
	}
	again, _ := auth.HashPassword(ctx, password)
	if again == hash {
		t.Error("two hashes of one password are equal: no salt")
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, password, true},
		{hash, password + " ", false},
		{hash, "", false},
		{"", password, false},
		{"", "", false},
	} {
		got, err := auth.VerifyPassword(ctx, c.hash, c.password)
		if err != nil || got != c.want {
			t.Errorf("VerifyPassword(%.12q…, %q) = %v, %v, want %v", c.hash, c.password, got, err, c.want)
		}
	}
}

// A hash with other parameters than today's still verifies: parameters may grow.
func TestPasswordOtherParameters(t *testing.T) {
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	hash := "$argon2id$v=19$m=64,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte("示例"), salt, 1, 64, 1, 24))
	for password, want := range map[string]bool{"示例": true, "例示": false} {
		if got, err := auth.VerifyPassword(context.Background(), hash, password); err != nil || got != want {
			t.Errorf("VerifyPassword(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
}

func TestDamagedHashes(t *testing.T) {
	for _, hash := range []string{
		"plain",
		"$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=0$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=1$!$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
	} {
		if ok, err := auth.VerifyPassword(context.Background(), hash, "x"); ok || err == nil {
			t.Errorf("VerifyPassword(%q) = %v, %v, want an error", hash, ok, err)
		}
	}
}

func TestHashingGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := auth.HashPassword(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("HashPassword after the caller left: %v", err)
	}
	if _, err := auth.VerifyPassword(ctx, "", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("VerifyPassword after the caller left: %v", err)
	}
}

// More sign-ins at once than may hash at once all get their answer.
func TestHashingTogether(t *testing.T) {
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if _, err := auth.HashPassword(context.Background(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct{ password, login, reason string }{
		{"Abcdef1234", "li", ""},
		{"abcdef123!", "li", ""},
		{"密码密码密码密Aa1", "li", ""},
		{"Abcdef123", "li", "PASSWORD_TOO_SHORT"},
		{"abcdefgh12", "li", "PASSWORD_TOO_SIMPLE"},
		{"ABCDEFGH!!", "li", "PASSWORD_TOO_SIMPLE"},
		{"Zhang.San-2026", "zhang.san", "PASSWORD_CONTAINS_LOGIN"},
		{strings.Repeat("Aa1!", 51), "li", "PASSWORD_TOO_LONG"},
		{"Abcdef1234\xff", "li", "PASSWORD_TOO_LONG"},
	} {
		var weak *auth.WeakPassword
		err := auth.CheckPassword(c.password, c.login)
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("CheckPassword(%q) = %v", c.password, err)
		case c.reason != "" && (!errors.As(err, &weak) || weak.Reason != c.reason || weak.Message == ""):
			t.Errorf("CheckPassword(%q) = %v, want %s", c.password, err, c.reason)
		}
	}
}
