package e2e

import (
	"bytes"
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
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

const (
	sessionService = "fashen.directory.v1.SessionService/"
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
	filingService + "SetDocumentViewer", counselService + "OpenCase", counselService + "GetVerdict", counselService + "CertifyVerdict",
}

// anyRegion are the RPCs whose request names no region, or one of any.
var anyRegion = []string{
	sessionService + "SignIn", sessionService + "ActivateSignIn", sessionService + "RefreshSession", sessionService + "GetCaller",
	sessionService + "SignOut", directoryService + "CreateRegion", directoryService + "GetRegion", directoryService + "ListRegions",
	directoryService + "ImportCalendar", directoryService + "GetCalendar", directoryService + "ListCalendars",
}

// Every RPC as every role, as a stranger, as nobody and with a forged token, over
// both protocols, against the table. What is hidden is answered as what does not
// exist, and what is let in is hidden across regions, both ways.
func TestMatrix(t *testing.T) {
	rows := readMatrix(t)
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, configure(t), "grpc", "2026-04-08")
			n, asks := prepareMatrix(t, w), requests(t)
			rest := overREST{base: "http://" + w.app.HTTPAddr}
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

// requests are the requests of the table by its first two columns: whole and of
// the right shape, and either without an effect or refused for what they say, so
// that they may be made again.
func requests(t *testing.T) map[string]ask {
	t.Helper()
	asks := transfers()
	for _, of := range []map[string]func(n names) proto.Message{sessionRequests, directoryRequests(t), filingRequests(t), counselRequests} {
		for key, build := range of {
			method, _, _ := strings.Cut(key, " ")
			asks[key] = unary(t, method, build)
		}
	}
	refresh := asks[sessionService+"RefreshSession"]
	if refresh != nil {
		t.Fatal("a refresh token is good once: its request is made here")
	}
	asks[sessionService+"RefreshSession"] = func(ctx context.Context, c client, token string, n names) *failure {
		out := &directoryv1.Session{}
		f := c.call(ctx, token, sessionService+"RefreshSession", &directoryv1.RefreshSessionRequest{RefreshToken: *n.refresh}, out)
		if f == nil {
			*n.refresh = out.GetRefreshToken()
		}
		return f
	}
	return asks
}

// transfers are the requests that stream a file.
func transfers() map[string]ask {
	material := func(kind filingv1.Material_Kind) ask {
		return func(ctx context.Context, c client, token string, n names) *failure {
			up := &filingv1.MaterialUpload{Name: n.document, Kind: kind, Filename: "material.docx", Etag: n.etag}
			_, f := c.uploadMaterial(ctx, token, up, strings.NewReader("PK\x03\x04 not a file anybody can read"))
			return f
		}
	}
	return map[string]ask{
		filingService + "UploadMaterial":            material(filingv1.Material_OTHER),
		filingService + "UploadMaterial conclusion": material(filingv1.Material_COMPETITION_CONCLUSION),
		filingService + "UploadRevision": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := c.uploadRevision(ctx, token, &filingv1.RevisionUpload{Parent: n.document, Filename: "draft.docx", Etag: n.etag}, bytes.NewReader(n.file))
			return f
		},
		filingService + "DownloadRevision": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := c.downloadRevision(ctx, token, n.revision)
			return f
		},
		filingService + "DownloadMaterial": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := downloadMaterial(ctx, c, token, n.document, filingv1.Material_LEGAL_BASIS)
			return f
		},
	}
}

