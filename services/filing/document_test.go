package filing

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/rpc"
)

// wantReason checks the reason of an error; empty wants none. Field violations
// are told as field:REASON.
func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	if got := reasonOf(err); got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, docstore.ErrUnchanged) {
		return "unchanged"
	}
	for _, detail := range status.Convert(rpc.FromStore(err, "")).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			v := bad.GetFieldViolations()[0]
			return v.GetField() + ":" + v.GetReason()
		}
	}
	return rpc.Reason(rpc.FromStore(err, ""))
}

func drafting() *filingv1.Document {
	return &filingv1.Document{
		Name: "regions/120105/documents/d1", Title: "示例办法", State: filingv1.Document_DRAFTING,
		IssuingAuthority: "regions/120105/bureaus/gov", DraftingUnit: "regions/120105/bureaus/b1",
		Drafter:        "regions/120105/people/p1",
		OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
	}
}

func TestCheckDraft(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(d *filingv1.Document)
		want   string
	}{
		{"whole", func(*filingv1.Document) {}, ""},
		{"blank title", func(d *filingv1.Document) { d.Title = "　　 " }, "document.title:TITLE_LENGTH"},
		{"no impact", func(d *filingv1.Document) { d.OperatorImpact = nil }, "document.operator_impact:OPERATOR_IMPACT_REQUIRED"},
		{"not touching, no reason", func(d *filingv1.Document) { d.OperatorImpact = &filingv1.OperatorImpact{Reason: " "} },
			"document.operator_impact.reason:REASON_REQUIRED"},
		{"not touching", func(d *filingv1.Document) { d.OperatorImpact = &filingv1.OperatorImpact{Reason: "内部事务"} }, ""},
		{"emergency without a reason", func(d *filingv1.Document) { d.Emergency = &filingv1.Emergency{} },
			"document.emergency.reason:REASON_REQUIRED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := drafting()
			tt.change(d)
			wantReason(t, checkDraft(d), tt.want)
		})
	}
}

func TestCheckIssuer(t *testing.T) {
	eligible := []directoryv1.BureauKind{
		directoryv1.BureauKind_BUREAU_KIND_GOVERNMENT, directoryv1.BureauKind_BUREAU_KIND_GENERAL_OFFICE,
	}
	for number := range directoryv1.BureauKind_name {
		kind, want := directoryv1.BureauKind(number), "ISSUER_NOT_ELIGIBLE"
		if slices.Contains(eligible, kind) {
			want = ""
		}
		t.Run(kind.String(), func(t *testing.T) {
			err := checkIssuer(&directoryv1.Bureau{Kind: kind})
			wantReason(t, err, want)
			var no refused
			if errors.As(err, &no) && (no[0].Law != "") != (kind == directoryv1.BureauKind_BUREAU_KIND_INELIGIBLE) {
				t.Errorf("the law bars those bodies alone: %v", no)
			}
		})
	}
}

func TestNothingChangesAfterDeliberation(t *testing.T) {
	whole := submittable()
	whole.State = filingv1.Document_DELIBERATED
	given := &filingv1.CompetitionConclusion{Revision: currentRevision(whole).GetName()}
	for name, do := range map[string]func(d *filingv1.Document) error{
		"update":   func(d *filingv1.Document) error { return updateDocument(d, d, nil) },
		"revision": func(d *filingv1.Document) error { return addRevision(d, draft(9, "f9")) },
		"restore":  func(d *filingv1.Document) error { return makeCurrent(d, draft(1, "f1")) },
		"material": func(d *filingv1.Document) error { return putMaterial(d, &filingv1.Material{}) },
		"consult":  func(d *filingv1.Document) error { return recordConsultation(d, nil, nil) },
		"conclude": func(d *filingv1.Document) error { return concludeCompetition(d, given, auth.Caller{Person: "p"}) },
		"carry": func(d *filingv1.Document) error {
			return carryCompetition(d, given.GetRevision(), auth.Caller{Person: "p"})
		},
		"submit": func(d *filingv1.Document) error { return requestSubmission(d, d, nil) },
		"deliberate": func(d *filingv1.Document) error {
			return requestDeliberation(d, d, GateInput{Document: whole}, "", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := proto.CloneOf(whole)
			wantReason(t, do(d), "RECORD_CLOSED")
			if !proto.Equal(d, whole) {
				t.Error("the closed record changed")
			}
		})
	}
}

