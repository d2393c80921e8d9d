package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/rulebook"
)

// RuleTrial has a running server try changed rule files on the drafts it holds. It
// goes over REST, as a reviewer or market regulator.
type RuleTrial struct {
	// URL is the address of the REST API, Region a code such as 120105.
	URL, Region string
	// Token is an access token.
	Token string
	// DisplayName says what the change is for.
	DisplayName string
}

// Run imports the files as a candidate and tries it, page by page; each gets the
// answers in order.
func (r RuleTrial) Run(ctx context.Context, files rulebook.Files, how *competitionv1.TryRuleSetCandidateRequest, each func(*competitionv1.TryRuleSetCandidateResponse) error) error {
	content, err := files.Zip()
	if err != nil {
		return err
	}
	at, err := addressREST(r.URL, "regions", r.Region)
	if err != nil {
		return err
	}
	candidate := &competitionv1.RuleSetCandidate{}
	err = r.call(ctx, at+"/ruleSetCandidates:import", &competitionv1.ImportRuleSetCandidateRequest{
		RuleSetCandidate: &competitionv1.RuleSetCandidate{DisplayName: r.DisplayName}, Filename: "rules.zip", Content: content,
	}, candidate)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	at, err = addressREST(r.URL)
	if err != nil {
		return err
	}
	for {
		page := &competitionv1.TryRuleSetCandidateResponse{}
		if err := r.call(ctx, at+"/"+candidate.GetName()+":try", how, page); err != nil {
			return fmt.Errorf("try %s: %w", candidate.GetName(), err)
		}
		if err := each(page); err != nil {
			return err
		}
		if how.PageToken = page.GetNextPageToken(); how.PageToken == "" {
			return nil
		}
	}
}

func (r RuleTrial) call(ctx context.Context, at string, in, out proto.Message) error {
	body, err := protojson.Marshal(in)
	if err != nil {
		return err
	}
	return callREST(ctx, r.Token, http.MethodPost, at, bytes.NewReader(body), out)
}
