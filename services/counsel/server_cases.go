package counsel

import (
	"cmp"
	"context"
	"errors"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// GetCase implements CounselService.
func (s *Server) GetCase(ctx context.Context, in *counselv1.GetCaseRequest) (*counselv1.Case, error) {
	c, _, _, err := s.visibleCase(ctx, in.GetName())
	return c, err
}

// ListCases implements CounselService.
func (s *Server) ListCases(ctx context.Context, in *counselv1.ListCasesRequest) (*counselv1.ListCasesResponse, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(in.GetFilter(), map[string]resource.FieldKind{
		"state":    resource.Enum(counselv1.Case_State(0).Descriptor()),
		"reviewer": resource.String,
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	cases, next, err := rpc.List(ctx, s.cases, docstore.Query{Equal: equal, OrderBy: docstore.FieldCreateTime, Descending: true}, who, in)
	return &counselv1.ListCasesResponse{Cases: cases, NextPageToken: next}, err
}

// AcceptCase implements CounselService.
func (s *Server) AcceptCase(ctx context.Context, in *counselv1.AcceptCaseRequest) (*counselv1.Case, error) {
	today := s.today()
	seen, _, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	d, err := s.reviewDates(ctx, seen, &counselv1.Round{AcceptDate: today.Proto()}, nil)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return accept(c, who, today, d)
	})
}

// ReturnCase implements CounselService.
func (s *Server) ReturnCase(ctx context.Context, in *counselv1.ReturnCaseRequest) (*counselv1.Case, error) {
	return s.changeLeaving(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return sendBack(c, in.GetReason(), who, s.today())
	})
}

// RequestSupplement implements CounselService.
func (s *Server) RequestSupplement(ctx context.Context, in *counselv1.RequestSupplementRequest) (*counselv1.Case, error) {
	return s.changeLeaving(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return requestSupplement(c, in.GetReason(), who, s.today())
	})
}

// AnswerItem implements CounselService.
func (s *Server) AnswerItem(ctx context.Context, in *counselv1.AnswerItemRequest) (*counselv1.Case, error) {
	return s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return answer(c, in.GetNumber(), in.GetAnswer(), who, s.time())
	})
}

// ConfirmRevision implements CounselService.
func (s *Server) ConfirmRevision(ctx context.Context, in *counselv1.ConfirmRevisionRequest) (*counselv1.Case, error) {
	return s.change(ctx, in.GetName(), in.GetEtag(), func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return confirm(c, in.GetVersionDigest(), in.GetNote(), who, s.time())
	})
}

