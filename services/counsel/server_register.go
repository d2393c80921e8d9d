package counsel

import (
	"cmp"
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// registerServer implements RegisterService on the stores of the service.
type registerServer struct {
	counselv1.UnimplementedRegisterServiceServer

	*Server
}

// CreateCounselEntry implements RegisterService.
func (s registerServer) CreateCounselEntry(ctx context.Context, in *counselv1.CreateCounselEntryRequest) (*counselv1.CounselEntry, error) {
	if _, err := rpc.Named(ctx, "regions/{region}", in.GetParent()); err != nil {
		return nil, err
	}
	e := in.GetCounselEntry()
	if err := checkEntry(e, s.today()); err != nil {
		return nil, err
	}
	if err := s.describe(ctx, e); err != nil {
		return nil, err
	}
	if e.GetKind() == counselv1.CounselEntry_RETAINED_COUNSEL {
		profile, err := s.profile(ctx, in.GetParent())
		if err != nil {
			return nil, err
		}
		if err := practised(e, profile.GetCounselPracticeYears().GetValue(), s.today()); err != nil {
			return nil, err
		}
	}
	name := in.GetParent() + "/counselEntries/" + resource.NewID(s.time())
	e, change := newEntry(name, in.GetParent(), e)
	e, _, err := s.entries.Create(ctx, e, change)
	if errors.Is(err, docstore.ErrAlreadyExists) {
		return nil, rpc.New(codes.AlreadyExists, "COUNSEL_REGISTERED", "该人员已在名册中")
	}
	return e, rpc.FromStore(err, name)
}

// describe fills an entry with what the directory knows of the person.
func (s *Server) describe(ctx context.Context, e *counselv1.CounselEntry) error {
	p, err := s.directory.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: e.GetPerson()})
	if err != nil {
		return cmp.Or(rpc.Unreachable(err), rpc.Field("counsel_entry.person", "PERSON_UNKNOWN", "没有该人员"))
	}
	bureau := &directoryv1.Bureau{}
	if p.GetBureau() != "" {
		if bureau, err = s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: p.GetBureau()}); err != nil {
			return err
		}
	}
	return describes(e, p, bureau.GetDisplayName())
}

