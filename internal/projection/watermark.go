package projection

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// watermark tells how far the rows of a region reach. Read it before the rows,
// which are then at least as new. Entries that are not relayed yet are looked for
// first: on their way into the feed they are seen on one side or the other.
func (p *Projector) watermark(ctx context.Context, region string) (*corev1.Watermark, error) {
	asOf := p.o.Clock()
	earlier := func(e *corev1.JournalEntry) {
		if t := e.GetTime().AsTime(); t.Before(asOf) {
			asOf = t
		}
	}
	for _, t := range p.o.Engine.Tables() {
		if t.Spec().Derived {
			continue
		}
		waiting, err := t.Pending(ctx, 1)
		if err != nil {
			return nil, err
		}
		for _, r := range waiting {
			earlier(r.Envelope.GetTail()[0])
		}
	}
	w := &corev1.Watermark{}
	var err error
	if w.Position, err = p.position(ctx, region); err != nil {
		return nil, err
	}
	ahead, err := p.o.Engine.Log().Feed(ctx, region, w.GetPosition(), pageSize)
	if err != nil {
		return nil, err
	}
	for _, e := range ahead { // nearly in the order of their times
		earlier(e.Entry)
	}
	if w.BehindCount = int64(len(ahead)); len(ahead) == pageSize {
		head, err := p.o.Engine.Log().Head(ctx, region)
		if err != nil {
			return nil, err
		}
		w.BehindCount = head - w.GetPosition()
	}
	w.AsOfTime = timestamppb.New(asOf.Truncate(time.Millisecond))
	m, _, err := p.rows.projections.Get(ctx, p.name(region))
	if err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return nil, err
	}
	w.Rebuilding = m.GetState() == corev1.Projection_REBUILDING
	return w, nil
}

// name is the projection of a region.
func (p *Projector) name(region string) string { return region + "/projections/" + p.o.Service }
