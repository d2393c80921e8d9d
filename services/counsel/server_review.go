package counsel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// AddItem implements ReviewService.
func (s *Server) AddItem(ctx context.Context, in *counselv1.AddItemRequest) (*counselv1.Opinion, error) {
	current, err := s.ownOpinion(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	item := in.GetItem()
	if id := in.GetFinding(); id != "" {
		of, draft, err := draftOfItem(current, in.GetCase())
		if err != nil {
			return nil, err
		}
		if item, err = s.itemOfFinding(ctx, draft, id); err != nil {
			return nil, err
		}
		item.Case = of.GetCase()
	} else {
		item.Case = cmp.Or(item.GetCase(), in.GetCase())
	}
	if err := s.resolveItem(ctx, current, item); err != nil {
		return nil, err
	}
	return s.changeOpinion(ctx, in.GetName(), in.GetEtag(), func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
		return addItem(o, item, who, s.newID)
	})
}

// ReplaceItem implements ReviewService.
func (s *Server) ReplaceItem(ctx context.Context, in *counselv1.ReplaceItemRequest) (*counselv1.Opinion, error) {
	current, err := s.ownOpinion(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.resolveItem(ctx, current, in.GetItem()); err != nil {
		return nil, err
	}
	return s.changeOpinion(ctx, in.GetName(), in.GetEtag(), func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
		return replaceItem(o, in.GetItem(), who)
	})
}

// RemoveItem implements ReviewService.
func (s *Server) RemoveItem(ctx context.Context, in *counselv1.RemoveItemRequest) (*counselv1.Opinion, error) {
	if _, err := s.ownOpinion(ctx, in.GetName()); err != nil {
		return nil, err
	}
	return s.changeOpinion(ctx, in.GetName(), in.GetEtag(), func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
		return removeItem(o, in.GetItemId(), who)
	})
}

// ownOpinion reads an opinion its author is about to write on, and refuses a delegate
// who drafted the subject.
func (s *Server) ownOpinion(ctx context.Context, name string) (*counselv1.Opinion, error) {
	o, err := s.visibleOpinion(ctx, name)
	if err != nil {
		return nil, err
	}
	if who, _ := auth.CallerFrom(ctx); o.GetAuthor() != who.Person {
		return nil, rpc.NotFound(name)
	}
	return o, s.barDelegate(ctx, o)
}

// resolveItem completes the anchor of one item, and checks what it takes up.
func (s *Server) resolveItem(ctx context.Context, o *counselv1.Opinion, item *counselv1.OpinionItem) error {
	draft, err := place(o, item, "item")
	if err == nil {
		err = s.takenUp(ctx, o, item, "item")
	}
	if err != nil || item.GetAnchor() == nil {
		return err
	}
	a, err := s.resolveAnchor(ctx, draft, "item.anchor", item.GetAnchor())
	if err == nil {
		item.Anchor = a
	}
	return err
}

// resolveAnchor completes one anchor in a draft; field is its path in the request.
func (s *Server) resolveAnchor(ctx context.Context, revision, field string, a *corev1.Anchor) (*corev1.Anchor, error) {
	whole, err := s.resolveAnchors(ctx, revision, []*corev1.Anchor{a})
	if err != nil {
		return nil, rpc.Renamed(err, func(path string) string {
			if rest, ok := strings.CutPrefix(path, "anchors[0]"); ok {
				return field + rest
			}
			return path
		})
	}
	return whole[0], nil
}