func TestVersionDigest(t *testing.T) {
	if got := versionDigest(drafting()); got != "" {
		t.Fatalf("digest without a draft is %q", got)
	}
	base := submittable()
	base.Parties = []string{"示例公司", "示例协会"}
	base.Consultation = &filingv1.Consultation{
		OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例网站",
		Opinions: []*filingv1.ConsultationOpinion{{Summary: "示例意见", Handling: filingv1.ConsultationOpinion_ADOPTED}},
	}
	want := versionDigest(base)
	if len(want) != 64 {
		t.Fatalf("digest %q is no SHA-256", want)
	}
	for name, change := range map[string]func(d *filingv1.Document){
		"file":     func(d *filingv1.Document) { d.Revisions[0].File.Sha256 = "other" },
		"text":     func(d *filingv1.Document) { d.Revisions[0].TextSha256 = "other" },
		"draft":    func(d *filingv1.Document) { redraft(d, draft(2, "f2")) },
		"material": func(d *filingv1.Document) { d.Materials[0].File.Sha256 = "other" },
		"less":     func(d *filingv1.Document) { d.Materials = d.Materials[1:] },
		"kind":     func(d *filingv1.Document) { d.Materials[0].Kind = filingv1.Material_OTHER },
		"issuer":   func(d *filingv1.Document) { d.IssuingAuthority = "regions/120105/bureaus/office" },
		"impact":   func(d *filingv1.Document) { d.OperatorImpact.TouchesOperators = false },
		"urgency":  func(d *filingv1.Document) { d.Emergency = &filingv1.Emergency{Reason: "示例紧急情形"} },
		"parties":  func(d *filingv1.Document) { d.Parties = d.Parties[:1] },
		"not held": func(d *filingv1.Document) { d.Consultation = &filingv1.Consultation{NotHeldReason: "示例"} },
		"dropped":  func(d *filingv1.Document) { d.Consultation = nil },
		"opened":   func(d *filingv1.Document) { d.Consultation.OpenDate = date(t, "2026-03-01") },
		"closed":   func(d *filingv1.Document) { d.Consultation.CloseDate = date(t, "2026-04-02") },
		"channel":  func(d *filingv1.Document) { d.Consultation.Channel = "另一网站" },
		"shorter":  func(d *filingv1.Document) { d.Consultation.ShortenReason = "示例：防汛急需" },
		"handling": func(d *filingv1.Document) {
			d.Consultation.Opinions[0].Handling = filingv1.ConsultationOpinion_NOT_ADOPTED
		},
		"reason":  func(d *filingv1.Document) { d.Consultation.Opinions[0].Reason = "示例理由" },
		"opinion": func(d *filingv1.Document) { d.Consultation.Opinions = nil },
	} {
		d := proto.CloneOf(base)
		if change(d); versionDigest(d) == want {
			t.Errorf("%s: the digest did not change", name)
		}
	}
	for name, change := range map[string]func(d *filingv1.Document){
		"title":          func(d *filingv1.Document) { d.Title = "另一标题" },
		"order":          func(d *filingv1.Document) { slices.Reverse(d.Materials) },
		"parties' order": func(d *filingv1.Document) { slices.Reverse(d.Parties) },
		"state":          func(d *filingv1.Document) { d.State = filingv1.Document_UNDER_REVIEW },
		"its conclusion": func(d *filingv1.Document) { d.CompetitionConclusion = &filingv1.CompetitionConclusion{Outcome: 1} },
		"signed conclusion": func(d *filingv1.Document) {
			d.Materials = append(d.Materials, material(filingv1.Material_COMPETITION_CONCLUSION, "s1"))
		},
	} {
		d := proto.CloneOf(base)
		if change(d); versionDigest(d) != want {
			t.Errorf("%s: the digest changed", name)
		}
	}
}

