package filing

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/intent"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// Service is the short name of this service.
const Service = "filing"

const (
	regionName   = "regions/{region}"
	bureauName   = regionName + "/bureaus/{bureau}"
	personName   = regionName + "/people/{person}"
	documentName = regionName + "/documents/{document}"
	revisionName = documentName + "/revisions/{revision}"

	findingPattern = revisionName + "/findings/{finding}"
)

// Deps is what the service needs.
type Deps struct {
	// Engine stores the service's documents and files; nobody else writes them.
	Engine docstore.Engine
	// Counsel reviews what is submitted and certifies its verdict.
	Counsel counselv1.CounselServiceClient
	// Directory knows bureaus and profiles.
	Directory directoryv1.DirectoryServiceClient
	// Rules are the packs drafts are screened with.
	Rules *rulebook.Library
	// Intake is where files come in; the services of a process share its limits.
	Intake *intake.Door
	// Clock tells the time.
	Clock docstore.Clock
	// Logger takes what an operator should see.
	Logger *slog.Logger
	// TokenKey signs page tokens; processes that share lists share it.
	TokenKey []byte
	// Wrote is called after every write, to wake the drainer of the journal.
	Wrote func()
}

// comparisons is how many drafts are compared at a time; each takes a processor.
const comparisons = 2

// Server implements FilingService.
type Server struct {
	filingv1.UnimplementedFilingServiceServer

	documents docstore.Collection[*filingv1.Document]
	// dispositions are what was decided about findings, by the name of the finding.
	dispositions docstore.Collection[*corev1.Disposition]
	blobs        docstore.BlobStore
	counsel      counselv1.CounselServiceClient
	directory    directoryv1.DirectoryServiceClient
	rules        *rulebook.Library
	// door is where files come in.
	door *intake.Door
	// comparing has a place for each comparison in progress.
	comparing chan struct{}
	now       docstore.Clock
	log       *slog.Logger
	// pages are those of lists that are stored in one piece.
	pages   rpc.Offsets
	issuers issuers
	intents *intent.Queue[*filingv1.Document]
}

// New opens the service's collection.
func New(ctx context.Context, d Deps) (*Server, error) {
	if len(d.TokenKey) == 0 {
		d.TokenKey = make([]byte, 32)
		rand.Read(d.TokenKey) // never fails: crypto/rand ends the process first
	}
	o := docstore.Options{Clock: d.Clock, TokenKey: d.TokenKey, Wrote: d.Wrote}
	documents, err := docstore.NewCollection[*filingv1.Document](ctx, d.Engine, documentsSpec, o)
	if err != nil {
		return nil, err
	}
	decisions, err := docstore.NewCollection[*corev1.Disposition](ctx, d.Engine, dispositionsSpec, o)
	if err != nil {
		return nil, err
	}
	s := &Server{
		documents: documents, dispositions: decisions, blobs: d.Engine.Blobs(),
		counsel: d.Counsel, directory: d.Directory, rules: d.Rules,
		door: d.Intake,
		now:  d.Clock, log: d.Logger, pages: d.TokenKey,
		comparing: make(chan struct{}, comparisons),
	}
	s.intents = intent.NewQueue(intent.Options[*filingv1.Document]{
		Service: Service, Documents: documents, Perform: s.perform, Clock: d.Clock,
	})
	return s, nil
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	filingv1.RegisterFilingServiceServer(r, s)
}

func (s *Server) today() calendar.Date { return calendar.On(s.now()) }

// visible reads a document the caller may see.
func (s *Server) visible(ctx context.Context, name string) (*filingv1.Document, docstore.Meta, auth.Caller, error) {
	return rpc.ReadAs(ctx, s.documents, documentName, name)
}

// A rule changes a document in place, or answers why not; [docstore.ErrUnchanged]
// when there is nothing to do. It may run several times.
type rule func(d *filingv1.Document, who auth.Caller) (details []*corev1.Detail, err error)

// change updates a document the caller may see, by one rule, at the version etag
// names, or at any when it is empty. What a stranger asks for is looked at
// nowhere, so that nothing tells it apart from what does not exist. Meta says
// whether the request was a repeated one.
func (s *Server) change(ctx context.Context, name, etag string, do rule) (*filingv1.Document, docstore.Meta, error) {
	return s.write(ctx, name, etag, false, do)
}

