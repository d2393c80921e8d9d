package auth_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"fashen/internal/auth"
)

func TestOneTimeCode(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`)
	seen := map[string]bool{}
	for range 100 {
		code := auth.NewOneTimeCode()
		if !form.MatchString(code) {
			t.Fatalf("code %q", code)
		}
		if seen[code] {
			t.Fatalf("code %q twice", code)
		}
		seen[code] = true
		if auth.NormalizeCode(code) != code {
			t.Errorf("NormalizeCode changes %q", code)
		}
	}
}

func TestNormalizeCode(t *testing.T) {
	for typed, want := range map[string]string{
		"7q2m0hxaabcd1111":            "7Q2M-0HXA-ABCD-1111",
		" 7q2m 0hxa\tabcd　1111\n":     "7Q2M-0HXA-ABCD-1111",
		"7Q2M-OHXA-ABCD-lIi1":         "7Q2M-0HXA-ABCD-1111",
		"":                            "",
		"7Q2M-0HXA-ABCD-1111-":        "7Q2M-0HXA-ABCD-1111",
		strings.Repeat("-", 10) + "a": "A",
	} {
		if got := auth.NormalizeCode(typed); got != want {
			t.Errorf("NormalizeCode(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestRefreshToken(t *testing.T) {
	a, b := auth.NewRefreshToken(), auth.NewRefreshToken()
	if len(a) != 52 || a == b {
		t.Errorf("refresh tokens %q and %q", a, b)
	}
	if !bytes.Equal(auth.HashToken(a), auth.HashToken(a)) || bytes.Equal(auth.HashToken(a), auth.HashToken(b)) {
		t.Error("HashToken does not tell tokens apart")
	}
	if id := auth.NewSessionID(); len(id) != 16 || id != strings.ToLower(id) || id == auth.NewSessionID() {
		t.Errorf("session id %q", id)
	}
}
