package competition

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// day is a civil date as the rulebook takes it.
func day(d calendar.Date) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// dateField reads a date that a client sent; the zero date when it sent none.
func dateField(field string, d *datepb.Date) (calendar.Date, error) {
	if d == nil {
		return calendar.Date{}, nil
	}
	on, err := calendar.FromProto(d)
	if err != nil {
		return calendar.Date{}, rpc.Field(field, calendar.ReasonDateMalformed, "不是日期")
	}
	return on, nil
}

// within tells whether a date lies between two, of which the last may be open.
func within(on calendar.Date, from, to *datepb.Date) bool {
	first, err := calendar.FromProto(from)
	if err != nil || on.Before(first) {
		return false
	}
	if to == nil {
		return true
	}
	last, err := calendar.FromProto(to)
	return err == nil && !on.After(last)
}

// inForce is a rule set as it is on a date: the rules in force then, each with the
// law of that day. It is refused where there are none. What does not differ is shared
// with the whole set, which nobody changes.
func inForce(r *competitionv1.RuleSet, on calendar.Date) (*competitionv1.RuleSet, error) {
	out := summary(r)
	for _, rule := range r.GetRules() {
		if within(on, rule.GetEffectiveDate(), rule.GetEndDate()) {
			out.Rules = append(out.Rules, lawOf(rule, on))
		}
	}
	out.RuleCount = int32(len(out.GetRules()))
	if len(out.GetRules()) == 0 {
		first, err := calendar.FromProto(r.GetEffectiveDate())
		return nil, cmp.Or(err, refused(&rulebook.NotForDateError{Pack: r.GetPack(), Date: day(on), Earliest: day(first)}))
	}
	return out, nil
}

// lawOf is a rule that cites only what is in force on a date.
func lawOf(rule *competitionv1.Rule, on calendar.Date) *competitionv1.Rule {
	holds := func(c *competitionv1.RuleCitation) bool { return within(on, c.GetEffectiveDate(), c.GetEndDate()) }
	cites := rule.GetCitations()
	if !slices.ContainsFunc(cites, func(c *competitionv1.RuleCitation) bool { return !holds(c) }) {
		return rule
	}
	rule = proto.CloneOf(rule)
	rule.Citations = nil
	for _, c := range cites {
		if holds(c) {
			rule.Citations = append(rule.Citations, c)
		}
	}
	return rule
}

// summary is a rule set without its rules.
func summary(r *competitionv1.RuleSet) *competitionv1.RuleSet {
	return &competitionv1.RuleSet{
		Name: r.GetName(), Pack: r.GetPack(), Version: r.GetVersion(), Label: r.GetLabel(), Title: r.GetTitle(),
		EffectiveDate: r.GetEffectiveDate(), EndDate: r.GetEndDate(), RuleCount: r.GetRuleCount(), Sha256: r.GetSha256(),
	}
}

// refused turns what the rulebook says of packs and dates into what a client gets.
func refused(err error) error {
	var none *rulebook.NotForDateError
	switch {
	case errors.As(err, &none):
		return rpc.Refused(rpc.Refusal{
			Code: none.Code(), Message: none.Message(),
			Metadata: map[string]string{"pack": none.Pack, "earliest_date": none.Earliest.Format(time.DateOnly)},
		})
	case errors.Is(err, rulebook.ErrUnknownPack):
		return rpc.Field("packs", "RULE_PACK_UNKNOWN", "没有这个规则包")
	case err == nil:
		return nil
	}
	return fmt.Errorf("choose the rules: %w", err)
}