func fields(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

var sessionRequests = map[string]func(n names) proto.Message{
	sessionService + "SignIn": func(names) proto.Message {
		return &directoryv1.SignInRequest{Login: "visitor", Password: password}
	},
	sessionService + "ActivateSignIn": func(names) proto.Message {
		return &directoryv1.ActivateSignInRequest{Login: "visitor", OneTimeCode: "NOT-A-CODE", Password: "weak"}
	},
	sessionService + "GetCaller": func(names) proto.Message { return &directoryv1.GetCallerRequest{} },
	sessionService + "SignOut":   func(names) proto.Message { return &directoryv1.SignOutRequest{} },
}

func directoryRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	const s = directoryService
	return map[string]func(n names) proto.Message{
		s + "CreateRegion": func(names) proto.Message {
			return &directoryv1.CreateRegionRequest{RegionId: "120101", Region: &directoryv1.Region{DisplayName: "示例区划"}}
		},
		s + "GetRegion":   func(n names) proto.Message { return &directoryv1.GetRegionRequest{Name: n.region} },
		s + "ListRegions": func(names) proto.Message { return &directoryv1.ListRegionsRequest{} },
		s + "CreateBureau": func(n names) proto.Message {
			return &directoryv1.CreateBureauRequest{Parent: n.region, Bureau: &directoryv1.Bureau{
				DisplayName: "示例单位", Uscc: "11120105990000017P", Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
			}}
		},
		s + "GetBureau":   func(n names) proto.Message { return &directoryv1.GetBureauRequest{Name: n.bureau} },
		s + "ListBureaus": func(n names) proto.Message { return &directoryv1.ListBureausRequest{Parent: n.region} },
		s + "UpdateBureau": func(n names) proto.Message {
			return &directoryv1.UpdateBureauRequest{
				Bureau:     &directoryv1.Bureau{Name: n.bureau, DisplayName: "示例单位", Etag: "stale"},
				UpdateMask: fields("display_name"),
			}
		},
		s + "CreatePerson": func(n names) proto.Message {
			return &directoryv1.CreatePersonRequest{Parent: n.region, Person: &directoryv1.Person{DisplayName: "示例人员", Login: "drafter", LawFirm: otherFirm}}
		},
		s + "GetPerson":  func(n names) proto.Message { return &directoryv1.GetPersonRequest{Name: n.spare} },
		s + "ListPeople": func(n names) proto.Message { return &directoryv1.ListPeopleRequest{Parent: n.region} },
		s + "SetPersonRoles": func(n names) proto.Message {
			return &directoryv1.SetPersonRolesRequest{Name: n.spare, Roles: []corev1.Role{corev1.Role_ROLE_COUNSEL}}
		},
		s + "RevokeSessions":               func(n names) proto.Message { return &directoryv1.RevokeSessionsRequest{Name: n.spare} },
		s + "IssueOneTimeCode":             func(n names) proto.Message { return &directoryv1.IssueOneTimeCodeRequest{Name: n.spare} },
		s + "DisablePerson":                func(n names) proto.Message { return &directoryv1.DisablePersonRequest{Name: n.leaver} },
		s + "ListDirectoryHistory":         func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.spare} },
		s + "ListDirectoryHistory bureau":  func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.bureau} },
		s + "ListDirectoryHistory profile": func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.profile} },
		s + "ImportCalendar": func(names) proto.Message {
			return &directoryv1.ImportCalendarRequest{Calendar: &directoryv1.Calendar{Year: 2031, DaysOff: []string{"2031-01-01"}, Source: "示例通知"}}
		},
		s + "GetCalendar":   func(names) proto.Message { return &directoryv1.GetCalendarRequest{Name: "calendars/2026"} },
		s + "ListCalendars": func(names) proto.Message { return &directoryv1.ListCalendarsRequest{} },
		s + "CreateJurisdictionProfile": func(n names) proto.Message {
			p := proto.Clone(n.whole).(*directoryv1.JurisdictionProfile)
			p.Name, p.CreateTime, p.EffectiveDate = "", nil, date(t, "2090-01-01")
			return &directoryv1.CreateJurisdictionProfileRequest{Parent: n.region, JurisdictionProfile: p}
		},
		s + "GetJurisdictionProfile":   func(n names) proto.Message { return &directoryv1.GetJurisdictionProfileRequest{Name: n.profile} },
		s + "ListJurisdictionProfiles": func(n names) proto.Message { return &directoryv1.ListJurisdictionProfilesRequest{Parent: n.region} },
		s + "ResolveJurisdictionProfile": func(n names) proto.Message {
			return &directoryv1.ResolveJurisdictionProfileRequest{Parent: n.region}
		},
		s + "ComputeDeadline": func(n names) proto.Message {
			return &directoryv1.ComputeDeadlineRequest{
				Region: n.region, Kind: directoryv1.ComputeDeadlineRequest_WORKING_DAYS, StartDate: date(t, "2026-04-08"), Days: 5,
			}
		},
	}
}

func filingRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	const s = filingService
	return map[string]func(n names) proto.Message{
		s + "CreateDocument": func(n names) proto.Message {
			return &filingv1.CreateDocumentRequest{Parent: n.region, Document: &filingv1.Document{
				Title: "示例办法", IssuingAuthority: n.bureau, OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
			}}
		},
		s + "GetDocument":     func(n names) proto.Message { return &filingv1.GetDocumentRequest{Name: n.document} },
		s + "ListDocuments":   func(n names) proto.Message { return &filingv1.ListDocumentsRequest{Parent: n.region} },
		s + "GetRevision":     func(n names) proto.Message { return &filingv1.GetRevisionRequest{Name: n.revision} },
		s + "GetRevisionText": func(n names) proto.Message { return &filingv1.GetRevisionTextRequest{Name: n.revision} },
		s + "ListFindings":    func(n names) proto.Message { return &filingv1.ListFindingsRequest{Parent: n.revision} },
		s + "ResolveAnchors": func(n names) proto.Message {
			return &filingv1.ResolveAnchorsRequest{Name: n.revision, Anchors: []*corev1.Anchor{{Article: 4, Quote: "另行给予十万元奖励"}}}
		},
		s + "ListDocumentHistory": func(n names) proto.Message { return &filingv1.ListDocumentHistoryRequest{Parent: n.document} },
		s + "UpdateDocument": func(n names) proto.Message {
			return &filingv1.UpdateDocumentRequest{
				Document: &filingv1.Document{
					Name: n.document, Title: "示例区见习补贴管理办法", IssuingAuthority: n.bureau,
					OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
				},
				UpdateMask: fields("title"),
			}
		},
		s + "RecordConsultation": func(n names) proto.Message {
			return &filingv1.RecordConsultationRequest{Name: n.document, Consultation: &filingv1.Consultation{
				OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-03-10"), Channel: "示例区政府网站",
			}}
		},
		s + "RecordCompetitionConclusion": func(n names) proto.Message {
			return &filingv1.RecordCompetitionConclusionRequest{
				Name: n.document, Revision: n.revision, Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例结论。",
			}
		},
		s + "CarryCompetitionConclusion": func(n names) proto.Message {
			return &filingv1.CarryCompetitionConclusionRequest{Name: n.document, Revision: n.revision, Reason: "修改内容不涉及经营者。"}
		},
		s + "SubmitDocument": func(n names) proto.Message { return &filingv1.SubmitDocumentRequest{Name: n.document} },
		s + "DeliberateDocument": func(n names) proto.Message {
			return &filingv1.DeliberateDocumentRequest{Name: n.document, MeetingDate: date(t, "2026-05-12"), ValidateOnly: true}
		},
		s + "SetDocumentViewer": func(n names) proto.Message {
			return &filingv1.SetDocumentViewerRequest{Name: n.document, Viewer: n.spare, Visible: true, Assignment: n.assignment}
		},
	}
}