func TestUpdateDocument(t *testing.T) {
	d, given := submittable(), drafting()
	given.Title, given.Parties = "新标题", []string{"示例公司"}
	given.OperatorImpact = &filingv1.OperatorImpact{Reason: "不涉及经营者"}
	before := d.GetVersionDigest()
	if err := updateDocument(d, given, map[string]bool{fieldTitle: true}); err != nil {
		t.Fatal(err)
	}
	if d.GetTitle() != "新标题" || len(d.GetParties()) != 0 || !d.GetOperatorImpact().GetTouchesOperators() {
		t.Errorf("changed more or less than the title: %v", d)
	}
	if d.GetVersionDigest() != before {
		t.Error("a title is no fact the gate reads")
	}
	if err := updateDocument(d, given, map[string]bool{fieldOperatorImpact: true, fieldParties: true}); err != nil {
		t.Fatal(err)
	}
	if d.GetVersionDigest() == before || len(d.GetParties()) != 1 {
		t.Error("operator impact and parties were not taken over")
	}
	given.OperatorImpact = nil
	wantReason(t, updateDocument(d, given, map[string]bool{fieldOperatorImpact: true}), "document.operator_impact:OPERATOR_IMPACT_REQUIRED")
}

func TestWhoMayChange(t *testing.T) {
	d := drafting()
	drafter := corev1.Role_ROLE_DRAFTER
	for _, tt := range []struct {
		name string
		who  auth.Caller
		want bool
	}{
		{"drafting unit", auth.Caller{Bureau: d.DraftingUnit, Roles: []corev1.Role{drafter}}, true},
		{"its successor", auth.Caller{Bureau: "regions/120105/bureaus/b9", Predecessors: []string{d.DraftingUnit}, Roles: []corev1.Role{drafter}}, true},
		{"another unit", auth.Caller{Bureau: "regions/120105/bureaus/b2", Roles: []corev1.Role{drafter}}, false},
		{"no drafter", auth.Caller{Bureau: d.DraftingUnit, Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}, false},
		{"nobody", auth.Caller{}, false},
	} {
		if got := checkDraftingUnit(d, tt.who) == nil; got != tt.want {
			t.Errorf("%s: may change is %v", tt.name, got)
		}
		regulator := tt.who
		regulator.Roles = append([]corev1.Role{corev1.Role_ROLE_MARKET_REGULATOR}, tt.who.Roles...)
		if checkMaterialUploader(d, filingv1.Material_COMPETITION_CONCLUSION, regulator) != nil {
			t.Errorf("%s: the regulator may not add the conclusion", tt.name)
		}
		if checkMaterialUploader(d, filingv1.Material_COMPETITION_CONCLUSION, tt.who) == nil {
			t.Errorf("%s: adds the conclusion without being the regulator", tt.name)
		}
		if got := checkMaterialUploader(d, filingv1.Material_OTHER, regulator) == nil; got != tt.want {
			t.Errorf("%s: may add material is %v", tt.name, got)
		}
	}
	office := auth.Caller{Roles: []corev1.Role{corev1.Role_ROLE_GENERAL_OFFICE}}
	if checkArranger(d, office) != nil || status.Code(checkArranger(d, auth.Caller{})) != codes.PermissionDenied {
		t.Error("the general office and the drafting unit arrange meetings, nobody else")
	}
}

