package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// The vector that the implementations of the Standard Webhooks specification are
// tested with.
func TestSignAsPublished(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signed %q, want %q", got, want)
	}
	if Secret(secret).String() != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("shown as %s", Secret(secret))
	}
}

func TestSignWithSeveralSecrets(t *testing.T) {
	at, body := time.Unix(1614265330, 0), []byte("{}")
	one, two := DeriveSecret([]byte("key"), "webhook", "1"), DeriveSecret([]byte("key"), "webhook", "2")
	both := strings.Fields(Sign("id", at, body, one, two))
	if len(both) != 2 || both[0] != Sign("id", at, body, one) || both[1] != Sign("id", at, body, two) || both[0] == both[1] {
		t.Errorf("signed %q", both)
	}
}

// Each name, and where it ends, makes another secret; so does another key.
func TestSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []Secret{
		DeriveSecret([]byte("key"), "ab", "c"), DeriveSecret([]byte("key"), "a", "bc"), DeriveSecret([]byte("key"), "ab", "d"),
		DeriveSecret([]byte("other"), "ab", "c"),
	} {
		if len(s) != 32 || seen[s.String()] {
			t.Errorf("secret %v comes twice, or is short", s)
		}
		seen[s.String()] = true
	}
}
