package competition

import (
	"bytes"
	"context"
	"fmt"
	"io"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// ImportRuleSetCandidate implements CompetitionService. The file is stored, by its
// hash, before the candidate that names it.
func (s *Server) ImportRuleSetCandidate(ctx context.Context, in *competitionv1.ImportRuleSetCandidateRequest) (*competitionv1.RuleSetCandidate, error) {
	who, err := rpc.Named(ctx, regionName, in.GetParent())
	if err != nil {
		return nil, err
	}
	files, err := rulebook.ReadImport(in.GetFilename(), in.GetContent())
	if err != nil {
		return nil, mistakes(err)
	}
	leave, err := s.trials.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	lib, err := rulebook.Candidate(ctx, files)
	if err != nil {
		return nil, rpc.FromStore(mistakes(err), "")
	}
	c := candidateOf(in, files, lib, who)
	if in.GetValidateOnly() {
		return c, nil
	}
	if err := s.blobs.Put(ctx, c.GetSha256(), c.GetSizeBytes(), bytes.NewReader(in.GetContent())); err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	c.Name = in.GetParent() + "/ruleSetCandidates/" + resource.NewID(s.now())
	c, _, err = s.candidates.Create(ctx, c, imported(c, in.GetParent()))
	return c, rpc.FromStore(err, in.GetParent())
}

// visibleCandidate reads a candidate the caller may see.
func (s *Server) visibleCandidate(ctx context.Context, name string) (*competitionv1.RuleSetCandidate, error) {
	return rpc.Read(ctx, s.candidates, candidateName, name)
}

// GetRuleSetCandidate implements CompetitionService.
func (s *Server) GetRuleSetCandidate(ctx context.Context, in *competitionv1.GetRuleSetCandidateRequest) (*competitionv1.RuleSetCandidate, error) {
	return s.visibleCandidate(ctx, in.GetName())
}

// ListRuleSetCandidates implements CompetitionService.
func (s *Server) ListRuleSetCandidates(ctx context.Context, in *competitionv1.ListRuleSetCandidatesRequest) (*competitionv1.ListRuleSetCandidatesResponse, error) {
	who, err := rpc.Named(ctx, regionName, in.GetParent())
	if err != nil {
		return nil, err
	}
	candidates, next, err := rpc.List(ctx, s.candidates, docstore.Query{OrderBy: docstore.FieldCreateTime, Descending: true}, who, in)
	return &competitionv1.ListRuleSetCandidatesResponse{RuleSetCandidates: candidates, NextPageToken: next}, err
}

// ListRuleSetCandidateHistory implements CompetitionService.
func (s *Server) ListRuleSetCandidateHistory(ctx context.Context, in *competitionv1.ListRuleSetCandidateHistoryRequest) (*competitionv1.ListRuleSetCandidateHistoryResponse, error) {
	if _, err := s.visibleCandidate(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	entries, next, err := s.candidates.History(ctx, in.GetParent(), int(in.GetPageSize()), in.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	return &competitionv1.ListRuleSetCandidateHistoryResponse{History: entries, NextPageToken: next}, nil
}

// compiled compiles a stored candidate, or takes the one that was compiled last.
func (s *Server) compiled(ctx context.Context, c *competitionv1.RuleSetCandidate) (*rulebook.Library, error) {
	if lib := s.trials.compiled(c); lib != nil {
		return lib, nil
	}
	r, _, err := s.blobs.Open(ctx, c.GetSha256())
	if err != nil {
		return nil, fmt.Errorf("open the file of the candidate: %w", err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read the file of the candidate: %w", err)
	}
	files, err := rulebook.ReadImport(c.GetFilename(), content)
	if err != nil {
		return nil, outdated(err)
	}
	lib, err := rulebook.Candidate(ctx, files)
	if err != nil {
		return nil, outdated(err)
	}
	s.trials.remember(c, lib)
	return lib, nil
}
