package filing

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// maxSubmissions is the most rounds a review case holds.
const maxSubmissions = 50

// requiredMaterials are what goes with a draft (国办发〔2018〕115号), with their names
// for people.
var requiredMaterials = []struct {
	kind filingv1.Material_Kind
	name string
}{
	{filingv1.Material_DRAFTING_STATEMENT, "起草说明"},
	{filingv1.Material_LEGAL_BASIS, "制定依据"},
	{filingv1.Material_CONSULTATION_RECORD, "征求意见及采纳情况"},
	{filingv1.Material_OWN_LEGALITY_OPINION, "起草单位合法性审核意见"},
}

// checkSubmittable refuses a document whose record is closed or whose package is
// not whole. The record of the consultation is not asked for where a reason
// stands why none was held.
func checkSubmittable(d *filingv1.Document) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if d.GetSubmissionCount() >= maxSubmissions {
		return rpc.New(codes.ResourceExhausted, "TOO_MANY_SUBMISSIONS",
			fmt.Sprintf("一份文件最多送审%d次，请另建文件", maxSubmissions))
	}
	var missing, names []string
	if newestRevision(d) == nil {
		missing, names = append(missing, "DRAFT"), append(names, "送审稿")
	}
	for _, m := range requiredMaterials {
		excused := m.kind == filingv1.Material_CONSULTATION_RECORD && d.GetConsultation().GetNotHeldReason() != ""
		if !excused && materialOf(d, m.kind) == nil {
			missing, names = append(missing, m.kind.String()), append(names, m.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return refused{{
		Code: "MATERIALS_INCOMPLETE", Law: law115,
		Message:  "送审材料不齐全，缺少：" + strings.Join(names, "、"),
		Metadata: map[string]string{"missing": strings.Join(missing, ",")},
	}}
}

// caseOf is what the review is told about the next submission.
func caseOf(d *filingv1.Document) *counselv1.OpenCaseRequest {
	return &counselv1.OpenCaseRequest{
		Parent:           resource.Region(d.GetName()),
		Subject:          d.GetName(),
		Submission:       d.GetSubmissionCount() + 1,
		Revision:         newestRevision(d).GetName(),
		VersionDigest:    d.GetVersionDigest(),
		Title:            d.GetTitle(),
		DraftingUnit:     d.GetDraftingUnit(),
		TouchesOperators: d.GetOperatorImpact().GetTouchesOperators(),
		EmergencyReason:  d.GetEmergency().GetReason(),
		Parties:          d.GetParties(),
	}
}

// markSubmitted puts the document under review, once the case holds the
// submission.
func markSubmitted(d *filingv1.Document, reviewCase string) error {
	if err := checkSubmittable(d); err != nil {
		return err
	}
	d.State = filingv1.Document_UNDER_REVIEW
	d.SubmissionCount++
	d.ReviewCase = reviewCase
	return nil
}

// checkArranger lets the drafting unit and the general office of the region put a
// document before a meeting.
func checkArranger(d *filingv1.Document, caller auth.Caller) error {
	if inDraftingUnit(d, caller) || caller.Has(corev1.Role_ROLE_GENERAL_OFFICE) {
		return nil
	}
	return rpc.New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "只有起草单位和政府办公机构可以提请集体审议")
}

// deliberate puts the document before the meeting the gate was open for. The
// record is closed from then on.
func deliberate(d *filingv1.Document, meeting *filingv1.Deliberation) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	d.State = filingv1.Document_DELIBERATED
	d.Deliberation = meeting
	return nil
}
