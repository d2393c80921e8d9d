package counsel

import (
	"context"
	"log/slog"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/intent"
	"fashen/internal/officialdoc"
	"fashen/internal/register"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// Service is the short name of this service.
const Service = "counsel"

const (
	caseName       = "regions/{region}/cases/{case}"
	opinionName    = caseName + "/opinions/{opinion}"
	assignmentName = caseName + "/assignments/{assignment}"
	checkName      = opinionName + "/checks/{check}"
	matterName     = "regions/{region}/matters/{matter}"
	commentName    = caseName + "/comments/{comment}"
	entryName      = "regions/{region}/counselEntries/{counsel_entry}"
	letterName     = caseName + "/letters/{letter}"
	registerName   = "regions/{region}/registers/{register}"
	engagementName = entryName + "/engagements/{engagement}"
	solicitName    = caseName + "/solicitations/{solicitation}"
	replyName      = solicitName + "/replies/{reply}"
)

// comparisons is how many drafts are compared at a time; each takes a processor.
const comparisons = 2

// Deps is what the service needs.
type Deps struct {
	// Engine stores the service's documents; nobody else writes them.
	Engine docstore.Engine
	// Filing resolves anchors and shows documents to counsel.
	Filing filingv1.FilingServiceClient
	// Directory knows people, calendars and profiles.
	Directory directoryv1.DirectoryServiceClient
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
	// Fonts are for letters as PDF.
	Fonts *officialdoc.FontLibrary
}

// Server implements CounselService, ReviewService and MatterService.
type Server struct {
	counselv1.UnimplementedCounselServiceServer
	counselv1.UnsafeReviewServiceServer
	counselv1.UnsafeMatterServiceServer

	cases       caseStore
	opinions    opinionStore
	assignments assignmentStore
	checks      checkStore
	comments    commentStore
	matters     matterStore
	blobs       docstore.BlobStore
	// door is where the files of matters come in.
	door        *intake.Door
	entries     entryStore
	engagements engagementStore
	solicited   solicitationStore
	replies     replyStore
	// issued are the numbered letters; register has their numbers.
	issued    letterStore
	register  *register.Register
	filing    filingv1.FilingServiceClient
	directory directoryv1.DirectoryServiceClient
	fonts     *officialdoc.FontLibrary
	now       docstore.Clock
	log       *slog.Logger
	// comparing has a place for each comparison in progress.
	comparing chan struct{}
	intents   *intent.Queue[*counselv1.Assignment]
}

// New opens the service's collections.
func New(ctx context.Context, d Deps) (*Server, error) {
	s := &Server{filing: d.Filing, directory: d.Directory, now: d.Clock, log: d.Logger, comparing: make(chan struct{}, comparisons)}
	s.fonts = d.Fonts
	s.blobs = d.Engine.Blobs()
	s.door = d.Intake
	err := s.open(ctx, d.Engine, docstore.Options{Clock: d.Clock, TokenKey: d.TokenKey, Wrote: d.Wrote})
	if err != nil {
		return nil, err
	}
	s.intents = intent.NewQueue(intent.Options[*counselv1.Assignment]{
		Service: Service, Documents: s.assignments, Perform: s.syncFile, Clock: d.Clock,
	})
	return s, nil
}

// Register adds the services to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	counselv1.RegisterCounselServiceServer(r, s)
	counselv1.RegisterReviewServiceServer(r, s)
	counselv1.RegisterMatterServiceServer(r, s)
	counselv1.RegisterRegisterServiceServer(r, registerServer{Server: s})
	counselv1.RegisterSolicitationServiceServer(r, solicitations{Server: s})
	counselv1.RegisterLetterServiceServer(r, letters{Server: s})
}

func (s *Server) time() time.Time { return s.now() }

// today is the day in Shanghai.
func (s *Server) today() calendar.Date { return calendar.On(s.time()) }

func regionOf(name string) string { return resource.Region(name) }

// listed tells who asks for a list under a parent with a pattern, and whether for all of
// the region, where the id of the parent is `-`.
func listed(ctx context.Context, pattern, parent string) (who auth.Caller, all bool, err error) {
	region, all := strings.CutSuffix(parent, "/"+path.Base(path.Dir(pattern))+"/-")
	if all {
		pattern, parent = "regions/{region}", region
	}
	who, err = rpc.Named(ctx, pattern, parent)
	return who, all, err
}

// children asks for a collection under a parent by name; for all of the region by the
// field of an order.
func children(ctx context.Context, pattern, parent, collection, order string) (auth.Caller, docstore.Query, error) {
	who, all, err := listed(ctx, pattern, parent)
	if all {
		return who, docstore.Query{OrderBy: order}, err
	}
	return who, docstore.Query{Prefix: under(parent + "/" + collection + "/")}, err
}

// under are the names that begin so.
func under(name string) *docstore.Prefix {
	return &docstore.Prefix{Field: docstore.FieldName, Value: name}
}

// visibleCase reads a case the caller may see.
func (s *Server) visibleCase(ctx context.Context, name string) (*counselv1.Case, docstore.Meta, auth.Caller, error) {
	return rpc.ReadAs(ctx, s.cases, caseName, name)
}

// change updates a case the caller may see, by one rule.
func (s *Server) change(ctx context.Context, name, etag string, rule func(c *counselv1.Case, who auth.Caller) (docstore.Change, error)) (*counselv1.Case, error) {
	return rpc.Change(ctx, s.cases, caseName, name, etag, rule)
}
