package auth_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fashen/internal/auth"
)

func TestLoadKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "token.pem")
	first, err := auth.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o, want 0600", info.Mode().Perm())
	}
	second, err := auth.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != second.ID || !first.Public.Equal(second.Public) {
		t.Error("another key was read than was made")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestLoadKeyTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.pem")
	ids := make([]string, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			key, err := auth.LoadKey(path)
			if err != nil {
				t.Error(err)
			}
			ids[i] = key.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("processes that start together have keys %q", ids)
		}
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.pem")
	if _, err := auth.LoadKey(good); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		mode os.FileMode
		want string
	}{
		"readable by all":   {data, 0o644, "mode 0644"},
		"writable by group": {data, 0o620, "mode 0620"},
		"not PEM":           {[]byte("hello"), 0o600, "not PEM"},
		"half a key":        {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600, "signing key"},
	} {
		path := filepath.Join(t.TempDir(), "token.pem")
		if err := os.WriteFile(path, c.data, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.LoadKey(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

// exportKey answers the private half of a key by way of a file, the only way out.
func exportKey(t *testing.T, key auth.Key) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.pem")
	if err := key.Save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private := parsed.(ed25519.PrivateKey)
	return private.Public().(ed25519.PublicKey), private
}

func privateOf(t *testing.T, key auth.Key) ed25519.PrivateKey {
	_, private := exportKey(t, key)
	return private
}
