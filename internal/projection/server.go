package projection

import (
	"context"
	"path"
	"slices"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

const (
	regionName     = "regions/{region}"
	figurePattern  = regionName + "/figures/{figure}"
	projectionName = regionName + "/projections/{projection}"
)

// reviewKinds are the tasks of review: those a reviewer's workload counts, about
// cases that every reviewer of the region sees.
var reviewKinds = []corev1.Task_Kind{
	corev1.Task_ACCEPT_CASE, corev1.Task_REVIEW_CASE, corev1.Task_CONFIRM_REVISION,
}

// Server answers WorkService for the services of one process.
type Server struct {
	corev1.UnimplementedWorkServiceServer

	projectors map[string]*Projector
	now        docstore.Clock
}

// NewServer makes a server over the projectors of a process.
func NewServer(now docstore.Clock, projectors ...*Projector) *Server {
	s := &Server{projectors: map[string]*Projector{}, now: now}
	for _, p := range projectors {
		s.projectors[p.o.Service] = p
	}
	return s
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) { corev1.RegisterWorkServiceServer(r, s) }

// asked finds the projector a request names and who asks, after checking the name
// it is about.
func (s *Server) asked(ctx context.Context, pattern, name, service string) (*Projector, auth.Caller, error) {
	who, err := rpc.Named(ctx, pattern, name)
	if err != nil {
		return nil, who, err
	}
	p := s.projectors[service]
	if p == nil {
		return nil, who, rpc.Field("service", "SERVICE_UNKNOWN", "这个服务没有任务和统计")
	}
	return p, who, rpc.Reach(who, service)
}

// ListTasks implements WorkService.
func (s *Server) ListTasks(ctx context.Context, in *corev1.ListTasksRequest) (*corev1.ListTasksResponse, error) {
	p, who, err := s.asked(ctx, regionName, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	today := calendar.On(s.now())
	q, err := tasksQuery(in, who, today)
	if err != nil {
		return nil, err
	}
	w, err := p.watermark(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	page, err := p.rows.tasks.List(ctx, q)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	for _, t := range page.Items {
		t.Overdue = overdue(t, today)
	}
	return &corev1.ListTasksResponse{Tasks: page.Items, NextPageToken: page.NextPageToken, Watermark: w}, nil
}

// tasksQuery is what a caller may ask of the tasks.
func tasksQuery(in *corev1.ListTasksRequest, who auth.Caller, today calendar.Date) (docstore.Query, error) {
	state := in.GetState()
	if state == corev1.Task_STATE_UNSPECIFIED {
		state = corev1.Task_OPEN
	}
	q := docstore.Query{
		Equal: map[string]any{"state": state}, OrderBy: "rank", Descending: state == corev1.Task_DONE,
		PageSize: int(in.GetPageSize()), PageToken: in.GetPageToken(),
	}
	if err := dueBound(&q, in, state, today); err != nil {
		return q, err
	}
	kinds := reviewKinds
	if in.GetKind() != corev1.Task_KIND_UNSPECIFIED {
		kinds = []corev1.Task_Kind{in.GetKind()}
		q.Equal["kind"] = in.GetKind()
	}
	mine := who.Viewers()
	switch assignee := in.GetAssignee(); {
	case assignee == "":
		q.AnyOf = &docstore.AnyOf{Field: "assignee", Values: mine}
	case slices.Contains(mine, assignee):
		q.Equal["assignee"] = assignee
	case who.Has(corev1.Role_ROLE_REVIEWER) && resource.Region(assignee) == who.Region:
		delete(q.Equal, "kind")
		q.Equal["assignee"] = assignee
		q.AnyOf = &docstore.AnyOf{Field: "kind"}
		for _, kind := range kinds {
			if slices.Contains(reviewKinds, kind) {
				q.AnyOf.Values = append(q.AnyOf.Values, kind.String())
			}
		}
	default:
		return q, rpc.New(codes.PermissionDenied, rpc.ReasonRoleRequired, "只能查看本人、本单位和本人角色的任务")
	}
	return q, nil
}

// dueBound limits a list of open tasks by their due dates. What has none is never
// due.
func dueBound(q *docstore.Query, in *corev1.ListTasksRequest, state corev1.Task_State, today calendar.Date) error {
	if !in.GetOverdue() && in.GetDueByDate() == nil {
		return nil
	}
	if state != corev1.Task_OPEN {
		return rpc.Field("state", "STATE_NOT_ALLOWED", "只有待办可以按期限筛选")
	}
	before := noDueDate
	if in.GetDueByDate() != nil {
		by, err := calendar.FromProto(in.GetDueByDate())
		if err != nil {
			return rpc.Field("due_by_date", "DATE_INVALID", "日期不存在")
		}
		before = min(before, by.AddDays(1).String())
	}
	if in.GetOverdue() {
		before = min(before, today.String())
	}
	q.Range = &docstore.Range{Field: "rank", To: before}
	return nil
}

// ListWorkloads implements WorkService.
func (s *Server) ListWorkloads(ctx context.Context, in *corev1.ListWorkloadsRequest) (*corev1.ListWorkloadsResponse, error) {
	p, _, err := s.asked(ctx, regionName, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	w, err := p.watermark(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	q := docstore.Query{
		Equal: map[string]any{docstore.FieldParent: in.GetParent(), "state": corev1.Task_OPEN},
		AnyOf: &docstore.AnyOf{Field: "kind"},
	}
	for _, kind := range reviewKinds {
		q.AnyOf.Values = append(q.AnyOf.Values, kind.String())
	}
	open, err := p.rows.tasks.Aggregate(ctx, q, []string{"assignee"}, nil)
	if err != nil {
		return nil, err
	}
	q.Range = &docstore.Range{Field: "rank", To: calendar.On(s.now()).String()}
	late, err := p.rows.tasks.Aggregate(ctx, q, []string{"assignee"}, nil)
	if err != nil {
		return nil, err
	}
	overdue := map[any]int64{}
	for _, g := range late {
		overdue[g.Key[0]] = g.Count
	}
	out := &corev1.ListWorkloadsResponse{Watermark: w}
	for _, g := range open {
		assignee, _ := g.Key[0].(string)
		// A task may have come between the two counts.
		out.Workloads = append(out.Workloads, &corev1.Workload{
			Assignee: assignee, OpenCount: g.Count, OverdueCount: min(overdue[g.Key[0]], g.Count),
		})
	}
	return out, nil
}

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

// ListFigures implements WorkService.
func (s *Server) ListFigures(ctx context.Context, in *corev1.ListFiguresRequest) (*corev1.ListFiguresResponse, error) {
	p, _, err := s.asked(ctx, regionName, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	dates, err := period(in.GetFirstDate(), in.GetLastDate())
	if err != nil {
		return nil, err
	}
	for _, code := range in.GetCodes() {
		if !slices.ContainsFunc(p.d.Figures, func(d Definition) bool { return d.Code == code }) {
			return nil, rpc.Field("codes", "FIGURE_UNKNOWN", "这个服务没有统计指标 "+code)
		}
	}
	out := &corev1.ListFiguresResponse{QueryTime: timestamppb.New(s.now())}
	if out.Watermark, err = p.watermark(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	var by []string
	switch in.GetGroupBy() {
	case corev1.ListFiguresRequest_BUREAU:
		by = []string{"bureau"}
	case corev1.ListFiguresRequest_SUBJECT_KIND:
		by = []string{"subject_kind"}
	}
	for _, d := range p.d.Figures {
		if len(in.GetCodes()) > 0 && !slices.Contains(in.GetCodes(), d.Code) {
			continue
		}
		groups, err := p.rows.lines.Aggregate(ctx, docstore.Query{
			Equal: map[string]any{docstore.FieldParent: figureName(in.GetParent(), d.Code)}, Range: &dates,
		}, by, []string{"count", "numerator", "denominator"})
		if err != nil {
			return nil, err
		}
		out.Figures = append(out.Figures, d.figure(in.GetParent(), groups, by != nil))
	}
	return out, nil
}

// ListFigureLines implements WorkService.
func (s *Server) ListFigureLines(ctx context.Context, in *corev1.ListFigureLinesRequest) (*corev1.ListFigureLinesResponse, error) {
	p, _, err := s.asked(ctx, figurePattern, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.d.Figures, func(d Definition) bool { return d.id() == path.Base(in.GetParent()) }) {
		return nil, rpc.NotFound(in.GetParent())
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
		Equal: map[string]any{docstore.FieldParent: in.GetParent()}, Range: &dates,
		PageSize: int(in.GetPageSize()), PageToken: in.GetPageToken(),
	}
	if in.GetBureau() != "" {
		q.Equal["bureau"] = in.GetBureau()
	}
	page, err := p.rows.lines.List(ctx, q)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &corev1.ListFigureLinesResponse{Lines: page.Items, NextPageToken: page.NextPageToken, Watermark: w}, nil
}
