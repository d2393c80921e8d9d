package counsel

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// discussedCase reads a case whose discussion the caller may take part in.
func (s *Server) discussedCase(ctx context.Context, name string) (*counselv1.Case, auth.Caller, error) {
	c, _, who, err := s.visibleCase(ctx, name)
	if err != nil {
		return nil, who, err
	}
	return c, who, discusses(c, who)
}

// CreateComment implements ReviewService.
func (s *Server) CreateComment(ctx context.Context, in *counselv1.CreateCommentRequest) (*counselv1.Comment, error) {
	c, who, err := s.discussedCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	to, err := s.answered(ctx, in)
	if err != nil {
		return nil, err
	}
	counsel, err := s.counselOf(ctx, in.GetParent(), in.GetComment())
	if err != nil {
		return nil, err
	}
	m, change, err := newComment(in.GetParent()+"/comments/"+s.newID(), c, in.GetComment(), to, counsel, who)
	if err != nil {
		return nil, err
	}
	if a := m.GetAnchor(); a != nil {
		if m.Anchor, err = s.resolveAnchor(ctx, last(c).GetRevision(), "comment.anchor", a); err != nil {
			return nil, err
		}
	}
	m, _, err = s.comments.Create(ctx, m, change)
	return m, rpc.FromStore(err, in.GetParent())
}

// answered reads the comment that another answers; nil where it answers none.
func (s *Server) answered(ctx context.Context, in *counselv1.CreateCommentRequest) (*counselv1.Comment, error) {
	name := in.GetComment().GetReplyTo()
	if name == "" {
		return nil, nil
	}
	unknown := rpc.Field("comment.reply_to", "COMMENT_UNKNOWN", "本案没有这一条讨论意见")
	if _, ok := resource.Match(commentName, name); !ok || parentCase(name) != in.GetParent() {
		return nil, unknown
	}
	who, _ := auth.CallerFrom(ctx)
	to, meta, err := s.comments.Get(ctx, name)
	if err != nil || rpc.Visible(who, meta, name) != nil {
		return nil, unknown
	}
	return to, nil
}

// counselOf are the counsel of a case whose assignment is accepted, where a comment
// addresses anybody.
func (s *Server) counselOf(ctx context.Context, name string, m *counselv1.Comment) ([]string, error) {
	if len(m.GetAddressees()) == 0 {
		return nil, nil
	}
	assignments, err := s.assignmentsOf(ctx, name)
	if err != nil {
		return nil, rpc.FromStore(err, name)
	}
	var people []string
	for _, a := range assignments {
		if opens(a.GetState()) {
			people = append(people, a.GetCounsel())
		}
	}
	return people, nil
}

// GetComment implements ReviewService.
func (s *Server) GetComment(ctx context.Context, in *counselv1.GetCommentRequest) (*counselv1.Comment, error) {
	if _, err := rpc.Named(ctx, commentName, in.GetName()); err != nil {
		return nil, err
	}
	// Counsel who has left the case sees nothing of it any more.
	if _, _, err := s.discussedCase(ctx, parentCase(in.GetName())); err != nil {
		if status.Code(err) == codes.NotFound {
			err = rpc.NotFound(in.GetName())
		}
		return nil, err
	}
	return rpc.Read(ctx, s.comments, commentName, in.GetName())
}

// ListComments implements ReviewService.
func (s *Server) ListComments(ctx context.Context, in *counselv1.ListCommentsRequest) (*counselv1.ListCommentsResponse, error) {
	_, who, err := s.discussedCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	comments, next, err := rpc.List(ctx, s.comments, docstore.Query{Prefix: under(in.GetParent() + "/comments/")}, who, in)
	return &counselv1.ListCommentsResponse{Comments: comments, NextPageToken: next}, err
}