var counselRequests = map[string]func(n names) proto.Message{
	counselService + "OpenCase": func(n names) proto.Message {
		return &counselv1.OpenCaseRequest{
			Parent: n.region, Subject: n.document, Submission: 2, Revision: n.revision, VersionDigest: n.digest,
			Title: "示例办法", DraftingUnit: n.bureau,
		}
	},
	counselService + "GetVerdict": func(n names) proto.Message {
		return &counselv1.GetVerdictRequest{Subject: n.document, VersionDigest: n.digest}
	},
	counselService + "CertifyVerdict": func(n names) proto.Message {
		return &counselv1.CertifyVerdictRequest{Subject: n.document, VersionDigest: n.digest, Transition: "example", VerdictEtag: "stale"}
	},
	counselService + "GetCase":         func(n names) proto.Message { return &counselv1.GetCaseRequest{Name: n.review} },
	counselService + "ListCases":       func(n names) proto.Message { return &counselv1.ListCasesRequest{Parent: n.region} },
	counselService + "ListCaseHistory": func(n names) proto.Message { return &counselv1.ListCaseHistoryRequest{Parent: n.review} },
	counselService + "AcceptCase":      func(n names) proto.Message { return &counselv1.AcceptCaseRequest{Name: n.review} },
	counselService + "ReturnCase": func(n names) proto.Message {
		return &counselv1.ReturnCaseRequest{Name: n.review, Reason: "材料与送审稿不符", Etag: "stale"}
	},
	counselService + "RequestSupplement": func(n names) proto.Message {
		return &counselv1.RequestSupplementRequest{Name: n.review, Reason: "请补充制定依据", Etag: "stale"}
	},
	counselService + "ConcludeCase": func(n names) proto.Message {
		return &counselv1.ConcludeCaseRequest{Name: n.review, Opinion: n.draftReview}
	},
	counselService + "ConfirmRevision": func(n names) proto.Message {
		return &counselv1.ConfirmRevisionRequest{Name: n.review, VersionDigest: n.digest, Note: "逐条比对。"}
	},
	counselService + "AnswerItem": func(n names) proto.Message {
		return &counselv1.AnswerItemRequest{Name: n.review, Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}}
	},
	counselService + "CreateOpinion": func(n names) proto.Message {
		return &counselv1.CreateOpinionRequest{Parent: n.review, Opinion: &counselv1.Opinion{
			Items: []*counselv1.OpinionItem{item(4, "稿中没有的话")},
		}}
	},
	counselService + "GetOpinion signed review":    getOpinion(func(n names) string { return n.signedReview }),
	counselService + "GetOpinion signed counsel":   getOpinion(func(n names) string { return n.signedCounsel }),
	counselService + "GetOpinion draft review":     getOpinion(func(n names) string { return n.draftReview }),
	counselService + "GetOpinion draft counsel":    getOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "ListOpinions":                func(n names) proto.Message { return &counselv1.ListOpinionsRequest{Parent: n.review} },
	counselService + "UpdateOpinion draft review":  updateOpinion(func(n names) string { return n.draftReview }),
	counselService + "UpdateOpinion draft counsel": updateOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "UpdateOpinion signed review": updateOpinion(func(n names) string { return n.signedReview }),
	counselService + "SignOpinion draft review":    signOpinion(func(n names) string { return n.draftReview }),
	counselService + "SignOpinion draft counsel":   signOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "CreateAssignment": func(n names) proto.Message {
		return &counselv1.CreateAssignmentRequest{Parent: n.review, Assignment: &counselv1.Assignment{Counsel: n.person, Question: "是否合法？"}}
	},
	counselService + "GetAssignment":   func(n names) proto.Message { return &counselv1.GetAssignmentRequest{Name: n.assignment} },
	counselService + "ListAssignments": func(n names) proto.Message { return &counselv1.ListAssignmentsRequest{Parent: n.review} },
	counselService + "DeclareConflict": func(n names) proto.Message {
		return &counselv1.DeclareConflictRequest{Name: n.assignment, Result: counselv1.DeclareConflictRequest_CLEAR}
	},
	counselService + "WaiveConflict": func(n names) proto.Message {
		return &counselv1.WaiveConflictRequest{Name: n.assignment, Consent: "示例书面同意"}
	},
}

func getOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message { return &counselv1.GetOpinionRequest{Name: of(n)} }
}

func updateOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message {
		return &counselv1.UpdateOpinionRequest{Opinion: &counselv1.Opinion{Name: of(n), Summary: "示例草稿，改。"}, UpdateMask: fields("summary")}
	}
}

func signOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message { return &counselv1.SignOpinionRequest{Name: of(n)} }
}
