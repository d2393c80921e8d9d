package counsel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// solicitations implements SolicitationService on the stores of the service.
type solicitations struct {
	counselv1.UnimplementedSolicitationServiceServer

	*Server
}

// CreateSolicitation implements SolicitationService. The question is recorded, then
// the bureau sees the draft, then the question: a call that stopped half-way is
// completed by the same call.
func (s solicitations) CreateSolicitation(ctx context.Context, in *counselv1.CreateSolicitationRequest) (*counselv1.Solicitation, error) {
	c, _, who, err := s.visibleCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	asked, unit := in.GetSolicitation(), &directoryv1.Bureau{}
	if asked.GetBureau() != "" {
		if unit, err = s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: asked.GetBureau()}); err != nil {
			return nil, cmp.Or(rpc.Unreachable(err), rpc.Field("solicitation.bureau", "BUREAU_UNKNOWN", "没有该单位"))
		}
	}
	q, change, err := newSolicitation(in.GetParent()+"/solicitations/"+resource.NewID(s.time()), c, asked, unit.GetDisplayName(), who, s.today())
	if err != nil {
		return nil, s.onRecord(ctx, in.GetParent(), err)
	}
	if q, _, err = s.solicited.Create(ctx, q, change); err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	if q.GetState() != counselv1.Solicitation_PREPARING {
		return q, nil
	}
	if err := s.showAsked(ctx, c, q); err != nil {
		return nil, err
	}
	if q, err = s.changeSolicitation(docstore.WithStep(ctx, "open"), q.GetName(), "", openSolicitation); err != nil {
		return nil, err
	}
	if q.GetState() == counselv1.Solicitation_CLOSED { // meanwhile, perhaps before the draft was shown
		err = s.showAsked(ctx, c, q)
	}
	return q, err
}

// showAsked lets the bureau that a solicitation asks see the draft while it is asked
// by any, and looks again: another call may have changed that meanwhile.
func (s *Server) showAsked(ctx context.Context, c *counselv1.Case, q *counselv1.Solicitation) error {
	ctx = docstore.WithoutRequest(ctx)
	asked := func() (bool, error) {
		open, err := s.openSolicitations(ctx, c.GetName())
		return slices.ContainsFunc(open, func(other *counselv1.Solicitation) bool { return other.GetBureau() == q.GetBureau() }), err
	}
	visible, err := asked()
	for range maxLooks {
		if err != nil {
			return err
		}
		if err := s.showSubject(ctx, c.GetSubject(), auth.AskedViewer(q.GetBureau()), q.GetName(), visible); err != nil {
			return err
		}
		shown := visible
		if visible, err = asked(); err == nil && visible == shown {
			return nil
		}
	}
	return cmp.Or(err, rpc.FromStore(docstore.ErrConflict, q.GetName()))
}

// onRecord keeps a refusal in the history of a case, and answers it.
func (s *Server) onRecord(ctx context.Context, name string, err error) error {
	if refusal := (*docstore.Refusal)(nil); errors.As(err, &refusal) {
		_, err = s.change(docstore.WithStep(ctx, "refused"), name, "", func(*counselv1.Case, auth.Caller) (docstore.Change, error) {
			return docstore.Change{}, refusal
		})
	}
	return err
}

// changeSolicitation updates a solicitation the caller may see, by one rule.
func (s *Server) changeSolicitation(ctx context.Context, name, etag string, rule func(q *counselv1.Solicitation) (docstore.Change, error)) (*counselv1.Solicitation, error) {
	return rpc.Change(ctx, s.solicited, solicitName, name, etag, func(q *counselv1.Solicitation, _ auth.Caller) (docstore.Change, error) {
		return rule(q)
	})
}

// GetSolicitation implements SolicitationService.
func (s solicitations) GetSolicitation(ctx context.Context, in *counselv1.GetSolicitationRequest) (*counselv1.Solicitation, error) {
	return s.visibleSolicitation(ctx, in.GetName())
}

func (s *Server) visibleSolicitation(ctx context.Context, name string) (*counselv1.Solicitation, error) {
	return rpc.Read(ctx, s.solicited, solicitName, name)
}

// ListSolicitations implements SolicitationService.
func (s solicitations) ListSolicitations(ctx context.Context, in *counselv1.ListSolicitationsRequest) (*counselv1.ListSolicitationsResponse, error) {
	who, q, err := children(ctx, caseName, in.GetParent(), "solicitations", docstore.FieldCreateTime)
	if err != nil {
		return nil, err
	}
	q.Descending = true
	solicited, next, err := rpc.List(ctx, s.solicited, q, who, in)
	return &counselv1.ListSolicitationsResponse{Solicitations: solicited, NextPageToken: next}, err
}

