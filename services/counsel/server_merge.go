package counsel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// MergeCases implements ReviewService, in steps that may be made again: the lead lists
// the cases, then each names its lead, which is what counts. So whatever names a lead is
// on its list.
func (s *Server) MergeCases(ctx context.Context, in *counselv1.MergeCasesRequest) (*counselv1.Case, error) {
	var cases []*counselv1.Case
	for i, name := range in.GetCases() {
		c, _, _, err := s.visibleCase(ctx, name)
		if err != nil {
			return nil, rpc.Renamed(err, func(string) string { return fmt.Sprintf("cases[%d]", i) })
		}
		cases = append(cases, c)
	}
	lead, err := s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return list(c, cases, who)
	})
	if err != nil {
		return nil, err
	}
	for _, name := range in.GetCases() {
		_, err := s.change(ctx, name, "", func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
			return join(c, lead, who)
		})
		if err != nil {
			return nil, err
		}
	}
	return lead, nil
}

// SplitCases implements ReviewService.
func (s *Server) SplitCases(ctx context.Context, in *counselv1.SplitCasesRequest) (*counselv1.Case, error) {
	lead, _, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	names := in.GetCases()
	if len(names) == 0 {
		names = lead.GetMergedCases()
	}
	return s.split(ctx, lead.GetName(), names)
}

// split is a merge the other way round: each case leaves its lead, which then lists it
// no more.
func (s *Server) split(ctx context.Context, lead string, names []string) (*counselv1.Case, error) {
	var left []string
	for _, name := range names {
		c, err := s.change(ctx, name, "", func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
			return leave(c, lead, who)
		})
		if err != nil {
			return nil, err
		}
		if c.GetMergedInto() != lead {
			left = append(left, name)
		}
	}
	return s.change(docstore.WithStep(ctx, "delist"), lead, "", func(c *counselv1.Case, _ auth.Caller) (docstore.Change, error) {
		return delist(c, left)
	})
}

// changeLeaving changes a case by a rule that takes it out of a merged review, whose
// lead lists it no more then.
func (s *Server) changeLeaving(ctx context.Context, name, etag string, rule func(c *counselv1.Case, who auth.Caller) (docstore.Change, error)) (*counselv1.Case, error) {
	lead := ""
	c, err := s.change(ctx, name, etag, func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		lead = ""
		if led(c) {
			lead = c.GetMergedInto()
		}
		return rule(c, who)
	})
	if err != nil || lead == "" {
		return c, err
	}
	_, err = s.change(docstore.WithStep(ctx, "delist"), lead, "", func(c *counselv1.Case, _ auth.Caller) (docstore.Change, error) {
		return delist(c, []string{name})
	})
	return c, err
}

// group reads the cases that a case leads now.
func (s *Server) group(ctx context.Context, lead *counselv1.Case) ([]*counselv1.Case, error) {
	var out []*counselv1.Case
	for _, name := range lead.GetMergedCases() {
		c, _, err := s.cases.Get(ctx, name)
		if err != nil {
			return nil, rpc.FromStore(err, name)
		}
		if led(c) && c.GetMergedInto() == lead.GetName() {
			out = append(out, c)
		}
	}
	return out, nil
}

// groupOf reads the case of an opinion, with the drafters of all that it leads, and the
// cases it leads.
func (s *Server) groupOf(ctx context.Context, opinion string) (*counselv1.Case, []*counselv1.Case, error) {
	c, _, _, err := s.visibleCase(ctx, parentCase(opinion))
	if err != nil {
		return nil, nil, err
	}
	group, err := s.group(ctx, c)
	return joined(c, group), group, err
}

// ConcludeCase implements CounselService, on merged cases in steps that may be made
// again: the lead is concluded, then each case that its opinion covers; those that are
// not as they were signed for are left out.
func (s *Server) ConcludeCase(ctx context.Context, in *counselv1.ConcludeCaseRequest) (*counselv1.Case, error) {
	o, err := s.visibleOpinion(ctx, in.GetOpinion())
	if err != nil {
		return nil, err
	}
	if parentCase(o.GetName()) != in.GetName() {
		return nil, rpc.Field("opinion", "RESOURCE_NAME_INVALID", "意见不属于本案件")
	}
	seen, _, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	group, err := s.group(ctx, seen)
	if err != nil {
		return nil, err
	}
	var led []string
	for _, c := range append([]*counselv1.Case{seen}, group...) {
		if err := s.heard(ctx, c.GetName()); err != nil {
			return nil, err
		}
		led = append(led, c.GetName())
	}
	out := slices.DeleteFunc(slices.Clone(seen.GetMergedCases()), func(name string) bool { return slices.Contains(led, name) })
	lead, err := s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		if len(o.GetCovers()) > 0 && concludedBy(c, o) {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		if err := cmp.Or(wholly(c, o, out), notOwn(joined(c, group), who)); err != nil {
			return docstore.Change{}, err
		}
		return conclude(c, o, who, s.today(), in.GetTimeSufficient())
	})
	if err != nil || len(o.GetCovers()) == 0 {
		return lead, err
	}
	return s.concludeLed(ctx, lead, o, in.GetTimeSufficient())
}

// concludeLed concludes what an opinion covers beside its own case. What is refused
// keeps the reason in its history, and is led no more.
func (s *Server) concludeLed(ctx context.Context, lead *counselv1.Case, o *counselv1.Opinion, timeSufficient bool) (*counselv1.Case, error) {
	var left []string
	for _, cover := range o.GetCovers()[1:] {
		_, err := s.change(ctx, cover.GetCase(), "", func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
			if concludedBy(c, o) {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			if err := covering(c, o); err != nil {
				return docstore.Change{}, err
			}
			return conclude(c, o, who, s.today(), timeSufficient)
		})
		switch {
		case status.Code(err) == codes.FailedPrecondition:
			left = append(left, cover.GetCase())
		case err != nil:
			return nil, err
		}
	}
	if len(left) == 0 {
		return lead, nil
	}
	return s.split(docstore.WithStep(ctx, "left"), lead.GetName(), left)
}

// TransferCase implements ReviewService. The cases that are led go with their lead.
func (s *Server) TransferCase(ctx context.Context, in *counselv1.TransferCaseRequest) (*counselv1.Case, error) {
	seen, _, who, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.reviewerNamed(ctx, "reviewer", in.GetReviewer()); err != nil {
		return nil, err
	}
	group, err := s.group(ctx, seen)
	if err != nil {
		return nil, err
	}
	lead, err := s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		if err := alone(c, "移交"); err != nil {
			return docstore.Change{}, err
		}
		for _, with := range group {
			if _, err := transfer(proto.CloneOf(with), in, who); err != nil && !errors.Is(err, docstore.ErrUnchanged) {
				return docstore.Change{}, err
			}
		}
		return transfer(c, in, who)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range group {
		_, err := s.change(ctx, c.GetName(), "", func(c *counselv1.Case, _ auth.Caller) (docstore.Change, error) {
			return transfer(c, in, who)
		})
		if err != nil {
			return nil, err
		}
	}
	return lead, nil
}

// draftOfItem places an item that is made of a finding: its case, and the draft that
// has the finding.
func draftOfItem(o *counselv1.Opinion, name string) (item *counselv1.OpinionItem, revision string, err error) {
	item = &counselv1.OpinionItem{Case: name}
	revision, err = place(o, item, "")
	return item, revision, rpc.Renamed(err, func(field string) string { return strings.TrimPrefix(field, ".") })
}