// write is [Server.change]; step says that what the call is for follows.
func (s *Server) write(ctx context.Context, name, etag string, step bool, do rule) (*filingv1.Document, docstore.Meta, error) {
	_, _, who, err := s.visible(ctx, name)
	if err != nil {
		return nil, docstore.Meta{}, err
	}
	d, meta, err := s.documents.Update(ctx, name, docstore.Precondition{}, func(d *filingv1.Document, meta docstore.Meta) (docstore.Change, error) {
		if err := cmp.Or(rpc.Visible(who, meta, name), rpc.Fresh(etag, meta)); err != nil {
			return docstore.Change{}, err
		}
		return changed(d, step, func(d *filingv1.Document) ([]*corev1.Detail, error) {
			waiting, before := proto.CloneOf(d.GetIntent()), d.GetVersionDigest()
			details, err := do(d, who)
			return details, cmp.Or(err, checkVersionKept(waiting, before, d))
		})
	})
	return d, meta, rpc.FromStore(err, name)
}

// changed changes a document by a rule, and tells the store what that means.
func changed(d *filingv1.Document, step bool, do func(d *filingv1.Document) ([]*corev1.Detail, error)) (docstore.Change, error) {
	from := d.GetState()
	details, err := do(d)
	if err != nil {
		return docstore.Change{}, onRecord(err, details)
	}
	return docstore.Change{
		From: from.String(), To: d.GetState().String(),
		Details: details, Grant: viewersOf(d), Step: step,
	}, nil
}

// onRecord turns the refusal of a rule into one that the store keeps, with the
// facts of the attempt and those of the refusals; other errors stay.
func onRecord(err error, details []*corev1.Detail) error {
	var no refused
	if !errors.As(err, &no) {
		return err
	}
	for _, r := range no {
		for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
			fact := docstore.Detail(name, r.Metadata[name])
			known := slices.ContainsFunc(details, func(d *corev1.Detail) bool { return proto.Equal(d, fact) })
			if !known {
				details = append(details, fact)
			}
		}
	}
	return &docstore.Refusal{Reasons: no.codes(), Details: details, Err: no}
}

// CreateDocument implements FilingService.
func (s *Server) CreateDocument(ctx context.Context, in *filingv1.CreateDocumentRequest) (*filingv1.Document, error) {
	who, err := rpc.Named(ctx, regionName, in.GetParent())
	if err != nil {
		return nil, err
	}
	if err := checkDrafter(who); err != nil {
		return nil, err
	}
	if err := checkDraft(in.GetDocument()); err != nil {
		return nil, err
	}
	if err := s.checkIssuer(ctx, in.GetParent(), in.GetDocument().GetIssuingAuthority()); err != nil {
		return nil, err
	}
	d := newDocument(in.GetDocument(), in.GetParent()+"/documents/"+resource.NewID(s.now()), who)
	d, _, err = s.documents.Create(ctx, d, docstore.Change{
		To:    d.GetState().String(),
		Grant: []string{d.GetDraftingUnit()},
		Details: []*corev1.Detail{
			docstore.Detail("drafting_unit", d.GetDraftingUnit()),
			docstore.Detail("issuing_authority", d.GetIssuingAuthority()),
			docstore.Detail("touches_operators", d.GetOperatorImpact().GetTouchesOperators()),
		},
	})
	return d, rpc.FromStore(err, in.GetParent())
}

// checkIssuer asks the directory what the issuing authority is.
func (s *Server) checkIssuer(ctx context.Context, region, issuer string) error {
	const field = "document.issuing_authority"
	if _, ok := resource.Match(bureauName, issuer); !ok || resource.Region(issuer) != region {
		return rpc.Field(field, "ISSUER_UNKNOWN", "制定机关应当是本地区的机关，形如 "+bureauName)
	}
	now := s.now()
	if s.issuers.known(issuer, now) {
		return nil
	}
	bureau, err := s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: issuer})
	if err != nil {
		return cmp.Or(rpc.Unreachable(err), rpc.Field(field, "ISSUER_UNKNOWN", "没有这个机关"))
	}
	if err := checkIssuer(bureau); err != nil {
		return err
	}
	s.issuers.remember(issuer, now)
	return nil
}

