package counsel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// maxMatterFiles is the most files of one matter.
const maxMatterFiles = 200

// newMatter begins a matter of the caller's bureau, which alone sees it.
func newMatter(name string, in *counselv1.Matter, who auth.Caller) (*counselv1.Matter, docstore.Change, error) {
	if who.Bureau == "" {
		return nil, docstore.Change{}, rpc.New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "只有单位的起草人员可以提交事项")
	}
	m := &counselv1.Matter{
		Name: name, Regime: in.GetRegime(), Title: in.GetTitle(), DraftingUnit: who.Bureau,
		Drafter: who.Actor(), DraftedOnBehalfOf: who.OnBehalfOf(), Parties: in.GetParties(),
		EmergencyReason: in.GetEmergencyReason(), ActType: in.GetActType(), Changes: in.GetChanges(),
	}
	if err := sealMatter(m); err != nil {
		return nil, docstore.Change{}, err
	}
	return m, docstore.Change{
		Grant:   []string{m.GetDraftingUnit()},
		Details: []*corev1.Detail{docstore.Detail("regime", m.GetRegime()), docstore.Detail("version_digest", m.GetVersionDigest())},
	}, nil
}

// ofMatterUnit lets the drafting unit write on a matter.
func ofMatterUnit(m *counselv1.Matter, who auth.Caller) error {
	return ofDraftingUnit(&counselv1.Case{DraftingUnit: m.GetDraftingUnit()}, who)
}

// editMatter changes the facts of a matter.
func editMatter(m, in *counselv1.Matter, fields map[string]bool, who auth.Caller) (docstore.Change, error) {
	if err := ofMatterUnit(m, who); err != nil {
		return docstore.Change{}, err
	}
	for field, set := range map[string]func(){
		"title":            func() { m.Title = in.GetTitle() },
		"parties":          func() { m.Parties = in.GetParties() },
		"emergency_reason": func() { m.EmergencyReason = in.GetEmergencyReason() },
		"act_type":         func() { m.ActType = in.GetActType() },
		"changes":          func() { m.Changes = in.GetChanges() },
	} {
		if fields[field] {
			set()
		}
	}
	err := sealMatter(m)
	return docstore.Change{Details: []*corev1.Detail{docstore.Detail("version_digest", m.GetVersionDigest())}}, err
}

// takeFile adds a file that is stored; the same bytes of the same kind stand again.
func takeFile(m *counselv1.Matter, f *counselv1.MatterFile, who auth.Caller) (docstore.Change, error) {
	if err := ofMatterUnit(m, who); err != nil {
		return docstore.Change{}, err
	}
	i := slices.IndexFunc(m.GetFiles(), func(known *counselv1.MatterFile) bool {
		return known.GetSha256() == f.GetSha256() && known.GetKind() == f.GetKind()
	})
	draft := f.GetKind() == counselv1.MatterFile_DRAFT
	switch {
	case i >= 0 && (!draft || m.GetFiles()[i].GetRevision() == m.GetCurrentRevision()):
		return docstore.Change{}, docstore.ErrUnchanged
	case i >= 0:
		f = m.GetFiles()[i]
	case len(m.GetFiles()) >= maxMatterFiles:
		return docstore.Change{}, rpc.New(codes.ResourceExhausted, "TOO_MANY_FILES", "一个事项最多200个文件，请另建事项")
	default:
		f.Number = int32(len(m.GetFiles()) + 1)
		if draft {
			f.Revision = fmt.Sprintf("%s/revisions/%d", m.GetName(), f.GetNumber())
		}
		m.Files = append(m.Files, f)
	}
	if draft {
		m.CurrentRevision = f.GetRevision()
	}
	err := sealMatter(m)
	return docstore.Change{Details: []*corev1.Detail{
		docstore.Detail("file", f.GetNumber()), docstore.Detail("kind", f.GetKind()),
		docstore.Detail("file_sha256", f.GetSha256()), docstore.Detail("version_digest", m.GetVersionDigest()),
	}}, err
}

// draftOf finds a draft of a matter by its name; nil when there is none.
func draftOf(m *counselv1.Matter, revision string) *counselv1.MatterFile {
	for _, f := range m.GetFiles() {
		if f.GetRevision() == revision && revision != "" {
			return f
		}
	}
	return nil
}

// fileNumbered finds a file of a matter; nil when there is none.
func fileNumbered(m *counselv1.Matter, number int32) *counselv1.MatterFile {
	for _, f := range m.GetFiles() {
		if f.GetNumber() == number {
			return f
		}
	}
	return nil
}

// explains tells whether a file goes to whoever is asked about the matter.
func explains(kind counselv1.MatterFile_Kind) bool {
	return kind == counselv1.MatterFile_DRAFT || kind == counselv1.MatterFile_STATEMENT || kind == counselv1.MatterFile_LEGAL_BASIS
}

