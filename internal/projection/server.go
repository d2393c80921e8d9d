package projection

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

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
	mine := who.Insiders()
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
