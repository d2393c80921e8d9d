package filing

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

const (
	lawException  = "公平竞争审查条例第十二条"
	codeDecided   = "FINDING_DECIDED"
	codeOpen      = "FINDING_OPEN"
	codeUnclaimed = "EXCEPTION_NOT_CLAIMED"
)

// matter is a finding about which somebody wants to decide.
type matter struct {
	d *filingv1.Document
	f *corev1.Finding
	// x is its disposition: one of its own, one carried to it, or an open one.
	x *corev1.Disposition
}

// A decision changes the disposition of a finding in place, or answers why not.
type decision func(m matter, who auth.Caller, at time.Time) error

// competitionPack tells whether a pack, such as `competition@2026.11`, holds rules of
// fair competition, on which the market regulator decides too.
func competitionPack(pack string) bool {
	name, _, _ := strings.Cut(pack, "@")
	return name == "competition" || strings.HasPrefix(name, "competition-")
}

// checkDecider lets reviewers decide on every finding and the market regulator on
// those of fair competition, once the record is open and the draft is not their own.
func checkDecider(m matter, who auth.Caller) error {
	switch {
	case checkOpen(m.d) != nil:
		return checkOpen(m.d)
	case who.Among(drafters(m.d)):
		return refused{{Code: "SELF_REVIEW_FORBIDDEN", Message: "起草人员不得处理自己起草的文件的疑似问题"}}
	case who.Has(corev1.Role_ROLE_REVIEWER):
		return nil
	case who.Has(corev1.Role_ROLE_MARKET_REGULATOR) && competitionPack(m.f.GetPack()):
		return nil
	}
	return rpc.New(codes.PermissionDenied, rpc.ReasonRoleRequired, "公平竞争审查人员只处理公平竞争规则提示的疑似问题，其余由合法性审核人员处理")
}

// decided is the refusal of a decision where another one stands: it is taken back
// first, so that nobody's decision is written over.
func decided(x *corev1.Disposition) error {
	return refused{{
		Code: codeDecided, Message: "该疑似问题已经处理，如需改变，应当先撤回原处理意见",
		Metadata: map[string]string{"state": x.GetState().String(), "decider": x.GetDecider()},
	}}
}

// settle makes the disposition say who decided what, and why.
func settle(x *corev1.Disposition, state corev1.Disposition_State, ground corev1.Disposition_Ground, reason string, who auth.Caller, at time.Time) {
	x.State, x.Ground, x.Reason = state, ground, strings.TrimSpace(reason)
	x.Decider, x.DecidedOnBehalfOf, x.DecideTime = who.Actor(), who.OnBehalfOf(), timestamppb.New(at)
}

// confirm holds with the finding.
func confirm(reason string) decision {
	return func(m matter, who auth.Caller, at time.Time) error {
		if err := checkDecider(m, who); err != nil {
			return err
		}
		switch m.x.GetState() {
		case corev1.Disposition_CONFIRMED, corev1.Disposition_DISMISSED:
			return decided(m.x)
		}
		settle(m.x, corev1.Disposition_CONFIRMED, corev1.Disposition_GROUND_UNSPECIFIED, reason, who, at)
		return nil
	}
}

// dismiss does not hold with the finding, for a reason. That an exception applies
// can be said only of one that was claimed.
func dismiss(ground corev1.Disposition_Ground, reason string) decision {
	return func(m matter, who auth.Caller, at time.Time) error {
		if err := cmp.Or(checkDecider(m, who), checkWords("reason", reason, 5)); err != nil {
			return err
		}
		switch m.x.GetState() {
		case corev1.Disposition_CONFIRMED, corev1.Disposition_DISMISSED:
			return decided(m.x)
		}
		claimed := m.x.GetState() == corev1.Disposition_EXCEPTION_CLAIMED
		if ground == corev1.Disposition_EXCEPTION_APPLIES && !claimed {
			return refused{{Code: codeUnclaimed, Law: lawException, Message: "起草单位没有主张适用例外规定"}}
		}
		settle(m.x, corev1.Disposition_DISMISSED, ground, reason, who, at)
		return nil
	}
}

// claimException is the drafting unit's word that an exception applies. It may come
// after a confirmation, and then the decision is open again.
func claimException(given *corev1.ExceptionClaim) decision {
	return func(m matter, who auth.Caller, at time.Time) error {
		err := cmp.Or(checkDraftingUnit(m.d, who), checkOpen(m.d), checkWords("statement", given.GetStatement(), 5),
			checkWords("alternatives", given.GetAlternatives(), 5), checkWords("term", given.GetTerm(), 2))
		if err != nil {
			return err
		}
		if !competitionPack(m.f.GetPack()) {
			return refused{{
				Code: "EXCEPTION_NOT_APPLICABLE", Law: lawException, Message: "例外规定只适用于公平竞争规则提示的疑似问题",
				Metadata: map[string]string{"pack": m.f.GetPack()},
			}}
		}
		switch m.x.GetState() {
		case corev1.Disposition_DISMISSED, corev1.Disposition_EXCEPTION_CLAIMED:
			return decided(m.x)
		}
		c := proto.CloneOf(given)
		c.Claimant, c.ClaimedOnBehalfOf, c.ClaimTime = who.Actor(), who.OnBehalfOf(), timestamppb.New(at)
		m.x.State, m.x.Claim = corev1.Disposition_EXCEPTION_CLAIMED, c
		m.x.Ground, m.x.Reason, m.x.Decider, m.x.DecidedOnBehalfOf, m.x.DecideTime = 0, "", "", "", nil
		return nil
	}
}