// UpdateDocument implements FilingService.
func (s *Server) UpdateDocument(ctx context.Context, in *filingv1.UpdateDocumentRequest) (*filingv1.Document, error) {
	given := in.GetDocument()
	fields, err := rpc.MaskFields(given, in.GetUpdateMask(), fieldTitle, fieldIssuer, fieldOperatorImpact, fieldEmergency, fieldParties)
	if err != nil {
		return nil, err
	}
	changed := slices.Sorted(maps.Keys(fields))
	d, _, err := s.change(ctx, given.GetName(), given.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		if err := cmp.Or(checkDraftingUnit(d, who), updateDocument(d, given, fields)); err != nil {
			return nil, err
		}
		details := []*corev1.Detail{docstore.Detail("version_digest", d.GetVersionDigest())}
		for _, field := range changed {
			details = append(details, docstore.Detail("field", field))
		}
		return details, nil
	})
	return d, err
}

// RecordConsultation implements FilingService.
func (s *Server) RecordConsultation(ctx context.Context, in *filingv1.RecordConsultationRequest) (*filingv1.Document, error) {
	if _, _, _, err := s.visible(ctx, in.GetName()); err != nil {
		return nil, err
	}
	profile, err := s.profile(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	c := in.GetConsultation()
	d, _, err := s.change(ctx, in.GetName(), in.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		details := []*corev1.Detail{
			docstore.Detail("held", notHeldReason(c) == ""),
			docstore.Detail("open_date", isoDate(c.GetOpenDate())),
			docstore.Detail("close_date", isoDate(c.GetCloseDate())),
			docstore.Detail("opinions", len(c.GetOpinions())),
		}
		if err := checkDraftingUnit(d, who); err != nil {
			return nil, err
		}
		if err := recordConsultation(d, c, profile); err != nil {
			return details, err
		}
		return append(details, docstore.Detail("version_digest", d.GetVersionDigest())), nil
	})
	return d, err
}

// profile is the region's profile in force today.
func (s *Server) profile(ctx context.Context, name string) (*directoryv1.JurisdictionProfile, error) {
	return s.directory.ResolveJurisdictionProfile(ctx, &directoryv1.ResolveJurisdictionProfileRequest{
		Parent: resource.Region(name), Date: s.today().Proto(),
	})
}

// SetDocumentViewer implements FilingService. The person it acts for may not see
// the document yet: counsel who has just declared that there is no conflict.
func (s *Server) SetDocumentViewer(ctx context.Context, in *filingv1.SetDocumentViewerRequest) (*filingv1.SetDocumentViewerResponse, error) {
	who, err := rpc.Named(ctx, documentName, in.GetName())
	if err != nil {
		return nil, err
	}
	_, person := resource.Match(personName, in.GetViewer())
	_, bureau := resource.Match(bureauName+"/asked", in.GetViewer()) // [auth.AskedViewer]
	if !person && !bureau || resource.Region(in.GetViewer()) != who.Region {
		return nil, rpc.Field("viewer", "VIEWER_UNKNOWN", "只能授权给本地区的人员或者单位，形如 "+personName)
	}
	_, _, err = s.documents.Update(ctx, in.GetName(), docstore.Precondition{}, func(d *filingv1.Document, meta docstore.Meta) (docstore.Change, error) {
		if slices.Contains(meta.Viewers, in.GetViewer()) == in.GetVisible() {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		change := docstore.Change{
			From: d.GetState().String(), To: d.GetState().String(),
			Details: []*corev1.Detail{
				docstore.Detail("viewer", in.GetViewer()),
				docstore.Detail("visible", in.GetVisible()),
				docstore.Detail("assignment", in.GetAssignment()),
			},
		}
		if in.GetVisible() {
			change.Grant = []string{in.GetViewer()}
		} else {
			change.Revoke = []string{in.GetViewer()}
		}
		return change, nil
	})
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	return &filingv1.SetDocumentViewerResponse{}, nil
}
