package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

const (
	sessionService = "fashen.directory.v1.SessionService/"
	systemService  = "fashen.directory.v1.SystemService/"
	intentService  = "fashen.core.v1.IntentService/"
	// registerService keeps the register of counsel.
	registerService = "fashen.counsel.v1.RegisterService/"
	// elsewhere is a region nobody of the sample works in.
	elsewhere = "regions/120101"
	// absentID has the shape of an id that the server makes, and is nobody's.
	absentID = "00000000000000000000000000"
	// otherFirm is a law firm that is no party to anything.
	otherFirm = "示例其他律师事务所"
)

// caller is a column of the table: the sign-in name and the role of the person
// behind it. Nobody and forged have none.
type caller struct {
	column, login string
	role          corev1.Role
}

// callers are the columns in the order of the table.
var callers = []caller{
	{"drafter", "drafter", corev1.Role_ROLE_DRAFTER},
	{"stranger", "drafter2", corev1.Role_ROLE_DRAFTER},
	{"reviewer", "reviewer", corev1.Role_ROLE_REVIEWER},
	{"counsel", "counsel-idle", corev1.Role_ROLE_COUNSEL},
	{"assigned", "counsel", corev1.Role_ROLE_COUNSEL},
	{"regulator", "regulator", corev1.Role_ROLE_MARKET_REGULATOR},
	{"office", "office", corev1.Role_ROLE_GENERAL_OFFICE},
	{"sysadmin", "sysadmin", corev1.Role_ROLE_SYSTEM_ADMINISTRATOR},
	{"secadmin", "secadmin", corev1.Role_ROLE_SECURITY_ADMINISTRATOR},
	{"secauditor", "secauditor", corev1.Role_ROLE_SECURITY_AUDITOR},
	{"nobody", "", corev1.Role_ROLE_UNSPECIFIED},
	{"forged", "", corev1.Role_ROLE_UNSPECIFIED},
}

// row is one line of the table: what each caller gets for one request, and what
// those who are let in are answered.
type row struct {
	method, request, answer string
	want                    map[string]string
}

func (r row) key() string {
	if r.request == "-" {
		return r.method
	}
	return r.method + " " + r.request
}

// readMatrix reads the table and holds it against the callers and every RPC there
// is: nothing may be missing on either side.
func readMatrix(t *testing.T) []row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "matrix.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"rpc", "request", "answer"}
	for _, c := range callers {
		columns = append(columns, c.column)
	}
	var rows []row
	seen, head := map[string]bool{}, false
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		cells := strings.Split(line, "\t")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case !head:
			if head = true; !slices.Equal(cells, columns) {
				t.Fatalf("line %d: columns %v, want %v", i+1, cells, columns)
			}
			continue
		case len(cells) != len(columns):
			t.Fatalf("line %d has %d cells, want %d", i+1, len(cells), len(columns))
		}
		r := row{method: cells[0], request: cells[1], answer: cells[2], want: map[string]string{}}
		for j, c := range callers {
			if r.want[c.column] = cells[j+3]; !slices.Contains([]string{"ok", "denied", "hidden", "unauth"}, cells[j+3]) {
				t.Errorf("line %d: %q for %s", i+1, cells[j+3], c.column)
			}
		}
		if seen[r.key()] {
			t.Errorf("line %d: %s is there twice", i+1, r.key())
		}
		seen[r.key()], seen[r.method] = true, true
		rows = append(rows, r)
	}
	for _, m := range methods() {
		if name := nameOf(m); !seen[name] {
			t.Errorf("%s has no row in the table", name)
		}
	}
	for n := range corev1.Role_name {
		role := corev1.Role(n)
		held := slices.ContainsFunc(callers, func(c caller) bool { return c.role == role })
		if !held {
			t.Errorf("no column is a holder of %v", role)
		}
	}
	return rows
}

