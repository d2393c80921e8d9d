package directory

import (
	"context"
	"errors"
	"fmt"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// ImportCalendar loads or replaces the calendar of a year. With an etag, only
// that version is replaced.
func (s *Server) ImportCalendar(ctx context.Context, r *directoryv1.ImportCalendarRequest) (*directoryv1.Calendar, error) {
	year, err := yearOf(r.GetCalendar())
	if err != nil {
		return nil, err
	}
	c, etag := calendarOf(year), r.GetCalendar().GetEtag()
	made, err := s.replaceCalendar(ctx, c, etag)
	if isNotFound(err) && etag == "" {
		made, _, err = s.store.calendars.Create(ctx, c, docstore.Change{Details: calendarDetails(c)})
		if isAlreadyExists(err) { // another import came first
			made, err = s.replaceCalendar(ctx, c, etag)
		}
	}
	if isNotFound(err) { // the version the caller saw is not there
		err = docstore.ErrConflict
	}
	return made, rpc.FromStore(err, c.GetName())
}

func (s *Server) replaceCalendar(ctx context.Context, c *directoryv1.Calendar, etag string) (*directoryv1.Calendar, error) {
	made, _, err := s.store.calendars.Update(ctx, c.GetName(), docstore.Precondition{Etag: etag},
		func(stored *directoryv1.Calendar, _ docstore.Meta) (docstore.Change, error) {
			stored.DaysOff, stored.MakeUpWorkdays, stored.Source = c.DaysOff, c.MakeUpWorkdays, c.Source
			return docstore.Change{Details: calendarDetails(c)}, nil
		})
	return made, err
}

// GetCalendar reads the calendar of a year.
func (s *Server) GetCalendar(ctx context.Context, r *directoryv1.GetCalendarRequest) (*directoryv1.Calendar, error) {
	if err := checkShape("name", calendarPattern, r.GetName()); err != nil {
		return nil, err
	}
	c, _, err := s.store.calendars.Get(ctx, r.GetName())
	return c, rpc.FromStore(err, r.GetName())
}

// ListCalendars lists the loaded years.
func (s *Server) ListCalendars(ctx context.Context, r *directoryv1.ListCalendarsRequest) (*directoryv1.ListCalendarsResponse, error) {
	page, err := s.store.calendars.List(ctx, docstore.Query{
		OrderBy: docstore.FieldName, PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListCalendarsResponse{Calendars: page.Items, NextPageToken: page.NextPageToken}, nil
}

// CreateJurisdictionProfile adds a version of the profile of the caller's
// region.
func (s *Server) CreateJurisdictionProfile(ctx context.Context, r *directoryv1.CreateJurisdictionProfileRequest) (*directoryv1.JurisdictionProfile, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	p := r.GetJurisdictionProfile()
	if err := checkProfile(p); err != nil {
		return nil, err
	}
	p.Name = r.GetParent() + "/jurisdictionProfiles/" + resource.NewID(s.now())
	made, _, err := s.store.profiles.Create(ctx, p, docstore.Change{})
	return made, rpc.FromStore(err, r.GetParent())
}

// GetJurisdictionProfile reads one version of the profile of the caller's
// region.
func (s *Server) GetJurisdictionProfile(ctx context.Context, r *directoryv1.GetJurisdictionProfileRequest) (*directoryv1.JurisdictionProfile, error) {
	if _, err := own(ctx, "name", profilePattern, r.GetName()); err != nil {
		return nil, err
	}
	p, _, err := s.store.profiles.Get(ctx, r.GetName())
	return p, rpc.FromStore(err, r.GetName())
}

// ListJurisdictionProfiles lists the versions of the profile of the caller's
// region, newest first.
func (s *Server) ListJurisdictionProfiles(ctx context.Context, r *directoryv1.ListJurisdictionProfilesRequest) (*directoryv1.ListJurisdictionProfilesResponse, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	page, err := s.store.profiles.List(ctx, docstore.Query{
		Prefix:     &docstore.Prefix{Field: docstore.FieldName, Value: r.GetParent() + "/jurisdictionProfiles/"},
		Descending: true,
		PageSize:   int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListJurisdictionProfilesResponse{
		JurisdictionProfiles: page.Items, NextPageToken: page.NextPageToken,
	}, nil
}

// ResolveJurisdictionProfile answers the version in force on a date.
func (s *Server) ResolveJurisdictionProfile(ctx context.Context, r *directoryv1.ResolveJurisdictionProfileRequest) (*directoryv1.JurisdictionProfile, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	on, err := optionalDate("date", r.GetDate())
	if err != nil {
		return nil, err
	}
	if on.IsZero() {
		on = calendar.On(s.now())
	}
	return s.resolve(ctx, r.GetParent(), on)
}

// resolve finds the version in force: of the latest effective date not after
// the day the one that was made last.
func (s *Server) resolve(ctx context.Context, region string, on calendar.Date) (*directoryv1.JurisdictionProfile, error) {
	page, err := s.store.profiles.List(ctx, docstore.Query{
		Equal:      map[string]any{docstore.FieldParent: region},
		Range:      &docstore.Range{Field: "effective_date", To: on.AddDays(1).String()},
		Descending: true, // ties by name, and names sort by time
		PageSize:   1,
	})
	if err != nil {
		return nil, rpc.FromStore(err, region)
	}
	if len(page.Items) == 0 {
		return nil, rpc.Refused(rpc.Refusal{
			Code: "PROFILE_NOT_IN_FORCE", Message: fmt.Sprintf("%s没有有效的本地配置", on),
			Metadata: map[string]string{"region": region, "date": on.String()},
		})
	}
	return page.Items[0], nil
}

// ComputeDeadline computes a date by the law, the calendars, and the profile in
// force on the day of the event.
func (s *Server) ComputeDeadline(ctx context.Context, r *directoryv1.ComputeDeadlineRequest) (*directoryv1.ComputeDeadlineResponse, error) {
	if _, err := own(ctx, "region", regionPattern, r.GetRegion()); err != nil {
		return nil, err
	}
	start, err := requiredDate("start_date", r.GetStartDate())
	if err != nil {
		return nil, err
	}
	profile, err := s.resolve(ctx, r.GetRegion(), start)
	if err != nil {
		return nil, err
	}
	days, err := s.loadedYears(ctx)
	if err != nil {
		return nil, err
	}
	return computeDeadline(r, profile, days)
}

// loadedYears reads the calendars. They are a handful of small documents, read
// each time, so that a notice that changes in the middle of a year counts at
// once in every process.
func (s *Server) loadedYears(ctx context.Context) (*calendar.Calendar, error) {
	var years []calendar.Year
	var bad error
	err := each(ctx, s.store.calendars, docstore.Query{OrderBy: docstore.FieldName}, func(c *directoryv1.Calendar) {
		year, err := yearOf(c)
		if err != nil {
			// Our fault, not the request's: the status of err must not pass on.
			bad = errors.New("stored " + c.GetName() + ": " + err.Error())
		}
		years = append(years, year)
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	if bad != nil {
		return nil, bad
	}
	return calendar.New(years...)
}
