package e2e

import (
	"bytes"
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
)

// mint makes a token with the key of the process: for sessions that a test ends,
// and for people of a region that has none.
func (w *world) mint(t *testing.T, person string, roles ...corev1.Role) string {
	t.Helper()
	key, err := auth.LoadKey(filepath.Join(w.config.DataDir, "keys", "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Join(strings.Split(person, "/")[:2], "/")
	value, _, err := auth.NewSigner(key, w.clock.time).UserToken(auth.Caller{
		Person: person, Region: at, Bureau: at + "/bureaus/" + absentID, Roles: roles, Session: auth.NewSessionID(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// forged is a drafter's token whose bearer made themselves a reviewer.
func (w *world) forged(t *testing.T) string {
	t.Helper()
	parts := strings.Split(w.as(t, "drafter"), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	changed := bytes.ReplaceAll(claims, []byte("ROLE_DRAFTER"), []byte("ROLE_REVIEWER"))
	if err != nil || bytes.Equal(claims, changed) {
		t.Fatalf("claims %s: %v", claims, err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(changed)
	return strings.Join(parts, ".")
}

// What is served is what is declared, no more and no less; and no token but the
// process's own opens anything.
func TestAccessTokens(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, configure(t), "grpc", "2026-04-08")
			checkServed(t, w)
			checkForgeries(t, w)
		})
	}
}

func checkServed(t *testing.T, w *world) {
	t.Helper()
	var served, declared []string
	for _, conn := range w.client.(overGRPC).all() {
		served = append(served, servedAt(t, conn)...)
	}
	for _, m := range methods() {
		declared = append(declared, string(m.Parent().FullName()))
	}
	slices.Sort(served)
	served = slices.Compact(served) // services of core are served by each
	if declared = slices.Compact(declared); !slices.Equal(served, declared) {
		t.Errorf("served are %v, declared are %v", served, declared)
	}
}

// servedAt are the services of a server, by reflection.
func servedAt(t *testing.T, conn grpc.ClientConnInterface) (served []string) {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range answer.GetListServicesResponse().GetService() {
		if !strings.HasPrefix(s.GetName(), "grpc.") {
			served = append(served, s.GetName())
		}
	}
	return served
}

func checkForgeries(t *testing.T, w *world) {
	t.Helper()
	own, err := auth.LoadKey(filepath.Join(w.config.DataDir, "keys", "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	stolen.ID = own.ID
	foreign := auth.NewSigner(stolen, w.clock.time)
	ofAnotherKey, _, err := foreign.UserToken(auth.Caller{
		Person: w.people["reviewer"], Region: region, Session: auth.NewSessionID(), Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER},
	})
	if err != nil {
		t.Fatal(err)
	}
	service, err := auth.NewSigner(own, w.clock.time).ServiceToken("filing")
	if err != nil {
		t.Fatal(err)
	}
	foreignService, err := foreign.ServiceToken("filing")
	if err != nil {
		t.Fatal(err)
	}
	good := w.as(t, "reviewer")
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	verdict := &counselv1.GetVerdictRequest{Subject: region + "/documents/" + absentID, VersionDigest: strings.Repeat("0", 64)}
	// A service's token is good from a process with a certificate, and no other way.
	from, both := w.client, codes.Unauthenticated
	if w.replicas > 0 {
		from, both = w.processes.asPeer(t), codes.OK
	}
	for name, c := range map[string]struct {
		user, service string
		want          codes.Code
	}{
		"a good one, for comparison":  {good, "", codes.PermissionDenied},
		"both good, for comparison":   {good, service, both},
		"of another key":              {ofAnotherKey, service, codes.Unauthenticated},
		"unsigned":                    {none + "." + parts[1] + ".", service, codes.Unauthenticated},
		"without a signature":         {parts[0] + "." + parts[1] + ".", service, codes.Unauthenticated},
		"changed":                     {w.forged(t), service, codes.Unauthenticated},
		"a service as a person":       {service, service, codes.Unauthenticated},
		"no person at all":            {"", service, codes.Unauthenticated},
		"a person as a service":       {good, good, codes.Unauthenticated},
		"a service of another key":    {good, foreignService, codes.Unauthenticated},
		"a service that names itself": {good, "services/filing", codes.Unauthenticated},
	} {
		ctx := t.Context()
		if c.service != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, auth.MetadataService, c.service)
		}
		f := from.call(ctx, c.user, counselService+"GetVerdict", verdict, &counselv1.Verdict{})
		if got := codeOf(f); got != c.want {
			t.Errorf("%s: %v, want %v", name, f, c.want)
		}
		if f := w.call(ctx, c.user, counselService+"GetVerdict", verdict, &counselv1.Verdict{}); c.service != "" && codeOf(f) != codes.Unauthenticated {
			t.Errorf("%s, from outside: %v", name, f)
		}
	}
}