func (w *world) tokenOf(t *testing.T, column, login string, r row) string {
	t.Helper()
	switch {
	case column == "forged":
		return w.forged(t)
	case login == "":
		return ""
	case r.method == sessionService+"SignOut":
		return w.mint(t, w.people[login])
	}
	return w.as(t, login)
}

// outcome is the class of an answer, as the table names them.
func outcome(f *failure) string {
	switch {
	case f == nil:
		return "ok"
	case f.code == codes.Unauthenticated:
		return "unauth"
	case f.code == codes.PermissionDenied:
		return "denied"
	case f.code == codes.NotFound:
		return "hidden"
	case slices.Contains([]codes.Code{codes.FailedPrecondition, codes.InvalidArgument, codes.Aborted, codes.AlreadyExists}, f.code):
		return "ok"
	}
	return f.code.String()
}

// answers tells whether a caller who was let in got the answer the table names.
func answers(f *failure, answer string) bool {
	if f == nil {
		return answer == "success"
	}
	return f.reason == answer || slices.Contains(f.refusals, answer) || slices.Contains(f.fields, answer)
}

var statusOf = map[string]int{"unauth": http.StatusUnauthorized, "denied": http.StatusForbidden, "hidden": http.StatusNotFound}

// serviceOnly are the RPCs between services; REST does not carry them.
var serviceOnly = []string{
	identityService + "CheckApiKey", identityService + "CheckLogin", identityService + "WatchRevocations",
	sessionService + "BeginSession",
	filingService + "SetDocumentViewer", counselService + "OpenCase", counselService + "GetVerdict", counselService + "CertifyVerdict", counselService + "WithdrawCertificate",
}

// anyRegion are the RPCs whose request names no region, or one of any.
var anyRegion = []string{
	sessionService + "SignIn", sessionService + "ActivateSignIn", sessionService + "RefreshSession", sessionService + "GetCaller",
	sessionService + "SignOut", directoryService + "CreateRegion", directoryService + "GetRegion", directoryService + "ListRegions",
	directoryService + "ImportCalendar", directoryService + "GetCalendar", directoryService + "ListCalendars",
	letterService + "VerifyLetter", competitionService + "GetRuleSet", competitionService + "ListRuleSets", competitionService + "ListStatutes",
}

// Every RPC as every role, as a stranger, as nobody and with a forged token, over
// both protocols, against the table. What is hidden is answered as what does not
// exist, and what is let in is hidden across regions, both ways.
func TestMatrix(t *testing.T) {
	rows := readMatrix(t)
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := configure(t)
			toLoopback(&c)
			withFonts(t)(&c)
			w := newWorld(t, c, "grpc", "2026-04-08")
			n, asks := prepareMatrix(t, w), requests(t)
			rest := w.rest()
			for _, r := range rows {
				ask, ok := asks[r.key()]
				if !ok {
					t.Errorf("no request is made for %s", r.key())
					continue
				}
				delete(asks, r.key())
				drive(t, w, w.client, r, ask, n)
				if !slices.Contains(serviceOnly, r.method) {
					drive(t, w, rest, r, ask, n)
				}
			}
			for key := range maps.Keys(asks) {
				t.Errorf("a request is made for %s, which has no row", key)
			}
		})
	}
}

