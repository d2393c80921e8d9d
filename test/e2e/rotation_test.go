package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
)

// The signing key is changed while the process serves: tokens of before live on to
// their end, and those of after are of the new key.
func TestKeyRotation(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, configure(t), "grpc", "2026-04-08")
			mint := func() string {
				t.Helper()
				s := &directoryv1.Session{}
				in := &directoryv1.SignInRequest{Login: "drafter", Password: password}
				if f := w.call(t.Context(), "", sessionService+"SignIn", in, s); f != nil {
					t.Fatal(f)
				}
				return s.GetAccessToken()
			}
			header := func(token string) string { return strings.Split(token, ".")[0] }
			good := func(what, token string) {
				t.Helper()
				if f := w.call(t.Context(), token, sessionService+"GetCaller", &directoryv1.GetCallerRequest{}, &directoryv1.Person{}); f != nil {
					t.Errorf("%s: %v", what, f)
				}
			}
			before := mint()
			if _, err := auth.RotateKey(filepath.Join(w.config.DataDir, "keys"), w.clock.time()); err != nil {
				t.Fatal(err)
			}
			if at := mint(); header(at) != header(before) {
				t.Error("a key signs before others can have seen it")
			}
			w.clock.later(2 * time.Minute)
			after := mint()
			if header(after) == header(before) {
				t.Error("the new key does not sign")
			}
			good("signed in before", before)
			good("signed in after", after)
			w.stop(t)
			w.start(t)
			w.reach(t, "grpc")
			good("signed in before, after a restart", before)
			good("signed in after, after a restart", after)
		})
	}
}
