package filing

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// refused is the error of a rule whose answer is no: every reason at once. The
// server keeps it in the document's history; the client gets FAILED_PRECONDITION.
type refused []rpc.Refusal

// Error names the codes.
func (r refused) Error() string { return strings.Join(r.codes(), ", ") }

// GRPCStatus is what the client gets: every reason with its law.
func (r refused) GRPCStatus() *status.Status { return status.Convert(rpc.Refused(r...)) }

func (r refused) codes() []string {
	out := make([]string, len(r))
	for i, one := range r {
		out[i] = one.Code
	}
	return out
}

// refusalsOf are the refusals another service answered with.
func refusalsOf(err error) refused {
	st := status.Convert(err)
	var out refused
	for _, detail := range st.Details() {
		if p, ok := detail.(*errdetails.PreconditionFailure); ok {
			for _, v := range p.GetViolations() {
				out = append(out, rpc.Refusal{Code: v.GetType(), Law: v.GetSubject(), Message: v.GetDescription()})
			}
		}
	}
	if out == nil {
		out = refused{{Code: rpc.Reason(err), Message: st.Message()}}
	}
	return out
}

// Laws as refusals name them.
const (
	law37Issuer     = "国办发〔2018〕37号（一）"
	law37Consult    = "国办发〔2018〕37号（五）"
	law37Review     = "国办发〔2018〕37号（六）"
	law37Decide     = "国办发〔2018〕37号（七）"
	law115          = "国办发〔2018〕115号"
	lawBusiness62   = "优化营商环境条例第六十二条"
	lawCompetition  = "公平竞争审查条例第十八条"
	lawCompetition2 = "公平竞争审查条例第二条、第十八条"
	lawJointReview  = "公平竞争审查条例第十四条"
	lawMeasures27   = "公平竞争审查条例实施办法第二十七条"
	lawMeasures33   = "公平竞争审查条例实施办法第三十三条"
	lawCounsel      = "中办发〔2016〕30号"
	lawSecrets      = "保守国家秘密法"
)

// checkDraft refuses what the validation rules of the protos cannot tell about a
// document's own fields: a blank title, and a missing reason why operators are
// not touched (公平竞争审查条例 art 2).
func checkDraft(d *filingv1.Document) error {
	var wrong []rpc.FieldViolation
	if n := utf8.RuneCountInString(strings.TrimSpace(d.GetTitle())); n < 2 || n > 200 {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "document.title", Reason: "TITLE_LENGTH", Message: "标题应为2至200个字",
		})
	}
	impact := d.GetOperatorImpact()
	if impact == nil {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "document.operator_impact", Reason: "OPERATOR_IMPACT_REQUIRED", Message: "请说明是否涉及经营者经济活动",
		})
	} else if !impact.GetTouchesOperators() && strings.TrimSpace(impact.GetReason()) == "" {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "document.operator_impact.reason", Reason: "REASON_REQUIRED",
			Message: "不涉及经营者经济活动的，应当说明理由（公平竞争审查条例第二条）",
		})
	}
	if e := d.GetEmergency(); e != nil && utf8.RuneCountInString(strings.TrimSpace(e.GetReason())) < 5 {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "document.emergency.reason", Reason: "REASON_REQUIRED", Message: "紧急情形的说明不少于5个字",
		})
	}
	return rpc.Fields(wrong...)
}

// checkIssuer refuses an issuing authority that is neither a government nor its
// office. 37号 bars temporary, coordinating and internal bodies. Departments may
// issue documents in their own name; that those are not taken in is a limit of
// this release, so its refusal names no law.
func checkIssuer(issuer *directoryv1.Bureau) error {
	switch issuer.GetKind() {
	case directoryv1.BureauKind_BUREAU_KIND_GOVERNMENT, directoryv1.BureauKind_BUREAU_KIND_GENERAL_OFFICE:
		return nil
	case directoryv1.BureauKind_BUREAU_KIND_INELIGIBLE:
		return refused{{
			Code: "ISSUER_NOT_ELIGIBLE", Law: law37Issuer,
			Message:  "临时性机构、议事协调机构和内设机构不得制定行政规范性文件",
			Metadata: map[string]string{"issuing_authority": issuer.GetName()},
		}}
	}
	return refused{{
		Code:     "ISSUER_NOT_ELIGIBLE",
		Message:  "本版本只办理以人民政府或其办公机构名义制发的文件，部门以自身名义制发的文件暂不支持",
		Metadata: map[string]string{"issuing_authority": issuer.GetName()},
	}}
}