// drive makes one request as every caller.
func drive(t *testing.T, w *world, c client, r row, ask ask, n names) {
	t.Helper()
	for _, who := range callers {
		want, label := r.want[who.column], fmt.Sprintf("%s as %s over %T", r.key(), who.column, c)
		token := w.tokenOf(t, who.column, who.login, r)
		if who.column == "reviewer" {
			driveInPlace(t, c, r, ask, n)
		}
		f := ask(t.Context(), c, token, n)
		if got := outcome(f); got != want {
			t.Errorf("%s: %s, want %s (%v)", label, got, want, f)
			continue
		}
		if f != nil && f.http != 0 && statusOf[want] != 0 && f.http != statusOf[want] {
			t.Errorf("%s: HTTP %d, want %d", label, f.http, statusOf[want])
		}
		switch want {
		case "ok":
			if !answers(f, r.answer) {
				t.Errorf("%s: let in and answered %v, want %s", label, f, r.answer)
			}
			if slices.Contains(anyRegion, r.method) {
				continue
			}
			if f := ask(t.Context(), c, token, n.moved()); outcome(f) != "hidden" {
				t.Errorf("%s, in another region: %v, want hidden", label, f)
			}
			token = w.mint(t, elsewhere+"/people/"+absentID, who.role)
			if f := ask(t.Context(), c, token, n); outcome(f) != "hidden" {
				t.Errorf("%s, by one of another region: %v, want hidden", label, f)
			}
		case "hidden":
			stale := n
			stale.etag = "stale"
			if f := ask(t.Context(), c, token, stale); outcome(f) != "hidden" {
				t.Errorf("%s, with a stale etag: %v, want hidden", label, f)
			}
			if absent := ask(t.Context(), c, token, n.absent()); !alike(f, absent) {
				t.Errorf("%s: hidden answers %v %v, absent answers %v", label, f, f.metadata, absent)
			}
		}
	}
}

// inPersonOnly are the RPCs that take no token of a delegate.
var inPersonOnly = []string{
	sessionService + "SignOut", delegationService + "CreateDelegation", delegationService + "RevokeDelegation", delegationService + "ActForPrincipal",
}

// driveInPlace makes one request as a colleague in the reviewer's place, who gets
// what the reviewer gets, but for what is to be done in person.
func driveInPlace(t *testing.T, c client, r row, ask ask, n names) {
	t.Helper()
	want := r.want["reviewer"]
	if slices.Contains(inPersonOnly, r.method) {
		want = "denied"
	}
	f := ask(t.Context(), c, n.standIn, n)
	if got := outcome(f); got != want || want == "ok" && !answers(f, r.answer) {
		t.Errorf("%s in the reviewer's place over %T: %s, want %s (%v)", r.key(), c, got, want, f)
	}
}

// alike tells whether a hidden resource was answered as one that nobody has.
func alike(hidden, absent *failure) bool {
	if absent == nil || hidden.code != absent.code || hidden.reason != absent.reason || hidden.message != absent.message {
		return false
	}
	told := maps.Clone(hidden.metadata)
	for k, v := range told {
		told[k] = absentName(v)
	}
	return maps.Equal(told, absent.metadata)
}

// ask makes one request of the table.
type ask func(ctx context.Context, c client, token string, n names) *failure

// unary makes the call of a method with the message that is built.
func unary(t *testing.T, method string, build func(n names) proto.Message) ask {
	t.Helper()
	_, answer := messages(t, method)
	return func(ctx context.Context, c client, token string, n names) *failure {
		in := build(n)
		setEtag(in.ProtoReflect(), n.etag)
		return c.call(ctx, token, method, in, answer.New().Interface())
	}
}

// setEtag names the version a request is about, where it can: in itself or in the
// resource it holds.
func setEtag(m protoreflect.Message, etag string) {
	if fd := field(m, "etag"); fd != nil && etag != "" {
		m.Set(fd, protoreflect.ValueOfString(etag))
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
			setEtag(v.Message(), etag)
		}
		return true
	})
}

// downloadMaterial reads a piece of material over either protocol.
func downloadMaterial(ctx context.Context, c client, token, name string, kind filingv1.Material_Kind) ([]byte, *failure) {
	if rest, ok := c.(overREST); ok {
		return rest.do(ctx, token, http.MethodGet, rest.base+"/v1/"+name+"/materials/"+strings.ToLower(kind.String())+":download", "", nil)
	}
	stream, err := filingv1.NewFilingServiceClient(c.(overGRPC).conn).
		DownloadMaterial(authorized(ctx, token), &filingv1.DownloadMaterialRequest{Name: name, Kind: kind})
	if err != nil {
		return nil, grpcFailure(err)
	}
	var all []byte
	for {
		body, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, grpcFailure(err)
		}
		all = append(all, body.GetData()...)
	}
}
