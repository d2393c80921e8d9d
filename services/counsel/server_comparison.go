package counsel

import (
	"context"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// CompareItems implements ReviewService. Both drafts are read as the caller may read
// them.
func (s *Server) CompareItems(ctx context.Context, in *counselv1.CompareItemsRequest) (*counselv1.CompareItemsResponse, error) {
	c, _, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	base := concluded(c)
	if base == nil {
		return nil, rpc.New(codes.FailedPrecondition, codeStateNotAllowed, "尚无审核结论，没有可以比对的意见")
	}
	out := &counselv1.CompareItemsResponse{Base: base.GetRevision(), Revision: in.GetRevision()}
	if out.Revision == "" {
		out.Revision = last(c).GetRevision()
	}
	var anchors []*corev1.Anchor
	for _, line := range openItems(c) {
		out.Items = append(out.Items, &counselv1.CompareItemsResponse_ComparedItem{Line: line})
		if a := line.GetItem().GetAnchor(); a != nil {
			anchors = append(anchors, a)
		}
	}
	carried, err := s.carry(ctx, c, out, anchors)
	if err != nil {
		return nil, err
	}
	for _, item := range out.GetItems() {
		if item.GetLine().GetItem().GetAnchor() != nil {
			item.Carried, carried = carried[0], carried[1:]
		}
	}
	return out, nil
}

// carry looks the places of the base up in the later draft.
func (s *Server) carry(ctx context.Context, c *counselv1.Case, of *counselv1.CompareItemsResponse, anchors []*corev1.Anchor) ([]*corev1.CarriedAnchor, error) {
	if !partOf(of.GetRevision(), c.GetSubject()) {
		return nil, rpc.Field("revision", "OTHER_DOCUMENT", "只能与同一文件的另一稿比较")
	}
	before, err := s.textOf(ctx, of.GetBase())
	if err != nil {
		return nil, err
	}
	after, err := s.textOf(ctx, of.GetRevision())
	if err != nil {
		return nil, err
	}
	select {
	case s.comparing <- struct{}{}:
		defer func() { <-s.comparing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return policytext.Carry(ctx, before, after, anchors, of.GetRevision())
}
