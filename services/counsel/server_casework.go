package counsel

import (
	"context"
	"fmt"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
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

// profile is the region's profile in force today.
func (s *Server) profile(ctx context.Context, name string) (*directoryv1.JurisdictionProfile, error) {
	return s.directory.ResolveJurisdictionProfile(ctx, &directoryv1.ResolveJurisdictionProfileRequest{
		Parent: regionOf(name), Date: s.today().Proto(),
	})
}