// CloseSolicitation implements SolicitationService. The draft is hidden again unless
// the bureau is asked by another solicitation as well.
func (s solicitations) CloseSolicitation(ctx context.Context, in *counselv1.CloseSolicitationRequest) (*counselv1.Solicitation, error) {
	if _, err := s.visibleSolicitation(ctx, in.GetName()); err != nil {
		return nil, err
	}
	c, _, who, err := s.visibleCase(ctx, parentCase(in.GetName()))
	if err != nil {
		return nil, err
	}
	if err := notOwn(c, who); err != nil {
		return nil, s.onRecord(ctx, c.GetName(), err)
	}
	q, err := s.changeSolicitation(ctx, in.GetName(), in.GetEtag(), closeSolicitation)
	if err != nil || q.GetBureau() == "" {
		return q, err
	}
	return q, s.showAsked(ctx, c, q)
}

// openSolicitations are those of a case that wait for replies.
func (s *Server) openSolicitations(ctx context.Context, name string) ([]*counselv1.Solicitation, error) {
	var out []*counselv1.Solicitation
	for _, state := range []counselv1.Solicitation_State{counselv1.Solicitation_PREPARING, counselv1.Solicitation_OPEN} {
		q := docstore.Query{Equal: map[string]any{docstore.FieldParent: name, "state": state.Number()}, OrderBy: docstore.FieldCreateTime}
		for {
			page, err := s.solicited.List(ctx, q)
			if err != nil {
				return nil, rpc.FromStore(err, name)
			}
			out = append(out, page.Items...)
			if q.PageToken = page.NextPageToken; q.PageToken == "" {
				break
			}
		}
	}
	return out, nil
}

// heard tells whether a case has a question open or a reply unread.
func (s *Server) heard(ctx context.Context, name string) error {
	open, err := s.openSolicitations(ctx, name)
	if err != nil {
		return err
	}
	page, err := s.replies.List(ctx, docstore.Query{Equal: map[string]any{"case": name, "handled": false}, PageSize: 1})
	if err != nil {
		return rpc.FromStore(err, name)
	}
	return s.onRecord(ctx, name, heard(len(open) > 0, len(page.Items) > 0))
}

// CreateReply implements SolicitationService.
func (s solicitations) CreateReply(ctx context.Context, in *counselv1.CreateReplyRequest) (*counselv1.Reply, error) {
	q, err := s.visibleSolicitation(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	who, _ := auth.CallerFrom(ctx)
	name := in.GetParent() + "/replies/" + resource.NewID(s.time())
	r, change, err := newReply(name, parentCase(name), q, in.GetReply(), who, s.today())
	if refusal := (*docstore.Refusal)(nil); errors.As(err, &refusal) {
		_, err = s.changeSolicitation(docstore.WithStep(ctx, "refused"), in.GetParent(), "", func(*counselv1.Solicitation) (docstore.Change, error) {
			return docstore.Change{}, refusal
		})
	}
	if err != nil {
		return nil, err
	}
	r, _, err = s.replies.Create(ctx, r, change)
	return r, rpc.FromStore(err, name)
}

// GetReply implements SolicitationService.
func (s solicitations) GetReply(ctx context.Context, in *counselv1.GetReplyRequest) (*counselv1.Reply, error) {
	return rpc.Read(ctx, s.replies, replyName, in.GetName())
}

// ListReplies implements SolicitationService.
func (s solicitations) ListReplies(ctx context.Context, in *counselv1.ListRepliesRequest) (*counselv1.ListRepliesResponse, error) {
	of, all := strings.CutSuffix(in.GetParent(), "/-")
	pattern, name := solicitName, in.GetParent()+"/replies/"
	if all {
		pattern, name = caseName, of+"/"
		of = strings.TrimSuffix(of, "/solicitations")
	}
	who, err := rpc.Named(ctx, pattern, of)
	if err != nil {
		return nil, err
	}
	replies, next, err := rpc.List(ctx, s.replies, docstore.Query{Prefix: under(name)}, who, in)
	return &counselv1.ListRepliesResponse{Replies: replies, NextPageToken: next}, err
}

// HandleReply implements SolicitationService.
func (s solicitations) HandleReply(ctx context.Context, in *counselv1.HandleReplyRequest) (*counselv1.Reply, error) {
	if _, err := rpc.Named(ctx, replyName, in.GetName()); err != nil {
		return nil, err
	}
	c, _, _, err := s.visibleCase(ctx, parentCase(in.GetName()))
	if err != nil {
		return nil, err
	}
	return rpc.Change(ctx, s.replies, replyName, in.GetName(), in.GetEtag(), func(r *counselv1.Reply, who auth.Caller) (docstore.Change, error) {
		return handle(r, c, in.GetHandling(), who, s.time())
	})
}
