package projection

import (
	"context"
	"errors"
	"path"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// GetProjection implements WorkService. One that was never rebuilt is there all
// the same.
func (s *Server) GetProjection(ctx context.Context, in *corev1.GetProjectionRequest) (*corev1.Projection, error) {
	p, _, err := s.named(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	m, _, err := p.rows.projections.Get(ctx, in.GetName())
	if errors.Is(err, docstore.ErrNotFound) {
		m, err = &corev1.Projection{Name: in.GetName()}, nil
	}
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	return p.shown(ctx, m)
}

// RebuildProjection implements WorkService.
func (s *Server) RebuildProjection(ctx context.Context, in *corev1.RebuildProjectionRequest) (*corev1.Projection, error) {
	p, person, err := s.named(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	m, err := p.request(ctx, in.GetName(), person)
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	return p.shown(ctx, m)
}

// named finds the projector of a projection, and who asks.
func (s *Server) named(ctx context.Context, name string) (*Projector, string, error) {
	p, who, err := s.asked(ctx, projectionName, name, path.Base(name))
	if p == nil && rpc.Reason(err) == "SERVICE_UNKNOWN" {
		err = rpc.NotFound(name)
	}
	return p, who.Actor(), err
}

// shown adds how far the rows reach.
func (p *Projector) shown(ctx context.Context, m *corev1.Projection) (*corev1.Projection, error) {
	w, err := p.watermark(ctx, resource.Region(m.GetName()))
	if err != nil {
		return nil, err
	}
	m.Watermark = w
	return m, nil
}
