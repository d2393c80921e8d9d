package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyRotateAddsAKey(t *testing.T) {
	data := t.TempDir()
	out, err := command(t, "", "key", "rotate", "--data", data)
	if err != nil || !strings.Contains(out, "签名密钥") {
		t.Fatalf("%q, %v", out, err)
	}
	if files, err := filepath.Glob(filepath.Join(data, "keys", "signing*.pem")); err != nil || len(files) != 2 {
		t.Errorf("keys %v, %v", files, err)
	}
}
