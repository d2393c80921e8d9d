package counsel

import (
	"context"
	"errors"
	"fmt"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// ExtendCase implements ReviewService. The new last day is computed from the one that
// was read, so the case must still be the one that was read.
func (s *Server) ExtendCase(ctx context.Context, in *counselv1.ExtendCaseRequest) (*counselv1.Case, error) {
	c, meta, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	profile, err := s.profile(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	ceiling, provisional := calendar.Date{}, false
	most, etag := profile.GetReviewExtensionDays().GetValue(), in.GetEtag()
	if extensible(c, in.GetDays(), most) == nil {
		d, err := s.extended(ctx, regionOf(in.GetName()), last(c).GetCeilingDate(), in.GetDays())
		if err != nil {
			return nil, err
		}
		if ceiling, err = calendar.FromProto(d.GetDate()); err != nil {
			return nil, fmt.Errorf("read the computed date: %w", err)
		}
		provisional = d.GetProvisional()
		if etag == "" {
			etag = meta.Etag
		}
	}
	return s.change(ctx, in.GetName(), etag, func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return extend(c, in, most, ceiling, provisional, who, s.time())
	})
}

// RecomputeDates implements ReviewService. Each case is a write of its own, in the
// version that its dates were worked out for.
func (s *Server) RecomputeDates(ctx context.Context, in *counselv1.RecomputeDatesRequest) (*counselv1.RecomputeDatesResponse, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	out := &counselv1.RecomputeDatesResponse{}
	q := docstore.Query{
		Equal:   map[string]any{"state": counselv1.Case_UNDER_REVIEW},
		AnyOf:   &docstore.AnyOf{Field: docstore.FieldViewers, Values: who.Viewers()},
		OrderBy: docstore.FieldCreateTime,
	}
	for {
		page, err := s.cases.List(ctx, q)
		if err != nil {
			return nil, rpc.FromStore(err, in.GetParent())
		}
		for _, c := range page.Items {
			moved, err := s.recompute(ctx, c)
			if err != nil {
				return nil, err
			}
			if moved {
				out.Cases = append(out.Cases, c.GetName())
			}
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return out, nil
		}
	}
}

// recompute tells whether the dates of a running review moved.
func (s *Server) recompute(ctx context.Context, c *counselv1.Case) (bool, error) {
	round := last(c)
	d, err := s.reviewDates(ctx, c, round, round.GetPauses())
	if err != nil {
		return false, err
	}
	unchanged := false
	_, err = s.change(ctx, c.GetName(), c.GetEtag(), func(c *counselv1.Case, _ auth.Caller) (docstore.Change, error) {
		change, err := moveDates(c, d)
		unchanged = errors.Is(err, docstore.ErrUnchanged)
		return change, err
	})
	return err == nil && !unchanged, err
}

// profile is the region's profile in force today.
func (s *Server) profile(ctx context.Context, name string) (*directoryv1.JurisdictionProfile, error) {
	return s.directory.ResolveJurisdictionProfile(ctx, &directoryv1.ResolveJurisdictionProfileRequest{
		Parent: regionOf(name), Date: s.today().Proto(),
	})
}