func TestViewersOf(t *testing.T) {
	const reviewer, office, regulator = "regions/120105/roles/reviewer", "regions/120105/roles/general-office", "regions/120105/roles/market-regulator"
	d := drafting()
	steps := []struct {
		change func()
		want   []string
	}{
		{func() {}, nil},
		{func() { redraft(d, draft(1, "f1")) }, []string{regulator}},
		{func() { d.OperatorImpact.TouchesOperators = false }, nil},
		{func() { d.SubmissionCount = 1 }, []string{reviewer, office}},
		{func() { d.OperatorImpact.TouchesOperators = true }, []string{regulator, reviewer, office}},
	}
	for i, step := range steps {
		step.change()
		if got := viewersOf(d); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestPutMaterial(t *testing.T) {
	d := submittable()
	n, digest := len(d.GetMaterials()), d.GetVersionDigest()
	wantReason(t, putMaterial(d, material(filingv1.Material_LEGAL_BASIS, "m2")), "unchanged")
	wantReason(t, putMaterial(d, material(filingv1.Material_LEGAL_BASIS, "m9")), "")
	if len(d.GetMaterials()) != n || materialOf(d, filingv1.Material_LEGAL_BASIS).GetFile().GetSha256() != "m9" {
		t.Error("the material did not take the place of the one of its kind")
	}
	if d.GetVersionDigest() == digest {
		t.Error("other material is another version")
	}
	wantReason(t, putMaterial(d, material(filingv1.Material_OTHER, "m5")), "")
	if len(d.GetMaterials()) != n+1 || materialOf(d, filingv1.Material_OTHER).GetRevision() != "" {
		t.Error("material of a new kind was not added, or bound to a draft")
	}
	signed := func() *filingv1.Material { return material(filingv1.Material_COMPETITION_CONCLUSION, "s1") }
	wantReason(t, putMaterial(d, signed()), "")
	wantReason(t, putMaterial(d, signed()), "unchanged")
	redraft(d, draft(2, "f2"))
	wantReason(t, putMaterial(d, signed()), "")
	if got := materialOf(d, filingv1.Material_COMPETITION_CONCLUSION).GetRevision(); got != currentRevision(d).GetName() {
		t.Errorf("the conclusion is bound to %s", got)
	}
}

func TestAddRevision(t *testing.T) {
	d := drafting()
	for i := range maxRevisions {
		if err := addRevision(d, &filingv1.Revision{File: &filingv1.File{Sha256: string(rune(0x4e00 + i))}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := currentRevision(d).GetName(); got != d.GetName()+"/revisions/100" {
		t.Errorf("the current one is %s", got)
	}
	wantReason(t, addRevision(d, draft(1, "one more")), "TOO_MANY_REVISIONS")
}

// A draft sent again stands again, with the digest it had.
func TestMakeCurrent(t *testing.T) {
	d := submittable()
	first := d.GetVersionDigest()
	must(t, addRevision(d, &filingv1.Revision{File: &filingv1.File{Sha256: "f2"}}))
	second := d.GetVersionDigest()
	if second == first || currentRevision(d).GetFile().GetSha256() != "f2" {
		t.Errorf("the new draft does not stand: %v", d)
	}
	wantReason(t, makeCurrent(d, d.GetRevisions()[1]), "unchanged")
	must(t, makeCurrent(d, d.GetRevisions()[0]))
	if d.GetVersionDigest() != first || currentRevision(d) != d.GetRevisions()[0] || len(d.GetRevisions()) != 2 {
		t.Errorf("the earlier draft does not stand: %v", d)
	}
}

func TestCheckFilename(t *testing.T) {
	for name, want := range map[string]string{
		"示例办法.docx": "", "../etc/passwd": "", "a\r\nb.txt": "upload.filename:FILENAME_INVALID",
		"a\x00.txt": "upload.filename:FILENAME_INVALID", "示例\u202excod.exe": "upload.filename:FILENAME_INVALID", " ": "upload.filename:FILENAME_INVALID",
	} {
		wantReason(t, intake.CheckFilename(name), want)
	}
}
