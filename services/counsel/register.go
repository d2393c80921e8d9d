package counsel

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	datepb "google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	lawCounsel = "中办发〔2016〕30号"

	codeNotRegistered  = "COUNSEL_NOT_REGISTERED"
	codeNotEngaged     = "ENGAGEMENT_NOT_IN_FORCE"
	codeAssessedBefore = "ASSESSMENT_EXISTS"

	// maxAssessments bounds the yearly assessments of an entry.
	maxAssessments = 60
	// expiringDays before the last day of a contract it is time to think of renewal.
	expiringDays = 60
)

// dateField reads a date a client sent; the field is named where it is none.
func dateField(field string, p *datepb.Date) (calendar.Date, error) {
	d, err := calendar.FromProto(p)
	if err != nil || p == nil {
		return calendar.Date{}, rpc.Field(field, "DATE_INVALID", "应当是完整有效的日期")
	}
	return d, nil
}

// checkEntry checks an entry as a whole.
func checkEntry(e *counselv1.CounselEntry, today calendar.Date) error {
	var bad []rpc.FieldViolation
	missing := func(field, what string) {
		bad = append(bad, rpc.FieldViolation{Field: "counsel_entry." + field, Reason: "REQUIRED", Message: "应当填写" + what})
	}
	if e.GetPerson() == "" {
		missing("person", "人员")
	}
	if e.GetKind() == counselv1.CounselEntry_KIND_UNSPECIFIED {
		missing("kind", "类别")
	}
	if e.GetCertificateNumber() == "" {
		missing("certificate_number", "执业证号或者公职律师证号")
	}
	if err := rpc.Fields(bad...); err != nil {
		return err
	}
	start, err := dateField("counsel_entry.practice_start_date", e.GetPracticeStartDate())
	if err != nil {
		return err
	}
	if start.After(today) {
		return rpc.Field("counsel_entry.practice_start_date", "DATE_IN_FUTURE", "执业或者从事法律工作的起始日期不得晚于今日")
	}
	return checkClients(e.GetClients())
}

func checkClients(clients []*counselv1.Client) error {
	for _, c := range clients {
		if c.GetEndDate() == nil {
			continue
		}
		if _, err := dateField("counsel_entry.clients.end_date", c.GetEndDate()); err != nil {
			return err
		}
	}
	return nil
}

// describes fills an entry with what the directory knows of the person. Retained
// counsel works for a law firm and holds the role, a government lawyer for a
// bureau (律师法 art 11; 公职律师管理办法).
func describes(e *counselv1.CounselEntry, p *directoryv1.Person, bureau string) error {
	outside := slices.Contains(p.GetRoles(), corev1.Role_ROLE_COUNSEL) && p.GetLawFirm() != ""
	switch {
	case p.GetState() == directoryv1.Person_DISABLED:
		return rpc.Field("counsel_entry.person", "PERSON_DISABLED", "该人员已停用")
	case e.GetKind() == counselv1.CounselEntry_RETAINED_COUNSEL && !outside:
		return rpc.Field("counsel_entry.person", "NOT_COUNSEL", "应当是本区具有外聘法律顾问角色的人员")
	case e.GetKind() == counselv1.CounselEntry_GOVERNMENT_LAWYER && p.GetBureau() == "":
		return rpc.Field("counsel_entry.person", "NOT_CIVIL_SERVANT", "公职律师应当是本区机关的在职人员")
	}
	e.DisplayName, e.Organization = p.GetDisplayName(), p.GetLawFirm()
	if p.GetBureau() != "" {
		e.Organization = bureau
	}
	return nil
}

// practised checks that retained counsel has the years of practice that the region asks
// for (中办发〔2016〕30号; how many, regions say). A government lawyer holds a certificate
// for it and is not asked.
func practised(e *counselv1.CounselEntry, years int32, today calendar.Date) error {
	start, err := dateField("counsel_entry.practice_start_date", e.GetPracticeStartDate())
	if err != nil {
		return err
	}
	if enough := start.AddMonths(12 * int(years)); enough.After(today) {
		return rpc.Field("counsel_entry.practice_start_date", "PRACTICE_TOO_SHORT",
			fmt.Sprintf("外聘法律顾问应当执业满%d年，最早%s可以登入名册", years, enough))
	}
	return nil
}

