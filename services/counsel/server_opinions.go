package counsel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// parentCase is the case of an opinion or assignment.
func parentCase(name string) string {
	parts := strings.SplitN(name, "/", 5)
	return strings.Join(parts[:min(4, len(parts))], "/")
}

// CreateOpinion implements CounselService.
func (s *Server) CreateOpinion(ctx context.Context, in *counselv1.CreateOpinionRequest) (*counselv1.Opinion, error) {
	c, _, who, err := s.visibleCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	name := in.GetParent() + "/opinions/" + resource.NewID(s.time())
	before, err := s.superseded(ctx, in.GetParent(), in.GetOpinion())
	if err != nil {
		return nil, err
	}
	var group []*counselv1.Case
	if who.Has(corev1.Role_ROLE_COUNSEL) { // whose opinion is on one case
		err = s.isAssigned(ctx, in.GetParent(), who.Person)
	} else {
		group, err = s.group(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if in.Opinion.Covers, err = coversOf(c, group, in.GetOpinion().GetCovers()); err != nil {
		return nil, err
	}
	o, change, err := newOpinion(name, joined(c, group), in.GetOpinion(), before, who, s.newID)
	if refusal := (*docstore.Refusal)(nil); errors.As(err, &refusal) {
		_, err = s.change(docstore.WithStep(ctx, "refused"), in.GetParent(), "", func(*counselv1.Case, auth.Caller) (docstore.Change, error) {
			return docstore.Change{}, refusal
		})
	}
	if err != nil {
		return nil, err
	}
	if err := s.resolve(ctx, o); err != nil {
		return nil, err
	}
	o, _, err = s.opinions.Create(ctx, o, change)
	return o, rpc.FromStore(err, name)
}

// GetOpinion implements CounselService.
func (s *Server) GetOpinion(ctx context.Context, in *counselv1.GetOpinionRequest) (*counselv1.Opinion, error) {
	return s.visibleOpinion(ctx, in.GetName())
}

func (s *Server) visibleOpinion(ctx context.Context, name string) (*counselv1.Opinion, error) {
	o, _, who, err := rpc.ReadAs(ctx, s.opinions, opinionName, name)
	if err != nil || o.GetKind() != counselv1.Opinion_COUNSEL || o.GetAuthor() == who.Person {
		return o, err
	}
	// What counsel wrote is as internal as the discussion.
	c, _, err := s.cases.Get(ctx, parentCase(name))
	if err == nil && discusses(c, who) != nil {
		return nil, rpc.NotFound(name)
	}
	return o, rpc.FromStore(err, name)
}

// ListOpinions implements CounselService.
func (s *Server) ListOpinions(ctx context.Context, in *counselv1.ListOpinionsRequest) (*counselv1.ListOpinionsResponse, error) {
	c, _, who, err := s.visibleCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	opinions, next, err := rpc.List(ctx, s.opinions, docstore.Query{Prefix: under(in.GetParent() + "/opinions/")}, who, in)
	if discusses(c, who) != nil {
		opinions = slices.DeleteFunc(opinions, func(o *counselv1.Opinion) bool { return o.GetKind() == counselv1.Opinion_COUNSEL })
	}
	return &counselv1.ListOpinionsResponse{Opinions: opinions, NextPageToken: next}, err
}

// UpdateOpinion implements CounselService.
func (s *Server) UpdateOpinion(ctx context.Context, in *counselv1.UpdateOpinionRequest) (*counselv1.Opinion, error) {
	name := in.GetOpinion().GetName()
	current, err := s.visibleOpinion(ctx, name)
	if err != nil {
		return nil, err
	}
	fields, err := rpc.MaskFields(in.GetOpinion(), in.GetUpdateMask(), "conclusion", "summary", "items", "checklist", "risk_statement", "covers")
	if err != nil {
		return nil, err
	}
	c, group, err := s.groupOf(ctx, name)
	if err != nil {
		return nil, err
	}
	if current.GetKind() != counselv1.Opinion_REVIEW {
		group = nil
	}
	with := &counselv1.Opinion{
		Name: name, Kind: current.GetKind(), Revision: current.GetRevision(), Items: in.GetOpinion().GetItems(), Covers: current.GetCovers(),
	}
	if fields["covers"] {
		if with.Covers, err = coversOf(c, group, in.GetOpinion().GetCovers()); err != nil {
			return nil, err
		}
		in.Opinion.Covers = with.GetCovers()
	}
	if fields["items"] {
		if err := s.resolve(ctx, with); err != nil {
			return nil, err
		}
	}
	if err := s.barDelegate(ctx, current); err != nil {
		return nil, err
	}
	return s.changeOpinion(ctx, name, in.GetOpinion().GetEtag(), func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
		return edit(o, in.GetOpinion(), fields, c, who, s.newID)
	})
}

// newID makes the id of an item of an opinion.
func (s *Server) newID() string { return resource.NewID(s.time()) }

// superseded reads the opinion that another is to supersede; nil when it names none.
func (s *Server) superseded(ctx context.Context, parent string, o *counselv1.Opinion) (*counselv1.Opinion, error) {
	name := o.GetSupersedes()
	if name == "" {
		return nil, nil
	}
	if _, ok := resource.Match(opinionName, name); !ok || parentCase(name) != parent {
		return nil, rpc.Field("opinion.supersedes", "OPINION_NOT_SUPERSEDABLE", "所替代的意见应当属于本案")
	}
	return s.visibleOpinion(ctx, name)
}

// barDelegate refuses a delegate who drafted the subject to write on a review
// opinion: its author did not when the opinion was begun, but they may have.
func (s *Server) barDelegate(ctx context.Context, o *counselv1.Opinion) error {
	if who, _ := auth.CallerFrom(ctx); who.Delegate == "" || o.GetKind() != counselv1.Opinion_REVIEW {
		return nil
	}
	names := []string{parentCase(o.GetName())}
	for _, c := range o.GetCovers() {
		names = append(names, c.GetCase())
	}
	for _, name := range names {
		_, err := s.change(docstore.WithStep(ctx, "bar"), name, "", func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
			return docstore.Change{}, cmp.Or(notOwn(c, who), docstore.ErrUnchanged)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// changeOpinion updates an opinion the caller may see, by one rule.
func (s *Server) changeOpinion(ctx context.Context, name, etag string, rule func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error)) (*counselv1.Opinion, error) {
	return rpc.Change(ctx, s.opinions, opinionName, name, etag, rule)
}

// resolve completes the anchors of an opinion's items, each in the draft it is about,
// and checks what they take up.
func (s *Server) resolve(ctx context.Context, o *counselv1.Opinion) error {
	byDraft, drafts := map[string][]int{}, []string(nil)
	for i, item := range o.GetItems() {
		draft, err := place(o, item, fmt.Sprintf("opinion.items[%d]", i))
		if err != nil {
			return err
		}
		if err := s.takenUp(ctx, o, item, fmt.Sprintf("opinion.items[%d]", i)); err != nil {
			return err
		}
		if item.GetAnchor() == nil {
			continue
		}
		if byDraft[draft] == nil {
			drafts = append(drafts, draft)
		}
		byDraft[draft] = append(byDraft[draft], i)
	}
	for _, draft := range drafts {
		items := byDraft[draft]
		anchors := make([]*corev1.Anchor, len(items))
		for n, i := range items {
			anchors[n] = o.GetItems()[i].GetAnchor()
		}
		whole, err := s.resolveAnchors(ctx, draft, anchors)
		if err != nil {
			return rpc.Renamed(err, func(field string) string { return anchorField(items, field) })
		}
		for n, i := range items {
			o.GetItems()[i].Anchor = whole[n]
		}
	}
	return nil
}

// takenUp checks what an item takes up: an item of counsel's, a reply; field is its path
// in the request.
func (s *Server) takenUp(ctx context.Context, o *counselv1.Opinion, item *counselv1.OpinionItem, field string) error {
	return cmp.Or(s.takenFromCounsel(ctx, o, item, field+".counsel_item"), s.takenFromReply(ctx, o, item, field+".reply"))
}

// takenFromReply checks the reply that an item of a review opinion takes up: one in the
// case whose ledger the item enters.
func (s *Server) takenFromReply(ctx context.Context, o *counselv1.Opinion, item *counselv1.OpinionItem, field string) error {
	name := item.GetReply()
	if name == "" {
		return nil
	}
	unknown := rpc.Field(field, "REPLY_UNKNOWN", "应当是本案征求意见收到的一条意见，且只能在审核意见中引用")
	if _, ok := resource.Match(replyName, name); !ok || o.GetKind() != counselv1.Opinion_REVIEW || parentCase(name) != caseOfItem(o, item) {
		return unknown
	}
	_, err := rpc.Read(ctx, s.replies, replyName, name)
	if rpc.Reason(err) == rpc.Reason(rpc.NotFound(name)) {
		return unknown
	}
	return err
}

// takenFromCounsel reads the opinion of counsel's that an item takes a point from, and
// checks it.
func (s *Server) takenFromCounsel(ctx context.Context, o *counselv1.Opinion, item *counselv1.OpinionItem, field string) error {
	name, _ := counselItem(item.GetCounselItem())
	if name == "" {
		return nil
	}
	from := &counselv1.Opinion{}
	if _, ok := resource.Match(opinionName, name); ok && parentCase(name) == caseOfItem(o, item) {
		var err error
		if from, err = s.visibleOpinion(ctx, name); err != nil && rpc.Reason(err) != rpc.Reason(rpc.NotFound(name)) {
			return err
		}
	}
	return takesUp(o, item, from, field)
}

// anchorField turns the place of an anchor in the call that resolves it into its place
// in the opinion; items are those whose anchors were asked about.
func anchorField(items []int, field string) string {
	var n int
	if _, err := fmt.Sscanf(field, "anchors[%d]", &n); err != nil || n < 0 || n >= len(items) {
		return field
	}
	return fmt.Sprintf("opinion.items[%d].anchor", items[n])
}

// SignOpinion implements CounselService. Counsel's opinion, and one that supersedes
// another, are signed in steps, each repeatable: content closes, the case takes
// counsel's verdict, the superseded opinion names its successor, the opinion is
// signed. A call that stopped half-way is completed by the next.
func (s *Server) SignOpinion(ctx context.Context, in *counselv1.SignOpinionRequest) (*counselv1.Opinion, error) {
	current, err := s.visibleOpinion(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	if who, _ := auth.CallerFrom(ctx); current.GetAuthor() != who.Person {
		return nil, rpc.NotFound(in.GetName())
	}
	c, group, err := s.groupOf(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	o := current
	if current.GetState() != counselv1.Opinion_SIGNING {
		with, err := s.signing(ctx, current)
		if err != nil {
			return nil, err
		}
		with.group = group
		o, err = s.changeOpinion(ctx, in.GetName(), in.GetEtag(), func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
			return closeForSigning(o, c, with, who, s.time())
		})
		if err != nil || o.GetState() != counselv1.Opinion_SIGNING {
			return o, err
		}
	}
	if err := s.barDelegate(ctx, o); err != nil {
		return nil, err
	}
	return s.completeSigning(ctx, o, c)
}

// completeSigning records the verdict on the case and signs; should the case no
// longer take it, the content opens again.
func (s *Server) completeSigning(ctx context.Context, o *counselv1.Opinion, c *counselv1.Case) (*counselv1.Opinion, error) {
	name := o.GetName()
	_, err := s.change(docstore.WithStep(ctx, "case"), c.GetName(), "", func(c *counselv1.Case, _ auth.Caller) (docstore.Change, error) {
		if o.GetKind() != counselv1.Opinion_COUNSEL {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		return recordVerdict(c, o, s.time())
	})
	if rpc.Reason(err) == codeRecordClosed {
		_, reopened := s.changeOpinion(docstore.WithStep(ctx, "reopen"), name, "", func(o *counselv1.Opinion, _ auth.Caller) (docstore.Change, error) {
			from := o.GetState()
			o.State, o.ContentDigest = counselv1.Opinion_DRAFT, ""
			return docstore.Change{From: from.String(), To: o.GetState().String()}, nil
		})
		return nil, cmp.Or(reopened, err)
	}
	if err != nil {
		return nil, err
	}
	if o.GetSupersedes() != "" {
		_, err := s.changeOpinion(docstore.WithStep(ctx, "supersede"), o.GetSupersedes(), "", func(before *counselv1.Opinion, _ auth.Caller) (docstore.Change, error) {
			return supersede(before, o)
		})
		if err != nil {
			return nil, err
		}
	}
	return s.changeOpinion(docstore.WithStep(ctx, "sign"), name, "", func(o *counselv1.Opinion, who auth.Caller) (docstore.Change, error) {
		if o.GetState() == counselv1.Opinion_SIGNED {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		return sign(o, o.GetState(), c, who.Actor(), s.time()), nil
	})
}
