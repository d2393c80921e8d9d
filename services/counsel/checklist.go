package counsel

import (
	"fmt"
	"slices"
	"strings"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/rpc"
)

// reviewPoint is one point of a checklist, with its name for people.
type reviewPoint struct {
	point counselv1.ReviewPoint
	name  string
}

// normativePoints are what the review of a normative document looks at
// (国办发〔2018〕115号).
var normativePoints = []reviewPoint{
	{counselv1.ReviewPoint_REVIEW_POINT_ISSUER, "制定主体是否合法"},
	{counselv1.ReviewPoint_REVIEW_POINT_POWERS, "是否超越制定机关法定职权"},
	{counselv1.ReviewPoint_REVIEW_POINT_HIGHER_LAW, "内容是否符合宪法、法律、法规、规章和国家政策规定"},
	{counselv1.ReviewPoint_REVIEW_POINT_RESERVED_MATTERS, "是否违法设立行政许可、行政处罚、行政强制、行政征收、行政收费等事项"},
	{counselv1.ReviewPoint_REVIEW_POINT_RIGHTS_AND_DUTIES, "是否没有法律、法规依据减损公民、法人和其他组织合法权益或者增加其义务"},
	{counselv1.ReviewPoint_REVIEW_POINT_OWN_POWERS, "是否没有法律、法规依据增加本单位权力或者减少本单位法定职责"},
	{counselv1.ReviewPoint_REVIEW_POINT_PROCEDURE, "是否违反法定程序"},
}

// checklistOf brings a checklist into the order of its points, with those that
// were not answered as such.
func checklistOf(points []reviewPoint, given []*counselv1.ChecklistEntry) ([]*counselv1.ChecklistEntry, error) {
	for i, e := range given {
		field := fmt.Sprintf("opinion.checklist[%d].point", i)
		same := func(other *counselv1.ChecklistEntry) bool { return other.GetPoint() == e.GetPoint() }
		switch {
		case !slices.ContainsFunc(points, func(p reviewPoint) bool { return p.point == e.GetPoint() }):
			return nil, rpc.Field(field, "CHECKLIST_POINT_UNKNOWN", "本类审核没有这一审核要点")
		case slices.IndexFunc(given, same) < i:
			return nil, rpc.Field(field, "CHECKLIST_POINT_TWICE", "同一审核要点填写了两次")
		}
	}
	out := make([]*counselv1.ChecklistEntry, len(points))
	for i, p := range points {
		out[i] = &counselv1.ChecklistEntry{Point: p.point}
		for _, e := range given {
			if e.GetPoint() == p.point {
				out[i] = e
			}
		}
	}
	return out, nil
}

// checkChecklist refuses a review opinion whose checklist is not answered, or
// answered otherwise than it concludes: lawful is what conforms in every point, and
// what must be changed in substance, or is unlawful, fails in one.
func checkChecklist(o *counselv1.Opinion, law string) error {
	var open, without []string
	failing := false
	for _, e := range o.GetChecklist() {
		switch e.GetResult() {
		case counselv1.ChecklistEntry_CONFORMS:
		case counselv1.ChecklistEntry_DOES_NOT_CONFORM:
			failing = true
			if strings.TrimSpace(e.GetNote()) == "" {
				without = append(without, pointName(e.GetPoint()))
			}
		default:
			open = append(open, pointName(e.GetPoint()))
		}
	}
	switch {
	case len(o.GetChecklist()) == 0:
		return refused(codeChecklistIncomplete, law, "审核要点尚未填写")
	case len(open) > 0:
		return refused(codeChecklistIncomplete, law, "下列审核要点尚未填写："+strings.Join(open, "；"))
	case len(without) > 0:
		return refused(codeChecklistIncomplete, law, "下列审核要点不符合，应当说明情况："+strings.Join(without, "；"))
	case failing && lawful(o.GetConclusion()):
		return refused(codeChecklistContradicts, law, "有审核要点不符合，结论不能是合法")
	case !failing && mustChange(o):
		return refused(codeChecklistContradicts, law, "各审核要点均符合，与结论和必须修改的意见不一致")
	}
	return nil
}

// lawful tells whether a conclusion lets the draft stand as it is.
func lawful(c counselv1.Conclusion) bool {
	return c == counselv1.Conclusion_LAWFUL || c == counselv1.Conclusion_LAWFUL_WITH_RISK
}

// mustChange tells whether an opinion finds something that no review point could
// let pass: it is unlawful, or has to be changed in more than form.
func mustChange(o *counselv1.Opinion) bool {
	return o.GetConclusion() == counselv1.Conclusion_UNLAWFUL || o.GetConclusion() == counselv1.Conclusion_REVISE &&
		slices.ContainsFunc(o.GetItems(), func(i *counselv1.OpinionItem) bool {
			return i.GetSeverity() == counselv1.OpinionItem_MUST && i.GetKind() != counselv1.OpinionItem_FORM
		})
}

func pointName(point counselv1.ReviewPoint) string {
	for _, p := range slices.Concat(normativePoints, enforcementPoints) {
		if p.point == point {
			return p.name
		}
	}
	return point.String()
}
