package counsel

import (
	"slices"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// term is the time a contract is in force: what it says, or less where it was
// ended early.
func term(g *counselv1.Engagement) (start, end calendar.Date) {
	start, _ = calendar.FromProto(g.GetStartDate()) // stored dates are whole
	end, _ = calendar.FromProto(g.GetEndDate())
	if g.GetTerminateDate() != nil {
		end, _ = calendar.FromProto(g.GetTerminateDate())
	}
	return start, end
}

// engagementState is how a contract stands on a day. Nothing happens at midnight:
// it is worked out whenever it is read.
func engagementState(g *counselv1.Engagement, day calendar.Date) counselv1.Engagement_State {
	start, end := term(g)
	switch {
	case day.After(end) && g.GetTerminateDate() != nil:
		return counselv1.Engagement_TERMINATED
	case day.After(end):
		return counselv1.Engagement_EXPIRED
	case day.Before(start):
		return counselv1.Engagement_NOT_YET
	case day.AddDays(expiringDays).After(end):
		return counselv1.Engagement_EXPIRING
	}
	return counselv1.Engagement_IN_FORCE
}

// inForce tells whether one of the contracts is in force on a day.
func inForce(engagements []*counselv1.Engagement, day calendar.Date) bool {
	return slices.ContainsFunc(engagements, func(g *counselv1.Engagement) bool {
		state := engagementState(g, day)
		return state == counselv1.Engagement_IN_FORCE || state == counselv1.Engagement_EXPIRING
	})
}

// newEngagement records a contract with an adviser who is retained.
func newEngagement(name string, e *counselv1.CounselEntry, in *counselv1.Engagement, others []*counselv1.Engagement) (*counselv1.Engagement, docstore.Change, error) {
	if e.GetKind() != counselv1.CounselEntry_RETAINED_COUNSEL {
		return nil, docstore.Change{}, rpc.Field("parent", "NOT_RETAINED", "公职律师不签订聘用合同")
	}
	if e.GetState() == counselv1.CounselEntry_REMOVED {
		return nil, docstore.Change{}, refused(codeRecordClosed, "", "该法律顾问已退出名册")
	}
	start, err := dateField("engagement.start_date", in.GetStartDate())
	if err != nil {
		return nil, docstore.Change{}, err
	}
	end, err := dateField("engagement.end_date", in.GetEndDate())
	if err != nil {
		return nil, docstore.Change{}, err
	}
	if end.Before(start) {
		return nil, docstore.Change{}, rpc.Field("engagement.end_date", "DATES_REVERSED", "终止日期不得早于起始日期")
	}
	if err := renewable(in, start, others); err != nil {
		return nil, docstore.Change{}, err
	}
	g := &counselv1.Engagement{
		Name: name, ContractNumber: in.GetContractNumber(), StartDate: in.GetStartDate(), EndDate: in.GetEndDate(),
		Scope: in.GetScope(), FeeFen: in.GetFeeFen(), RenewedContractNumber: in.GetRenewedContractNumber(),
	}
	return g, docstore.Change{
		Grant: []string{auth.RoleViewer(regionOf(name), corev1.Role_ROLE_REVIEWER), e.GetPerson()},
		Details: []*corev1.Detail{
			docstore.Detail("contract_number", g.GetContractNumber()), docstore.Detail("start_date", start), docstore.Detail("end_date", end),
		},
	}, nil
}

// renewable checks the contract that a new one renews.
func renewable(in *counselv1.Engagement, start calendar.Date, others []*counselv1.Engagement) error {
	renewed := in.GetRenewedContractNumber() == ""
	for _, g := range others {
		if !renewed && g.GetRenewedContractNumber() == in.GetRenewedContractNumber() && g.GetTerminateDate() == nil {
			return rpc.Field("engagement.renewed_contract_number", "CONTRACT_RENEWED", "原合同已经续签，合同编号："+g.GetContractNumber())
		}
	}
	for _, g := range others {
		if renewed || g.GetContractNumber() != in.GetRenewedContractNumber() {
			continue
		}
		if _, end := term(g); !start.After(end) {
			return rpc.Field("engagement.start_date", "DATES_OVERLAP", "续聘合同应当自原合同期满后起算")
		}
		renewed = true
	}
	if !renewed {
		return rpc.Field("engagement.renewed_contract_number", "CONTRACT_UNKNOWN", "没有该编号的原合同")
	}
	return nil
}

// terminate ends a contract before its last day; one that has not begun never
// comes into force.
func terminate(g *counselv1.Engagement, reason string, last, today calendar.Date) (docstore.Change, error) {
	_, end := term(g)
	switch {
	case g.GetTerminateDate() != nil, today.After(end):
		return docstore.Change{}, refused(codeRecordClosed, "", "聘用合同已经解除或者期满")
	case last.Before(today), !last.Before(end):
		return docstore.Change{}, rpc.Field("terminate_date", "DATE_INVALID", "解除日期应当不早于今日并早于合同终止日期")
	}
	g.TerminateDate, g.TerminateReason = last.Proto(), reason
	return docstore.Change{Details: []*corev1.Detail{docstore.Detail("terminate_date", last), docstore.Detail("reason", reason)}}, nil
}