// GetCounselEntry implements RegisterService.
func (s registerServer) GetCounselEntry(ctx context.Context, in *counselv1.GetCounselEntryRequest) (*counselv1.CounselEntry, error) {
	e, err := s.visibleEntry(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	return e, s.addLoad(ctx, e)
}

func (s *Server) visibleEntry(ctx context.Context, name string) (*counselv1.CounselEntry, error) {
	return rpc.Read(ctx, s.entries, entryName, name)
}

// ListCounselEntries implements RegisterService.
func (s registerServer) ListCounselEntries(ctx context.Context, in *counselv1.ListCounselEntriesRequest) (*counselv1.ListCounselEntriesResponse, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(in.GetFilter(), map[string]resource.FieldKind{
		"state": resource.Enum(counselv1.CounselEntry_State(0).Descriptor()),
		"kind":  resource.Enum(counselv1.CounselEntry_Kind(0).Descriptor()),
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	entries, next, err := rpc.List(ctx, s.entries, docstore.Query{Equal: equal, OrderBy: docstore.FieldCreateTime}, who, in)
	if err != nil {
		return nil, err
	}
	return &counselv1.ListCounselEntriesResponse{CounselEntries: entries, NextPageToken: next}, s.addLoad(ctx, entries...)
}

// addLoad fills in what advisers have in hand, by one query for all.
func (s *Server) addLoad(ctx context.Context, entries ...*counselv1.CounselEntry) error {
	of := map[string]*counselv1.CounselEntry{}
	people := make([]string, 0, len(entries))
	for _, e := range entries {
		of[e.GetPerson()] = e
		people = append(people, e.GetPerson())
	}
	groups, err := s.assignments.Aggregate(ctx, docstore.Query{
		AnyOf: &docstore.AnyOf{Field: "counsel", Values: people},
	}, []string{"counsel", "state"}, nil)
	if err != nil {
		return rpc.FromStore(err, "")
	}
	for _, e := range entries {
		e.OpenAssignments = 0
	}
	for _, g := range groups {
		state, _ := g.Key[1].(int64)
		if person, _ := g.Key[0].(string); underway(counselv1.Assignment_State(state)) {
			of[person].OpenAssignments += int32(g.Count)
		}
	}
	return nil
}

// UpdateCounselEntry implements RegisterService. A client that is a party to what the
// firm has in hand closes the file: a call that stopped before is completed by the
// same call.
func (s registerServer) UpdateCounselEntry(ctx context.Context, in *counselv1.UpdateCounselEntryRequest) (*counselv1.CounselEntry, error) {
	from := in.GetCounselEntry()
	fields, err := rpc.MaskFields(from, in.GetUpdateMask(), "certificate_number", "practice_start_date", "specialities", "language_codes", "clients")
	if err != nil {
		return nil, err
	}
	e, err := s.changeEntry(ctx, from.GetName(), from.GetEtag(), func(e *counselv1.CounselEntry, who auth.Caller) (docstore.Change, error) {
		return changeEntry(e, from, fields, who, s.today())
	})
	if err != nil || !fields["clients"] {
		return e, err
	}
	if err := s.recheckFirm(ctx, e); err != nil {
		return nil, err
	}
	return e, s.addLoad(ctx, e)
}

// changeEntry updates an entry the caller may see, by one rule.
func (s *Server) changeEntry(ctx context.Context, name, etag string, rule func(e *counselv1.CounselEntry, who auth.Caller) (docstore.Change, error)) (*counselv1.CounselEntry, error) {
	e, err := rpc.Change(ctx, s.entries, entryName, name, etag, rule)
	if err != nil {
		return nil, err
	}
	return e, s.addLoad(ctx, e)
}

// SuspendCounsel implements RegisterService.
func (s registerServer) SuspendCounsel(ctx context.Context, in *counselv1.SuspendCounselRequest) (*counselv1.CounselEntry, error) {
	return s.setState(ctx, in, counselv1.CounselEntry_SUSPENDED)
}

// ReinstateCounsel implements RegisterService.
func (s registerServer) ReinstateCounsel(ctx context.Context, in *counselv1.ReinstateCounselRequest) (*counselv1.CounselEntry, error) {
	return s.setState(ctx, in, counselv1.CounselEntry_ACTIVE)
}

// RemoveCounsel implements RegisterService.
// The entry is closed, then what is in hand is taken back: a call that stopped half-way
// is completed by the same call.
func (s registerServer) RemoveCounsel(ctx context.Context, in *counselv1.RemoveCounselRequest) (*counselv1.CounselEntry, error) {
	e, err := s.setState(ctx, in, counselv1.CounselEntry_REMOVED)
	if err != nil {
		return nil, err
	}
	if err := s.takeAllBack(ctx, e.GetPerson(), "退出名册："+in.GetReason()); err != nil {
		return nil, err
	}
	return e, s.addLoad(ctx, e)
}

func (s *Server) setState(ctx context.Context, in interface {
	GetName() string
	GetReason() string
	GetEtag() string
}, to counselv1.CounselEntry_State,
) (*counselv1.CounselEntry, error) {
	return s.changeEntry(ctx, in.GetName(), in.GetEtag(), func(e *counselv1.CounselEntry, _ auth.Caller) (docstore.Change, error) {
		return setCounselState(e, to, in.GetReason())
	})
}

// AssessCounsel implements RegisterService.
func (s registerServer) AssessCounsel(ctx context.Context, in *counselv1.AssessCounselRequest) (*counselv1.CounselEntry, error) {
	return s.changeEntry(ctx, in.GetName(), in.GetEtag(), func(e *counselv1.CounselEntry, who auth.Caller) (docstore.Change, error) {
		return assess(e, in.GetAssessment(), who, s.time())
	})
}

// CreateEngagement implements RegisterService.
func (s registerServer) CreateEngagement(ctx context.Context, in *counselv1.CreateEngagementRequest) (*counselv1.Engagement, error) {
	e, err := s.visibleEntry(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	others, err := s.engagementsOf(ctx, in.GetParent())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	name := in.GetParent() + "/engagements/" + resource.NewID(s.time())
	g, change, err := newEngagement(name, e, in.GetEngagement(), others)
	if err != nil {
		return nil, err
	}
	if g, _, err = s.engagements.Create(ctx, g, change); errors.Is(err, docstore.ErrAlreadyExists) {
		return nil, rpc.Field("engagement.contract_number", "CONTRACT_NUMBER_TAKEN", "该合同编号已经登记")
	}
	return s.shown(g), rpc.FromStore(err, name)
}

// engagementsOf are the contracts of an adviser, oldest first.
func (s *Server) engagementsOf(ctx context.Context, entry string) ([]*counselv1.Engagement, error) {
	return pages(ctx, s.engagements, entry+"/engagements/")
}

// shown fills in how a contract stands today.
func (s *Server) shown(g *counselv1.Engagement) *counselv1.Engagement {
	if g != nil {
		g.State = engagementState(g, s.today())
	}
	return g
}

// GetEngagement implements RegisterService.
func (s registerServer) GetEngagement(ctx context.Context, in *counselv1.GetEngagementRequest) (*counselv1.Engagement, error) {
	g, err := rpc.Read(ctx, s.engagements, engagementName, in.GetName())
	return s.shown(g), err
}

// ListEngagements implements RegisterService.
func (s registerServer) ListEngagements(ctx context.Context, in *counselv1.ListEngagementsRequest) (*counselv1.ListEngagementsResponse, error) {
	who, q, err := children(ctx, entryName, in.GetParent(), "engagements", "end_date")
	if err != nil {
		return nil, err
	}
	engagements, next, err := rpc.List(ctx, s.engagements, q, who, in)
	for _, g := range engagements {
		s.shown(g)
	}
	return &counselv1.ListEngagementsResponse{Engagements: engagements, NextPageToken: next}, err
}

// TerminateEngagement implements RegisterService.
func (s registerServer) TerminateEngagement(ctx context.Context, in *counselv1.TerminateEngagementRequest) (*counselv1.Engagement, error) {
	today := s.today()
	last := today
	if in.GetTerminateDate() != nil {
		var err error
		if last, err = dateField("terminate_date", in.GetTerminateDate()); err != nil {
			return nil, err
		}
	}
	g, err := rpc.Change(ctx, s.engagements, engagementName, in.GetName(), in.GetEtag(), func(g *counselv1.Engagement, _ auth.Caller) (docstore.Change, error) {
		return terminate(g, in.GetReason(), last, today)
	})
	return s.shown(g), err
}

// entryOf is the entry of a person; nil where there is none.
func (s *Server) entryOf(ctx context.Context, person string) (*counselv1.CounselEntry, error) {
	page, err := s.entries.List(ctx, docstore.Query{Equal: map[string]any{"person": person}, PageSize: 1})
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	return page.Items[0], nil
}

// profileOf is what the register knows of a counsel, whose entry may be missing: the
// clients of the firm and, where the entry names another one still, the own.
func (s *Server) profileOf(ctx context.Context, e *counselv1.CounselEntry, person, firm string) (profile, error) {
	clients, err := s.clientsOf(ctx, regionOf(person), firm)
	if e.GetOrganization() != firm {
		clients = append(clients, e.GetClients()...)
	}
	return profile{person: person, displayName: e.GetDisplayName(), firm: firm, clients: clients}, err
}

// clientsOf are the clients of the firms that are asked about, by anybody of the
// firm who is or was on the region's register.
func (s *Server) clientsOf(ctx context.Context, region, firm string) ([]*counselv1.Client, error) {
	if firm == "" {
		return nil, nil
	}
	var out []*counselv1.Client
	q := docstore.Query{Equal: map[string]any{"organization": firm, docstore.FieldParent: region}, OrderBy: docstore.FieldName}
	for {
		page, err := s.entries.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Items {
			out = append(out, e.GetClients()...)
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return out, nil
		}
	}
}
