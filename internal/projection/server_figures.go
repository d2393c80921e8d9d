package projection

import (
	"context"
	"path"
	"slices"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// period is the range of event dates between two days, both part of it.
func period(first, last *datepb.Date) (docstore.Range, error) {
	from, err := calendar.FromProto(first)
	if err != nil {
		return docstore.Range{}, rpc.Field("first_date", "DATE_INVALID", "日期不存在")
	}
	to, err := calendar.FromProto(last)
	if err != nil {
		return docstore.Range{}, rpc.Field("last_date", "DATE_INVALID", "日期不存在")
	}
	if to.Before(from) {
		return docstore.Range{}, rpc.Field("last_date", "PERIOD_INVALID", "截止日期不得早于起始日期")
	}
	return docstore.Range{Field: "event_date", From: from.String(), To: to.AddDays(1).String()}, nil
}

// dates is the range of event dates a figure sums up: a balance all that came before.
func (d Definition) dates(period docstore.Range) *docstore.Range {
	if d.Balance {
		period.From = nil
	}
	return &period
}

// toldTo tells whose work alone a caller is told of, and whether of this figure at
// all: reviewers of everybody's, counsel of the own, the general office of what is no
// single person's.
func (d Definition) toldTo(who auth.Caller, person string) (of string, told bool) {
	switch own := who.Has(corev1.Role_ROLE_COUNSEL); {
	case who.Has(corev1.Role_ROLE_REVIEWER), own && person == who.Person:
		return person, d.Personal || person == ""
	case person != "":
		return person, false
	case who.Has(corev1.Role_ROLE_GENERAL_OFFICE) && !d.Personal:
		return "", true
	case own:
		return who.Person, d.Personal
	}
	return "", false
}

func notTold() error {
	return rpc.New(codes.PermissionDenied, rpc.ReasonRoleRequired, "法律顾问工作情况只向审核人员和本人提供")
}

// grouping is the field of lines that figures are broken down by; none for totals.
var grouping = map[corev1.ListFiguresRequest_GroupBy][]string{
	corev1.ListFiguresRequest_BUREAU:       {"bureau"},
	corev1.ListFiguresRequest_SUBJECT_KIND: {"subject_kind"},
	corev1.ListFiguresRequest_PERSON:       {"person"},
	corev1.ListFiguresRequest_CATEGORY:     {"category"},
}

// wanted are the figures a request asks for and the caller is told of.
func (p *Projector) wanted(in *corev1.ListFiguresRequest, who auth.Caller) ([]Definition, error) {
	for _, code := range in.GetCodes() {
		if !slices.ContainsFunc(p.d.Figures, func(d Definition) bool { return d.Code == code }) {
			return nil, rpc.Field("codes", "FIGURE_UNKNOWN", "这个服务没有统计指标 "+code)
		}
	}
	var out []Definition
	for _, d := range p.d.Figures {
		_, told := d.toldTo(who, in.GetPerson())
		asked := slices.Contains(in.GetCodes(), d.Code)
		if asked && !told {
			return nil, notTold()
		}
		if told && (asked || len(in.GetCodes()) == 0) {
			out = append(out, d)
		}
	}
	return out, nil
}

// ListFigures implements WorkService.
func (s *Server) ListFigures(ctx context.Context, in *corev1.ListFiguresRequest) (*corev1.ListFiguresResponse, error) {
	p, who, err := s.asked(ctx, regionName, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	dates, err := period(in.GetFirstDate(), in.GetLastDate())
	if err != nil {
		return nil, err
	}
	figures, err := p.wanted(in, who)
	if err != nil {
		return nil, err
	}
	if len(figures) == 0 && len(p.d.Figures) > 0 {
		return nil, notTold()
	}
	out := &corev1.ListFiguresResponse{QueryTime: timestamppb.New(s.now())}
	if out.Watermark, err = p.watermark(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	by := grouping[in.GetGroupBy()]
	for _, d := range figures {
		q := docstore.Query{Equal: map[string]any{docstore.FieldParent: figureName(in.GetParent(), d.Code)}, Range: d.dates(dates)}
		if person, _ := d.toldTo(who, in.GetPerson()); person != "" {
			q.Equal["person"] = person
		}
		groups, err := p.rows.lines.Aggregate(ctx, q, by, []string{"count", "numerator", "denominator"})
		if err != nil {
			return nil, err
		}
		out.Figures = append(out.Figures, d.figure(in.GetParent(), groups, by != nil))
	}
	return out, nil
}

// ListFigureLines implements WorkService.
func (s *Server) ListFigureLines(ctx context.Context, in *corev1.ListFigureLinesRequest) (*corev1.ListFigureLinesResponse, error) {
	p, who, err := s.asked(ctx, figurePattern, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(p.d.Figures, func(d Definition) bool { return d.id() == path.Base(in.GetParent()) })
	if i < 0 {
		return nil, rpc.NotFound(in.GetParent())
	}
	person, told := p.d.Figures[i].toldTo(who, in.GetPerson())
	if !told {
		return nil, notTold()
	}
	dates, err := period(in.GetFirstDate(), in.GetLastDate())
	if err != nil {
		return nil, err
	}
	w, err := p.watermark(ctx, resource.Region(in.GetParent()))
	if err != nil {
		return nil, err
	}
	q := docstore.Query{
		Equal: map[string]any{docstore.FieldParent: in.GetParent()}, Range: p.d.Figures[i].dates(dates),
		PageSize: int(in.GetPageSize()), PageToken: in.GetPageToken(),
	}
	for field, value := range map[string]string{"bureau": in.GetBureau(), "person": person, "category": in.GetCategory()} {
		if value != "" {
			q.Equal[field] = value
		}
	}
	if len(q.Equal) > 2 {
		return nil, rpc.Field("bureau", "FILTERS_EXCLUSIVE", "单位、人员和类别只能按其中一项筛选")
	}
	page, err := p.rows.lines.List(ctx, q)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &corev1.ListFigureLinesResponse{Lines: page.Items, NextPageToken: page.NextPageToken, Watermark: w}, nil
}