// checkDrafter refuses a caller without a bureau, who can draft for nobody.
func checkDrafter(caller auth.Caller) error {
	if caller.Bureau == "" {
		return rpc.New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "您不属于任何单位，不能起草文件")
	}
	return nil
}

// newDocument is the document as it is first stored: what the caller may set of
// the given one, and what the server decides.
func newDocument(given *filingv1.Document, name string, caller auth.Caller) *filingv1.Document {
	return &filingv1.Document{
		Name:             name,
		Title:            given.GetTitle(),
		IssuingAuthority: given.GetIssuingAuthority(),
		DraftingUnit:     caller.Bureau,
		Drafter:          caller.Actor(),
		OperatorImpact:   given.GetOperatorImpact(),
		Emergency:        given.GetEmergency(),
		Parties:          given.GetParties(),
		State:            filingv1.Document_DRAFTING,

		DraftedOnBehalfOf: caller.OnBehalfOf(),
	}
}

// Fields UpdateDocument may change.
const (
	fieldTitle          = "title"
	fieldIssuer         = "issuing_authority"
	fieldOperatorImpact = "operator_impact"
	fieldEmergency      = "emergency"
	fieldParties        = "parties"
)

// updateDocument copies the named fields into the stored document.
func updateDocument(d, given *filingv1.Document, fields map[string]bool) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if fields[fieldIssuer] && given.GetIssuingAuthority() != d.GetIssuingAuthority() {
		return rpc.Field("document."+fieldIssuer, "IMMUTABLE", "制定机关不能更改，请另建文件")
	}
	if fields[fieldTitle] {
		d.Title = given.GetTitle()
	}
	if fields[fieldOperatorImpact] {
		d.OperatorImpact = given.GetOperatorImpact()
	}
	if fields[fieldEmergency] {
		d.Emergency = given.GetEmergency()
	}
	if fields[fieldParties] {
		d.Parties = given.GetParties()
	}
	if err := checkDraft(d); err != nil {
		return err
	}
	d.VersionDigest = versionDigest(d)
	return nil
}

// checkOpen refuses any change after deliberation.
func checkOpen(d *filingv1.Document) error {
	if d.GetState() != filingv1.Document_DELIBERATED {
		return nil
	}
	return refused{{
		Code: "RECORD_CLOSED", Law: law37Decide,
		Message: "文件已提交集体审议，卷宗已封闭，不得再修改",
	}}
}

// checkDraftingUnit lets only staff of the drafting unit, or of its successor,
// change a document. The caller may see the document, so the answer may say why.
func checkDraftingUnit(d *filingv1.Document, caller auth.Caller) error {
	if inDraftingUnit(d, caller) {
		return nil
	}
	return rpc.New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "只有起草单位的起草人员可以进行此操作")
}

func inDraftingUnit(d *filingv1.Document, caller auth.Caller) bool {
	unit := d.GetDraftingUnit()
	return caller.Has(corev1.Role_ROLE_DRAFTER) && unit != "" &&
		(unit == caller.Bureau || slices.Contains(caller.Predecessors, unit))
}

// viewersOf are the roles of the region that may see a document beside its
// drafting unit: the market regulator once there is a draft that touches
// operators, so that its review may run before and beside the legality review;
// reviewers and the general office once it was submitted. Roles once granted stay.
func viewersOf(d *filingv1.Document) []string {
	region := resource.Region(d.GetName())
	var viewers []string
	if d.GetOperatorImpact().GetTouchesOperators() && len(d.GetRevisions()) > 0 {
		viewers = append(viewers, auth.RoleViewer(region, corev1.Role_ROLE_MARKET_REGULATOR))
	}
	if d.GetSubmissionCount() > 0 {
		viewers = append(viewers,
			auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER),
			auth.RoleViewer(region, corev1.Role_ROLE_GENERAL_OFFICE))
	}
	return viewers
}

// touchesOperators tells whether a document counts as touching operators: it says
// so, or the regulator has concluded on it, which no later declaration undoes.
func touchesOperators(d *filingv1.Document) bool {
	return d.GetOperatorImpact().GetTouchesOperators() || d.GetCompetitionConclusion() != nil
}