// itemOfFinding makes an item of a finding of a draft.
func (s *Server) itemOfFinding(ctx context.Context, revision, id string) (*counselv1.OpinionItem, error) {
	in := &filingv1.ListFindingsRequest{Parent: revision, PageSize: 1000}
	for !ofMatter(revision) {
		res, err := s.filing.ListFindings(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, f := range res.GetFindings() {
			if f.GetId() == id {
				return itemOf(f, res.GetReviewDate()), nil
			}
		}
		if in.PageToken = res.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	return nil, rpc.Field("finding", "FINDING_UNKNOWN", "该送审稿没有这一条疑似问题")
}

// CreateCheck implements ReviewService. The check stands before the checker sees the
// draft: a call that stopped between is made again.
func (s *Server) CreateCheck(ctx context.Context, in *counselv1.CreateCheckRequest) (*counselv1.Check, error) {
	o, err := s.ownOpinion(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	c, group, err := s.groupOf(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	if err := s.reviewerNamed(ctx, "check.checker", in.GetCheck().GetChecker()); err != nil {
		return nil, err
	}
	who, _ := auth.CallerFrom(ctx)
	ch, change, err := newCheck(in.GetParent()+"/checks/"+s.newID(), o, c, in.GetCheck(), who)
	if err == nil {
		err = current(o, c, group)
	}
	if refusal := (*docstore.Refusal)(nil); errors.As(err, &refusal) {
		_, err = s.changeOpinion(docstore.WithStep(ctx, "refused"), in.GetParent(), "", func(*counselv1.Opinion, auth.Caller) (docstore.Change, error) {
			return docstore.Change{}, refusal
		})
	}
	if err != nil {
		return nil, err
	}
	if ch, _, err = s.checks.Create(ctx, ch, change); err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	_, err = s.changeOpinion(docstore.WithStep(ctx, "show"), in.GetParent(), "", func(o *counselv1.Opinion, _ auth.Caller) (docstore.Change, error) {
		return docstore.Change{
			From: o.GetState().String(), To: o.GetState().String(), Grant: []string{ch.GetChecker()},
			Details: []*corev1.Detail{docstore.Detail("check", ch.GetName()), docstore.Detail("viewer", ch.GetChecker())},
		}, nil
	})
	return ch, err
}

// reviewerNamed checks that a person is a reviewer of the region in service.
func (s *Server) reviewerNamed(ctx context.Context, field, person string) error {
	p, err := s.directory.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: person})
	if err != nil || !slices.Contains(p.GetRoles(), corev1.Role_ROLE_REVIEWER) || p.GetState() == directoryv1.Person_DISABLED {
		return cmp.Or(rpc.Unreachable(err), rpc.Field(field, "NOT_REVIEWER", "应当是本区在职的合法性审核人员"))
	}
	return nil
}

// parentOpinion is the opinion of a check.
func parentOpinion(name string) string {
	opinion, _, _ := strings.Cut(name, "/checks/")
	return opinion
}

// visibleCheck reads a check the caller may see.
func (s *Server) visibleCheck(ctx context.Context, name string) (*counselv1.Check, error) {
	return rpc.Read(ctx, s.checks, checkName, name)
}

// GetCheck implements ReviewService.
func (s *Server) GetCheck(ctx context.Context, in *counselv1.GetCheckRequest) (*counselv1.Check, error) {
	return s.visibleCheck(ctx, in.GetName())
}

// ListChecks implements ReviewService.
func (s *Server) ListChecks(ctx context.Context, in *counselv1.ListChecksRequest) (*counselv1.ListChecksResponse, error) {
	if _, err := s.visibleOpinion(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	who, _ := auth.CallerFrom(ctx)
	checks, next, err := rpc.List(ctx, s.checks, docstore.Query{Prefix: under(in.GetParent() + "/checks/")}, who, in)
	return &counselv1.ListChecksResponse{Checks: checks, NextPageToken: next}, err
}

// DecideCheck implements ReviewService.
func (s *Server) DecideCheck(ctx context.Context, in *counselv1.DecideCheckRequest) (*counselv1.Check, error) {
	if _, err := s.visibleCheck(ctx, in.GetName()); err != nil {
		return nil, err
	}
	o, err := s.visibleOpinion(ctx, parentOpinion(in.GetName()))
	if err != nil {
		return nil, err
	}
	c, _, err := s.groupOf(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	return rpc.Change(ctx, s.checks, checkName, in.GetName(), in.GetEtag(), func(ch *counselv1.Check, who auth.Caller) (docstore.Change, error) {
		return decide(ch, o, c, in, who, s.time())
	})
}

// signing reads what a signature rests on: the opinion it supersedes, and, where the
// region has review opinions checked, the newest check of the content. The content
// that is signed is compared with the checked one where it closes.
func (s *Server) signing(ctx context.Context, o *counselv1.Opinion) (signing, error) {
	var with signing
	var err error
	if with.before, err = s.superseded(ctx, parentCase(o.GetName()), o); err != nil || o.GetKind() != counselv1.Opinion_REVIEW {
		return with, err
	}
	profile, err := s.profile(ctx, o.GetName())
	if err != nil || !profile.GetReviewCheckRequired().GetValue() {
		return with, err
	}
	with.wantsCheck = true
	digest, err := contentDigest(o)
	if err != nil {
		return with, err
	}
	page, err := s.checks.List(ctx, docstore.Query{
		Equal:      map[string]any{docstore.FieldParent: o.GetName(), "content_digest": digest},
		Descending: true, PageSize: 1,
	})
	if err != nil {
		return with, rpc.FromStore(err, o.GetName())
	}
	if len(page.Items) > 0 {
		with.check = page.Items[0]
	}
	return with, nil
}
