package intake

import (
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"

	"fashen/internal/policytext"
)

func chunks(parts ...string) func() ([]byte, bool, error) {
	return func() ([]byte, bool, error) {
		if len(parts) == 0 {
			return nil, false, io.EOF
		}
		next := parts[0]
		parts = parts[1:]
		return []byte(next), next != "not a chunk", nil
	}
}

// A file comes in whole, or the room it took is free again.
func TestReceive(t *testing.T) {
	d := New(Options{Texts: policytext.Reader{Limits: policytext.DefaultLimits()}, FileBytes: 8, IntakeBytes: 12, Readings: 1})
	data, release, err := d.Receive("a", chunks("1234", "5678"))
	must(t, err)
	if string(data) != "12345678" {
		t.Errorf("received %q", data)
	}
	_, _, err = d.Receive("b", chunks("12345"))
	wantCode(t, err, codes.ResourceExhausted, "UPLOADS_BUSY")
	release()
	_, _, err = d.Receive("b", chunks("1234", "56789"))
	wantCode(t, err, codes.InvalidArgument, "TOO_LARGE")
	_, _, err = d.Receive("b", chunks("not a chunk"))
	wantCode(t, err, codes.InvalidArgument, "CHUNK_REQUIRED")
	if d.room.bytes != 0 || len(d.room.uploads) != 0 {
		t.Errorf("%d bytes and %v are still counted", d.room.bytes, d.room.uploads)
	}
}

// A file with a mark of secrecy is named by its hash and by nothing of its content.
func TestReadRefusesSecrets(t *testing.T) {
	d := New(Options{Texts: policytext.Reader{Limits: policytext.DefaultLimits()}, FileBytes: 1 << 20, IntakeBytes: 1 << 20, Readings: 1})
	secret := []byte("机密★10年\n示例办法\n第一条 示例。\n")
	_, err := d.Read(t.Context(), secret)
	var classified *ClassifiedError
	if !errors.As(err, &classified) || classified.Refusal().Metadata["file_sha256"] != Hash(secret) {
		t.Fatalf("a secret: %v", err)
	}
	if _, err := d.Read(t.Context(), []byte("示例办法\n第一条 示例。\n")); err != nil {
		t.Errorf("no secret: %v", err)
	}
	_, err = d.Read(t.Context(), nil)
	if err == nil {
		t.Error("nothing at all is a file")
	}
}