// ListCaseHistory implements CounselService.
func (s *Server) ListCaseHistory(ctx context.Context, in *counselv1.ListCaseHistoryRequest) (*counselv1.ListCaseHistoryResponse, error) {
	if _, _, _, err := s.visibleCase(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	entries, next, err := s.cases.History(ctx, in.GetParent(), int(in.GetPageSize()), in.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	return &counselv1.ListCaseHistoryResponse{History: entries, NextPageToken: next}, nil
}

// OpenCase implements CounselService.
func (s *Server) OpenCase(ctx context.Context, in *counselv1.OpenCaseRequest) (*counselv1.Case, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	c, _, err := s.caseOf(ctx, in.GetSubject())
	if errors.Is(err, docstore.ErrNotFound) {
		c, err = s.firstSubmission(ctx, in, who)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, docstore.ErrAlreadyExists) {
			return nil, rpc.FromStore(err, in.GetSubject())
		}
		c, _, err = s.caseOf(ctx, in.GetSubject())
	}
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	if in.GetValidateOnly() {
		return s.wouldTake(ctx, c, in)
	}
	return s.nextSubmission(ctx, c, in, who)
}

// wouldTake tells whether a case would take a submission. A refusal is kept.
func (s *Server) wouldTake(ctx context.Context, c *counselv1.Case, in *counselv1.OpenCaseRequest) (*counselv1.Case, error) {
	c, _, err := s.cases.Update(ctx, c.GetName(), docstore.Precondition{}, func(c *counselv1.Case, _ docstore.Meta) (docstore.Change, error) {
		return docstore.Change{}, cmp.Or(admits(c, in), docstore.ErrUnchanged)
	})
	return c, rpc.FromStore(err, in.GetSubject())
}

// firstSubmission opens the case; ErrAlreadyExists when another call did.
func (s *Server) firstSubmission(ctx context.Context, in *counselv1.OpenCaseRequest, who auth.Caller) (*counselv1.Case, error) {
	if in.GetSubmission() != 1 {
		return nil, rpc.New(codes.FailedPrecondition, codeReviewInProgress, "该文件没有审核案件，应当是第1次送审")
	}
	if in.GetValidateOnly() {
		return &counselv1.Case{Subject: in.GetSubject()}, nil
	}
	now := s.time()
	c, change := newCase(in.GetParent()+"/cases/"+resource.NewID(now), in, who, calendar.On(now))
	c, _, err := s.cases.Create(ctx, c, change)
	return c, err
}

// nextSubmission adds a submission to a case. Deadlines are asked for only where the
// running round goes on.
func (s *Server) nextSubmission(ctx context.Context, c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller) (*counselv1.Case, error) {
	now := s.time()
	pre, d := docstore.Precondition{}, dates{}
	if resumes(c, in) {
		var err error
		round := last(c)
		if d, err = s.reviewDates(ctx, c, round, pausesUntil(round, calendar.On(now))); err != nil {
			return nil, err
		}
		pre.Etag = c.GetEtag()
	}
	c, _, err := s.cases.Update(ctx, c.GetName(), pre, func(c *counselv1.Case, _ docstore.Meta) (docstore.Change, error) {
		return submit(c, in, who, now, d)
	})
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	return c, s.recheck(ctx, c)
}

// caseOf finds the case of a subject.
func (s *Server) caseOf(ctx context.Context, subject string) (*counselv1.Case, docstore.Meta, error) {
	page, err := s.cases.List(ctx, docstore.Query{Equal: map[string]any{"subject": subject}, PageSize: 1})
	if err != nil {
		return nil, docstore.Meta{}, err
	}
	if len(page.Items) == 0 {
		return nil, docstore.Meta{}, docstore.ErrNotFound
	}
	return page.Items[0], page.Metas[0], nil
}

// reviewDates asks the directory for the floor and the ceiling of a round that was
// accepted, by the law of its subject.
func (s *Server) reviewDates(ctx context.Context, c *counselv1.Case, round *counselv1.Round, pauses []*counselv1.Pause) (dates, error) {
	var d dates
	region, accepted, kinds := regionOf(c.GetName()), round.GetAcceptDate(), timesOf(c)
	if kinds.floor != 0 {
		floor, err := s.deadline(ctx, region, kinds.floor, accepted, pauses, true)
		if err != nil {
			return dates{}, err
		}
		var errs [2]error
		d.floor, errs[0] = calendar.FromProto(floor.GetDate())
		d.earliest, errs[1] = calendar.FromProto(floor.GetEarliestMeetingDate())
		if err := errors.Join(errs[:]...); err != nil {
			return dates{}, err
		}
		d.provisional = floor.GetProvisional()
	}
	if kinds.ceiling == 0 {
		return d, nil
	}
	ceiling, err := s.deadline(ctx, region, kinds.ceiling, accepted, pauses, true)
	if err == nil && round.GetExtension() != nil {
		ceiling, err = s.extended(ctx, region, ceiling.GetDate(), round.GetExtension().GetDays())
	}
	if err != nil {
		return dates{}, err
	}
	d.provisional = d.provisional || ceiling.GetProvisional()
	d.ceiling, err = calendar.FromProto(ceiling.GetDate())
	return d, err
}

// extended is a last day with working days added.
func (s *Server) extended(ctx context.Context, region string, from *datepb.Date, days int32) (*directoryv1.ComputeDeadlineResponse, error) {
	return s.directory.ComputeDeadline(ctx, &directoryv1.ComputeDeadlineRequest{
		Region: region, Kind: directoryv1.ComputeDeadlineRequest_WORKING_DAYS, StartDate: from, Days: days, AllowProvisional: true,
	})
}

func (s *Server) deadline(ctx context.Context, region string, kind directoryv1.ComputeDeadlineRequest_Kind, start *datepb.Date, pauses []*counselv1.Pause, provisional bool) (*directoryv1.ComputeDeadlineResponse, error) {
	in := &directoryv1.ComputeDeadlineRequest{Region: region, Kind: kind, StartDate: start, AllowProvisional: provisional}
	for _, p := range pauses {
		in.Pauses = append(in.Pauses, &directoryv1.ComputeDeadlineRequest_Pause{From: p.GetFrom(), Until: p.GetUntil()})
	}
	return s.directory.ComputeDeadline(ctx, in)
}

// GetVerdict implements CounselService.
func (s *Server) GetVerdict(ctx context.Context, in *counselv1.GetVerdictRequest) (*counselv1.Verdict, error) {
	who, ok := auth.CallerFrom(ctx)
	if !ok || resource.Region(in.GetSubject()) != who.Region {
		return nil, rpc.NotFound(in.GetSubject())
	}
	c, meta, err := s.caseOf(ctx, in.GetSubject())
	if errors.Is(err, docstore.ErrNotFound) {
		return &counselv1.Verdict{Standing: counselv1.Verdict_NOT_CONCLUDED}, nil
	}
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	v := verdict(c, in.GetVersionDigest(), meta.Etag)
	if v.GetEarliestMeetingDate() != nil {
		s.floorToday(ctx, c, v)
	}
	return v, nil
}

// floorToday works the floor out by the calendars of today, which may have been loaded
// or changed since the case was accepted; what was stored stays where they do not tell.
func (s *Server) floorToday(ctx context.Context, c *counselv1.Case, v *counselv1.Verdict) {
	round := last(c)
	for i := len(c.GetRounds()) - 1; i > 0 && round.GetAcceptDate() == nil; i-- {
		round = c.GetRounds()[i-1]
	}
	floor, err := s.deadline(ctx, regionOf(c.GetName()), timesOf(c).floor,
		round.GetAcceptDate(), pausesUntil(round, s.today()), false)
	if err != nil {
		s.log.WarnContext(ctx, "review floor stays as stored", "case", c.GetName(), "reason", rpc.Reason(err))
		return
	}
	v.EarliestMeetingDate, v.ProvisionalDates = floor.GetEarliestMeetingDate(), false
}

// CertifyVerdict implements CounselService.
func (s *Server) CertifyVerdict(ctx context.Context, in *counselv1.CertifyVerdictRequest) (*counselv1.Verdict, error) {
	who, ok := auth.CallerFrom(ctx)
	if !ok || resource.Region(in.GetSubject()) != who.Region {
		return nil, rpc.NotFound(in.GetSubject())
	}
	c, _, err := s.caseOf(ctx, in.GetSubject())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	c, meta, err := s.cases.Update(ctx, c.GetName(), docstore.Precondition{}, func(c *counselv1.Case, meta docstore.Meta) (docstore.Change, error) {
		return certify(c, meta.Etag, in, s.time())
	})
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	return verdict(c, in.GetVersionDigest(), meta.Etag), nil
}

// WithdrawCertificate implements CounselService.
func (s *Server) WithdrawCertificate(ctx context.Context, in *counselv1.WithdrawCertificateRequest) (*counselv1.WithdrawCertificateResponse, error) {
	who, ok := auth.CallerFrom(ctx)
	if !ok || resource.Region(in.GetSubject()) != who.Region {
		return nil, rpc.NotFound(in.GetSubject())
	}
	c, _, err := s.caseOf(ctx, in.GetSubject())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetSubject())
	}
	_, _, err = s.cases.Update(docstore.WithStep(ctx, "withdraw"), c.GetName(), docstore.Precondition{}, func(c *counselv1.Case, _ docstore.Meta) (docstore.Change, error) {
		return withdrawCertificate(c, in.GetTransition(), in.GetReason(), s.time())
	})
	return &counselv1.WithdrawCertificateResponse{}, rpc.FromStore(err, in.GetSubject())
}
