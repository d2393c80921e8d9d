package docstore

import (
	"errors"
	"testing"
)

func TestTokens(t *testing.T) {
	keys := newTokens([]byte("key"))
	list := []byte("a list")
	for _, at := range []Position{
		{Value: "", Name: "regions/1/papers/a"}, {Value: "第一条\x00", Name: "a"}, {Value: int64(-1 << 63), Name: ""}, {Value: int64(1 << 62), Name: "𠮷"},
	} {
		token := keys.seal(list, at)
		got, err := keys.open(list, token)
		if err != nil || got != at {
			t.Errorf("%+v came back as %+v: %v", at, got, err)
		}
		if _, err := keys.open([]byte("another list"), token); !errors.Is(err, ErrPageToken) {
			t.Errorf("another list: %v", err)
		}
		if _, err := newTokens([]byte("another key")).open(list, token); !errors.Is(err, ErrPageToken) {
			t.Errorf("another key: %v", err)
		}
		if _, err := newTokens(nil).open(list, token); !errors.Is(err, ErrPageToken) {
			t.Errorf("a key of the process: %v", err)
		}
	}
}

// FuzzPageToken: no text but the token itself is taken, and none crashes.
func FuzzPageToken(f *testing.F) {
	keys := newTokens([]byte("key"))
	list := []byte("a list")
	at := Position{Value: int64(7), Name: "regions/1/papers/a"}
	f.Add(keys.seal(list, at))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := keys.open(list, token)
		if err != nil && !errors.Is(err, ErrPageToken) {
			t.Fatalf("error %v", err)
		}
		if err == nil && got != at {
			t.Fatalf("%q was taken for %+v", token, got)
		}
		// Whoever had the key could not crash the decoder either.
		_, _ = decodePosition([]byte(token))
	})
}
