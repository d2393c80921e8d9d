package competition

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"

	"google.golang.org/grpc"

	competitionv1 "fashen/gen/fashen/competition/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// Service is the short name of this service.
const Service = "competition"

const (
	regionName    = "regions/{region}"
	ruleSetName   = "ruleSets/{rule_set}"
	candidateName = "regions/{region}/ruleSetCandidates/{rule_set_candidate}"
)

// Deps is what the service needs.
type Deps struct {
	// Engine stores the service's documents; nobody else writes them.
	Engine docstore.Engine
	// Filing shows documents and their texts, to the caller.
	Filing filingv1.FilingServiceClient
	// Rules are the built-in packs.
	Rules *rulebook.Library
	// Clock tells the time.
	Clock docstore.Clock
	// Logger takes what an operator should see.
	Logger *slog.Logger
	// TokenKey signs page tokens; processes that share lists share it.
	TokenKey []byte
	// Wrote is called after every write, to wake the drainer of the journal.
	Wrote func()
}

// Server implements CompetitionService.
type Server struct {
	competitionv1.UnimplementedCompetitionServiceServer

	ruleSets   ruleSetStore
	candidates candidateStore
	blobs      docstore.BlobStore
	filing     filingv1.FilingServiceClient
	rules      *rulebook.Library
	now        docstore.Clock
	log        *slog.Logger
	pages      rpc.Offsets
	texts      policytext.Reader
	trials     *trials

	// The library does not change while the process runs: what is told of it is made
	// once.
	builtin  []*competitionv1.RuleSet
	statutes []*competitionv1.Statute
}

// New opens the service's collections.
func New(ctx context.Context, d Deps) (*Server, error) {
	if len(d.TokenKey) == 0 {
		d.TokenKey = make([]byte, 32)
		rand.Read(d.TokenKey) // never fails: crypto/rand ends the process first
	}
	s := &Server{
		blobs: d.Engine.Blobs(), filing: d.Filing, rules: d.Rules, now: d.Clock, log: d.Logger, pages: d.TokenKey,
		texts: policytext.Reader{Limits: policytext.DefaultLimits()}, trials: newTrials(),
		builtin: d.Rules.Describe(), statutes: d.Rules.Statutes(),
	}
	err := s.open(ctx, d.Engine, docstore.Options{Clock: d.Clock, TokenKey: d.TokenKey, Wrote: d.Wrote})
	return s, err
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	competitionv1.RegisterCompetitionServiceServer(r, s)
}

// builtinSet finds a rule set of this release; nil where it has none of the name.
func (s *Server) builtinSet(name string) *competitionv1.RuleSet {
	i := slices.IndexFunc(s.builtin, func(r *competitionv1.RuleSet) bool { return r.GetName() == name })
	if i < 0 {
		return nil
	}
	return s.builtin[i]
}
