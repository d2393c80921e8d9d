package counsel

import (
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
)

func TestNewSolicitation(t *testing.T) {
	c, today := at(t, counselv1.Case_UNDER_REVIEW), calendar.On(day0)
	for name, q := range map[string]struct {
		in   *counselv1.Solicitation
		want string
	}{
		"a bureau":            {&counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU, Bureau: region + "/bureaus/asked"}, ""},
		"an expert":           {&counselv1.Solicitation{Kind: counselv1.Solicitation_EXPERT, Addressee: "示例专家"}, ""},
		"a bureau unnamed":    {&counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU}, "BUREAU_UNKNOWN"},
		"an expert of one":    {&counselv1.Solicitation{Kind: counselv1.Solicitation_EXPERT, Bureau: region + "/bureaus/asked", Addressee: "示例专家"}, "BUREAU_UNKNOWN"},
		"the drafting unit":   {&counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU, Bureau: c.GetDraftingUnit()}, "ADDRESSEE_DRAFTS"},
		"the public nowhere":  {&counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC}, "REQUIRED"},
		"by a day gone by":    {&counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "网站", DueDate: ymd(2026, 4, 7)}, "DATE_INVALID"},
		"by no day there is":  {&counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "网站", DueDate: ymd(2026, 2, 30)}, "DATE_INVALID"},
		"by the day of today": {&counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "网站", DueDate: ymd(2026, 4, 8)}, ""},
	} {
		if q.in.DueDate == nil {
			q.in.DueDate = ymd(2026, 4, 20)
		}
		if _, _, err := newSolicitation(region+"/cases/one/solicitations/q", c, q.in, "示例单位", reviewer, today); (err == nil) != (q.want == "") || q.want != "" && code(err) != q.want {
			t.Errorf("%s: %v, want %q", name, err, q.want)
		}
	}
	if _, _, err := newSolicitation("q", received(), &counselv1.Solicitation{}, "", reviewer, today); code(err) != codeStateNotAllowed {
		t.Errorf("before acceptance: %v", err)
	}
}

func TestNewReply(t *testing.T) {
	today := calendar.On(day0)
	asked := auth.Caller{Person: region + "/people/asked", Region: region, Bureau: region + "/bureaus/asked", Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}}
	bureau := &counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU, Bureau: asked.Bureau, Addressee: "示例单位", State: counselv1.Solicitation_OPEN, DueDate: ymd(2026, 4, 7)}
	public := &counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "网站", State: counselv1.Solicitation_OPEN, DueDate: ymd(2026, 4, 20)}
	for name, c := range map[string]struct {
		q    *counselv1.Solicitation
		in   *counselv1.Reply
		who  auth.Caller
		want string
	}{
		"the bureau":                {bureau, &counselv1.Reply{Text: "同意"}, asked, ""},
		"the bureau, dated back":    {bureau, &counselv1.Reply{Text: "同意", ReceiveDate: ymd(2026, 4, 1)}, asked, "DATE_INVALID"},
		"another for the bureau":    {bureau, &counselv1.Reply{Text: "同意"}, reviewer, "NOT_ADDRESSEE"},
		"the bureau for the public": {public, &counselv1.Reply{Text: "同意"}, asked, "NOT_ADDRESSEE"},
		"the public":                {public, &counselv1.Reply{Text: "同意", ReceiveDate: ymd(2026, 4, 1)}, reviewer, ""},
		"the public, tomorrow":      {public, &counselv1.Reply{Text: "同意", ReceiveDate: ymd(2026, 4, 9)}, reviewer, "DATE_INVALID"},
	} {
		r, _, err := newReply("r", "c", c.q, c.in, c.who, today)
		if (err == nil) != (c.want == "") || c.want != "" && code(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && r.GetLate() != (c.q == bureau) {
			t.Errorf("%s: late %v", name, r.GetLate())
		}
	}
	bureau.State = counselv1.Solicitation_CLOSED
	if _, _, err := newReply("r", "c", bureau, &counselv1.Reply{Text: "同意"}, asked, today); code(err) != codeRecordClosed {
		t.Errorf("after the end: %v", err)
	}
}

func TestHandlingWantsAReason(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	for reason, want := range map[string]string{"": codeNonAdoptionReason, " \u3000\n": codeNonAdoptionReason, "与上位法不一致": ""} {
		a := &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: reason}
		if _, err := handle(&counselv1.Reply{}, c, a, reviewer, day0); code(err) != want {
			t.Errorf("%q: %v, want %q", reason, err, want)
		}
	}
}
