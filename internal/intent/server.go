package intent

import (
	"context"
	"strings"

	"google.golang.org/grpc"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// Server answers IntentService for the services of one process.
type Server struct {
	corev1.UnsafeIntentServiceServer

	works map[string]Work
}

// NewServer makes a server of the given queues.
func NewServer(works ...Work) *Server {
	s := &Server{works: map[string]Work{}}
	for _, w := range works {
		s.works[w.service()] = w
	}
	return s
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) { corev1.RegisterIntentServiceServer(r, s) }

// work finds the queue of a service.
func (s *Server) work(service string) (Work, error) {
	if w := s.works[service]; w != nil {
		return w, nil
	}
	return nil, rpc.Field("service", "SERVICE_UNKNOWN", "没有这个服务，或者它没有需要其他服务配合办理的事项")
}

// ListIntents implements IntentService.
func (s *Server) ListIntents(ctx context.Context, in *corev1.ListIntentsRequest) (*corev1.ListIntentsResponse, error) {
	if _, err := rpc.Named(ctx, "regions/{region}", in.GetParent()); err != nil {
		return nil, err
	}
	w, err := s.work(in.GetService())
	if err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(in.GetFilter(), map[string]resource.FieldKind{
		"state": resource.Enum(corev1.Intent_State(0).Descriptor()),
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	state := equal["state"]
	if state == nil {
		state = corev1.Intent_FAILED
	}
	intents, next, err := w.list(ctx, state, in.GetParent()+"/", int(in.GetPageSize()), in.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &corev1.ListIntentsResponse{Intents: intents, NextPageToken: next}, nil
}

// RetryIntent implements IntentService.
func (s *Server) RetryIntent(ctx context.Context, in *corev1.RetryIntentRequest) (*corev1.Intent, error) {
	pattern := "regions/{region}/documents/{document}/intents/{intent}"
	if strings.Contains(in.GetName(), "/cases/") {
		pattern = "regions/{region}/cases/{case}/assignments/{assignment}/intents/{intent}"
	}
	if _, err := rpc.Named(ctx, pattern, in.GetName()); err != nil {
		return nil, err
	}
	w, err := s.work(in.GetService())
	if err != nil {
		return nil, err
	}
	i, err := w.retry(ctx, in.GetName())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	return i, nil
}

// Backlog is how many intents of a service are in one state.
type Backlog struct {
	Service string
	State   corev1.Intent_State
	Count   int64
}

// Backlog counts the intents of all regions, for operators.
func (s *Server) Backlog(ctx context.Context) ([]Backlog, error) {
	var out []Backlog
	for service, w := range s.works {
		for _, state := range []corev1.Intent_State{corev1.Intent_OPEN, corev1.Intent_FAILED} {
			n, err := w.count(ctx, state)
			if err != nil {
				return nil, err
			}
			out = append(out, Backlog{service, state, n})
		}
	}
	return out, nil
}