// sealMatter works out the digest of the version: the draft that stands, the material
// and the facts that a review looks at.
func sealMatter(m *counselv1.Matter) error {
	version := &counselv1.Matter{
		Name: m.GetName(), Regime: m.GetRegime(), Title: m.GetTitle(), DraftingUnit: m.GetDraftingUnit(), Parties: m.GetParties(),
		EmergencyReason: m.GetEmergencyReason(), ActType: m.GetActType(), Changes: m.GetChanges(), CurrentRevision: m.GetCurrentRevision(),
	}
	for _, f := range m.GetFiles() {
		if f.GetKind() != counselv1.MatterFile_DRAFT || f.GetRevision() == m.GetCurrentRevision() {
			version.Files = append(version.Files, &counselv1.MatterFile{Kind: f.GetKind(), Sha256: f.GetSha256(), TextSha256: f.GetTextSha256()})
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(version)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	m.VersionDigest = hex.EncodeToString(sum[:])
	return nil
}

// wanted is a kind of file that a regime asks for, with its name for people.
type wanted struct {
	kind counselv1.MatterFile_Kind
	name string
}

// materialsOf is what goes with a submission, by regime: of an enforcement decision
// the evidence (国办发〔2018〕118号), of what a meeting or a bargain decides a statement
// that explains it. Anything is reviewed on its text.
func materialsOf(regime counselv1.Regime) []wanted {
	draft := wanted{counselv1.MatterFile_DRAFT, "送审稿"}
	statement := wanted{counselv1.MatterFile_STATEMENT, "情况说明"}
	switch regime {
	case counselv1.Regime_REGIME_ENFORCEMENT_DECISION:
		return []wanted{draft, {counselv1.MatterFile_EVIDENCE, "证据材料"}}
	case counselv1.Regime_REGIME_AGENDA_ITEM, counselv1.Regime_REGIME_AGREEMENT:
		return []wanted{draft, statement}
	}
	return []wanted{draft}
}

// complete refuses a matter that lacks what its regime asks for, and names it all.
func complete(m *counselv1.Matter) error {
	var missing, names []string
	lack := func(what, name string) { missing, names = append(missing, what), append(names, name) }
	for _, w := range materialsOf(m.GetRegime()) {
		there := slices.ContainsFunc(m.GetFiles(), func(f *counselv1.MatterFile) bool { return f.GetKind() == w.kind })
		if !there {
			lack(w.kind.String(), w.name)
		}
	}
	switch m.GetRegime() {
	case counselv1.Regime_REGIME_POWER_LIST_CHANGE:
		if len(m.GetChanges()) == 0 {
			lack("CHANGES", "权责清单调整事项")
		}
	case counselv1.Regime_REGIME_ENFORCEMENT_DECISION:
		if strings.TrimSpace(m.GetActType()) == "" {
			lack("ACT_TYPE", "执法行为类别")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &docstore.Refusal{Reasons: []string{codeMaterialsIncomplete}, Err: rpc.Refused(rpc.Refusal{
		Code: codeMaterialsIncomplete, Law: lawOf(&counselv1.Case{Regime: m.GetRegime()}),
		Message:  "送审材料不齐全，缺少：" + strings.Join(names, "、"),
		Metadata: map[string]string{"missing": strings.Join(missing, ",")},
	})}
}

// submitMatter opens a matter to the reviewers, once it is complete.
func submitMatter(m *counselv1.Matter, who auth.Caller) (docstore.Change, error) {
	if err := ofMatterUnit(m, who); err != nil {
		return docstore.Change{}, err
	}
	if err := complete(m); err != nil {
		return docstore.Change{}, err
	}
	region := resource.Region(m.GetName())
	return docstore.Change{
		Grant: []string{
			auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER), auth.RoleViewer(region, corev1.Role_ROLE_GENERAL_OFFICE),
		},
		Details: []*corev1.Detail{docstore.Detail("revision", m.GetCurrentRevision()), docstore.Detail("version_digest", m.GetVersionDigest())},
	}, nil
}

// reviewOf is what the review is told of a matter; number is that of the submission.
func reviewOf(m *counselv1.Matter, number int32) *counselv1.OpenCaseRequest {
	people := []string{m.GetDrafter(), m.GetDraftedOnBehalfOf()}
	for _, f := range m.GetFiles() {
		people = append(people, f.GetUploader(), f.GetUploadedOnBehalfOf())
	}
	slices.Sort(people)
	return &counselv1.OpenCaseRequest{
		Parent: resource.Region(m.GetName()), Subject: m.GetName(), Submission: number, Revision: m.GetCurrentRevision(),
		VersionDigest: m.GetVersionDigest(), Title: m.GetTitle(), DraftingUnit: m.GetDraftingUnit(),
		EmergencyReason: m.GetEmergencyReason(), Parties: m.GetParties(),
		Drafters: slices.DeleteFunc(slices.Compact(people), func(p string) bool { return p == "" }),
		// Another version is another submission, though it asked for the same number.
		Transition: fmt.Sprintf("submission-%d-%.16s", number, m.GetVersionDigest()), Regime: m.GetRegime(), ActType: m.GetActType(),
	}
}

// waiting tells whether the newest submission of a case is this very version and waits
// for the reviewer: then there is nothing to submit.
func waiting(c *counselv1.Case, m *counselv1.Matter) bool {
	state := c.GetState()
	return last(c).GetVersionDigest() == m.GetVersionDigest() && (state == counselv1.Case_RECEIVED || state == counselv1.Case_UNDER_REVIEW)
}