// reopen takes a decision back. The drafting unit takes back the exception it
// claimed, and nothing else.
func reopen(reason string) decision {
	return func(m matter, who auth.Caller, at time.Time) error {
		claim := m.x.GetState() == corev1.Disposition_EXCEPTION_CLAIMED
		may := checkDecider(m, who)
		if claim {
			may = cmp.Or(checkDraftingUnit(m.d, who), checkOpen(m.d))
		}
		if err := cmp.Or(may, checkWords("reason", reason, 5)); err != nil {
			return err
		}
		if m.x.GetState() == corev1.Disposition_OPEN {
			return refused{{Code: codeOpen, Message: "该疑似问题尚未处理，无可撤回"}}
		}
		settle(m.x, corev1.Disposition_OPEN, corev1.Disposition_GROUND_UNSPECIFIED, reason, who, at)
		return nil
	}
}

// checkWords refuses blanks where words are asked for.
func checkWords(field, text string, least int) error {
	if utf8.RuneCountInString(strings.TrimSpace(text)) < least {
		return rpc.Field(field, "TEXT_REQUIRED", "不得为空白，请写明具体内容")
	}
	return nil
}

// findingNamed finds a finding of a screening by the last part of its name; nil when
// there is none.
func findingNamed(s *filingv1.Screening, id string) *corev1.Finding {
	for _, f := range s.GetFindings() {
		if f.GetId() == id {
			return f
		}
	}
	return nil
}

// findingName is the name of a finding of a draft.
func findingName(r *filingv1.Revision, f *corev1.Finding) string {
	return r.GetName() + "/findings/" + f.GetId()
}

// rootOf is the finding in which the rule pointed at the same words first.
func rootOf(r *filingv1.Revision, f *corev1.Finding) string {
	return cmp.Or(f.GetFirstRaised(), findingName(r, f))
}

// dispositions are all those of one document.
type dispositions struct {
	own map[string]*corev1.Disposition
	// newest is, for each finding that was raised first, what was decided last about
	// its words, in whatever draft.
	newest map[string]*corev1.Disposition
}

func (ds *dispositions) add(x *corev1.Disposition) {
	if ds.own == nil {
		ds.own, ds.newest = map[string]*corev1.Disposition{}, map[string]*corev1.Disposition{}
	}
	ds.own[x.GetName()] = x
	if had := ds.newest[x.GetFirstRaised()]; had == nil || laterThan(x, had) {
		ds.newest[x.GetFirstRaised()] = x
	}
}

// laterThan orders what was decided about the same words.
func laterThan(x, y *corev1.Disposition) bool {
	return cmp.Or(x.GetUpdateTime().AsTime().Compare(y.GetUpdateTime().AsTime()), cmp.Compare(x.GetName(), y.GetName())) > 0
}

// of is the disposition of a finding: its own; else what was confirmed or dismissed
// last about the same words in another draft; else an open one. An exception is
// claimed for one text, with the alternatives and the term of that text, and is not
// carried.
func (ds *dispositions) of(r *filingv1.Revision, f *corev1.Finding) *corev1.Disposition {
	name, root := findingName(r, f), rootOf(r, f)
	if own := ds.own[name]; own != nil {
		return own
	}
	open := &corev1.Disposition{
		Name: name, State: corev1.Disposition_OPEN, Rule: f.GetRule(), Pack: f.GetPack(), FirstRaised: root,
	}
	last := ds.newest[root]
	switch last.GetState() {
	case corev1.Disposition_CONFIRMED, corev1.Disposition_DISMISSED:
	default:
		return open
	}
	carried := proto.CloneOf(last)
	carried.Name, carried.CarriedFrom, carried.Etag = name, last.GetName(), ""
	carried.CreateTime, carried.UpdateTime = nil, nil
	return carried
}

// dispositionViewers are those who see the events of what is decided: of those who
// see the document now by bureau and role, all but the general office, before which
// suspicions of a machine are not put. Counsel reads them with the document.
func dispositionViewers(d *filingv1.Document) []string {
	office := auth.RoleViewer(resource.Region(d.GetName()), corev1.Role_ROLE_GENERAL_OFFICE)
	viewers := slices.DeleteFunc(viewersOf(d), func(v string) bool { return v == office })
	return append(viewers, d.GetDraftingUnit())
}

// dispositionDetails are the facts of a decision for the journal.
func dispositionDetails(x *corev1.Disposition) []*corev1.Detail {
	details := []*corev1.Detail{
		docstore.Detail("rule", x.GetRule()),
		docstore.Detail("pack", x.GetPack()),
		docstore.Detail("first_raised", x.GetFirstRaised()),
	}
	if x.GetGround() != corev1.Disposition_GROUND_UNSPECIFIED {
		details = append(details, docstore.Detail("ground", x.GetGround()))
	}
	if x.GetState() == corev1.Disposition_EXCEPTION_CLAIMED {
		details = append(details, docstore.Detail("basis", x.GetClaim().GetBasis()), docstore.Detail("statement", x.GetClaim().GetStatement()))
	}
	if x.GetReason() != "" {
		details = append(details, docstore.Detail("reason", x.GetReason()))
	}
	return details
}