// newEntry enters a person on the register. The person sees the own entry.
func newEntry(name, region string, in *counselv1.CounselEntry) (*counselv1.CounselEntry, docstore.Change) {
	e := &counselv1.CounselEntry{
		Name: name, Person: in.GetPerson(), Kind: in.GetKind(), DisplayName: in.GetDisplayName(), Organization: in.GetOrganization(),
		CertificateNumber: in.GetCertificateNumber(), PracticeStartDate: in.GetPracticeStartDate(),
		Specialities: in.GetSpecialities(), LanguageCodes: in.GetLanguageCodes(), Clients: in.GetClients(),
		State: counselv1.CounselEntry_ACTIVE,
	}
	return e, docstore.Change{
		To: e.GetState().String(), Grant: []string{auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER), e.GetPerson()},
		Details: []*corev1.Detail{docstore.Detail("person", e.GetPerson())},
	}
}

// changeEntry changes an entry: counsel keeps the own clients, everything else is
// the reviewing body's.
func changeEntry(e, in *counselv1.CounselEntry, fields map[string]bool, who auth.Caller, today calendar.Date) (docstore.Change, error) {
	if e.GetState() == counselv1.CounselEntry_REMOVED {
		return docstore.Change{}, refused(codeRecordClosed, "", "该法律顾问已退出名册，不能再改")
	}
	var details []*corev1.Detail
	for field := range fields {
		if field != "clients" && !who.Has(corev1.Role_ROLE_REVIEWER) {
			return docstore.Change{}, rpc.New(codes.PermissionDenied, "FIELD_NOT_YOURS", "法律顾问本人只能更新委托人名单", "field", field)
		}
		switch field {
		case "certificate_number":
			e.CertificateNumber = in.GetCertificateNumber()
		case "practice_start_date":
			e.PracticeStartDate = in.GetPracticeStartDate()
		case "specialities":
			e.Specialities = in.GetSpecialities()
		case "language_codes":
			e.LanguageCodes = in.GetLanguageCodes()
		case "clients":
			e.Clients = in.GetClients()
		}
		details = append(details, docstore.Detail("field", field))
	}
	slices.SortFunc(details, func(a, b *corev1.Detail) int { return slices.Compare([]byte(a.GetValue()), []byte(b.GetValue())) })
	return docstore.Change{From: e.GetState().String(), To: e.GetState().String(), Details: details}, checkEntry(e, today)
}

// setCounselState moves an entry to a state; out of REMOVED nothing leads.
func setCounselState(e *counselv1.CounselEntry, to counselv1.CounselEntry_State, reason string) (docstore.Change, error) {
	from := e.GetState()
	switch from {
	case to:
		return docstore.Change{}, docstore.ErrUnchanged
	case counselv1.CounselEntry_REMOVED:
		return docstore.Change{}, refused(codeRecordClosed, "", "该法律顾问已退出名册，不能再改")
	}
	e.State, e.StateReason = to, reason
	return docstore.Change{From: from.String(), To: to.String(), Details: []*corev1.Detail{docstore.Detail("reason", reason)}}, nil
}

// assess records the assessment of a year that has begun, once.
func assess(e *counselv1.CounselEntry, a *counselv1.Assessment, who auth.Caller, now time.Time) (docstore.Change, error) {
	if who.Among([]string{e.GetPerson()}) {
		return docstore.Change{}, refused(codeSelfReview, "", "不得评价本人")
	}
	if int(a.GetYear()) > calendar.On(now).Year {
		return docstore.Change{}, rpc.Field("assessment.year", "DATE_IN_FUTURE", "年度尚未开始，不能考核")
	}
	if slices.ContainsFunc(e.GetAssessments(), func(old *counselv1.Assessment) bool { return old.GetYear() == a.GetYear() }) {
		return docstore.Change{}, rpc.New(codes.AlreadyExists, codeAssessedBefore, "该年度已经考核")
	}
	if len(e.GetAssessments()) >= maxAssessments {
		return docstore.Change{}, refused(codeRecordClosed, "", "年度考核数量已达上限")
	}
	e.Assessments = append(e.Assessments, &counselv1.Assessment{
		Year: a.GetYear(), Grade: a.GetGrade(), Comment: a.GetComment(), Author: who.Actor(), AssessTime: timestamppb.New(now),
	})
	slices.SortFunc(e.Assessments, func(a, b *counselv1.Assessment) int { return int(a.GetYear() - b.GetYear()) })
	return docstore.Change{
		From: e.GetState().String(), To: e.GetState().String(),
		Details: []*corev1.Detail{docstore.Detail("year", a.GetYear()), docstore.Detail("grade", a.GetGrade())},
	}, nil
}