// versionDigest names one version for the review: the current draft (its file and
// its stored text), the material, the consultation, the parties of the conflict
// check, and the facts the gate reads. The competition conclusion is not part of
// it, since it is made about a version. It is taken field by field, so that the
// same record in another encoding is the same version. Empty while there is no
// draft.
func versionDigest(d *filingv1.Document) string {
	current := currentRevision(d)
	if current == nil {
		return ""
	}
	h := sha256.New()
	line := func(key, value string) { fmt.Fprintf(h, "%s %d:%s\n", key, len(value), value) }
	line("format", "fashen.filing.version/2")
	line("file", current.GetFile().GetSha256())
	line("text", current.GetTextSha256())
	for _, m := range reviewedMaterials(d) {
		line("material", strconv.Itoa(int(m.GetKind()))+" "+m.GetFile().GetSha256())
	}
	line("issuing_authority", d.GetIssuingAuthority())
	line("touches_operators", strconv.FormatBool(d.GetOperatorImpact().GetTouchesOperators()))
	line("emergency", d.GetEmergency().GetReason())
	for _, party := range slices.Sorted(slices.Values(d.GetParties())) {
		line("party", party)
	}
	digestConsultation(line, d.GetConsultation())
	return hex.EncodeToString(h.Sum(nil))
}

// digestConsultation adds the consultation as recorded to a version digest.
func digestConsultation(line func(key, value string), c *filingv1.Consultation) {
	if c == nil {
		return
	}
	line("consultation_not_held", c.GetNotHeldReason())
	line("consultation_open", isoDate(c.GetOpenDate()))
	line("consultation_close", isoDate(c.GetCloseDate()))
	line("consultation_channel", c.GetChannel())
	line("consultation_shorten", c.GetShortenReason())
	for _, o := range c.GetOpinions() {
		line("opinion", o.GetSummary())
		line("opinion_source", o.GetSource())
		line("opinion_handling", strconv.Itoa(int(o.GetHandling())))
		line("opinion_reason", o.GetReason())
	}
}

func reviewedMaterials(d *filingv1.Document) []*filingv1.Material {
	var out []*filingv1.Material
	for _, m := range d.GetMaterials() {
		if m.GetKind() != filingv1.Material_COMPETITION_CONCLUSION {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *filingv1.Material) int { return cmp.Compare(a.GetKind(), b.GetKind()) })
	return out
}

// explains tells whether material goes with a draft to whoever is asked about it.
func explains(kind filingv1.Material_Kind) bool {
	return kind == filingv1.Material_DRAFTING_STATEMENT || kind == filingv1.Material_LEGAL_BASIS
}

// materialOf finds the material of a kind; nil when there is none.
func materialOf(d *filingv1.Document, kind filingv1.Material_Kind) *filingv1.Material {
	for _, m := range d.GetMaterials() {
		if m.GetKind() == kind {
			return m
		}
	}
	return nil
}

// checkMaterialUploader lets the market regulator add the signed competition
// conclusion and the drafting unit everything else.
func checkMaterialUploader(d *filingv1.Document, kind filingv1.Material_Kind, caller auth.Caller) error {
	if kind != filingv1.Material_COMPETITION_CONCLUSION {
		return checkDraftingUnit(d, caller)
	}
	if !caller.Has(corev1.Role_ROLE_MARKET_REGULATOR) {
		return rpc.New(codes.PermissionDenied, "NOT_MARKET_REGULATOR", "公平竞争审查结论只能由市场监督管理部门上传")
	}
	return nil
}

// putMaterial adds a piece of material, or puts it in the place of the one of its
// kind; docstore.ErrUnchanged when that one has the same bytes. A competition
// conclusion is signed for one draft, so that it is bound to the current one: the
// same bytes sent for another draft are a change.
func putMaterial(d *filingv1.Document, m *filingv1.Material) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if m.GetKind() == filingv1.Material_COMPETITION_CONCLUSION {
		m.Revision = d.GetCurrentRevision()
	}
	at := slices.IndexFunc(d.GetMaterials(), func(have *filingv1.Material) bool { return have.GetKind() == m.GetKind() })
	switch {
	case at < 0:
		d.Materials = append(d.Materials, m)
	case d.Materials[at].GetFile().GetSha256() == m.GetFile().GetSha256() && d.Materials[at].GetRevision() == m.GetRevision():
		return docstore.ErrUnchanged
	default:
		d.Materials[at] = m
	}
	d.VersionDigest = versionDigest(d)
	return nil
}
