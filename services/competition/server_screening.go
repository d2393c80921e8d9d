package competition

import (
	"context"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// ScreenText implements CompetitionService.
func (s *Server) ScreenText(ctx context.Context, in *competitionv1.ScreenTextRequest) (*competitionv1.ScreenTextResponse, error) {
	if _, err := rpc.Named(ctx, regionName, in.GetParent()); err != nil {
		return nil, err
	}
	on, err := dateField("review_date", in.GetReviewDate())
	if err != nil {
		return nil, err
	}
	set, err := choose(s.rules, todayAt(s.now(), on), in.GetPacks())
	if err != nil {
		return nil, err
	}
	text, facts, err := s.source(ctx, in)
	if err != nil {
		return nil, err
	}
	found, err := set.ScreenContext(ctx, text, facts)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return answerOf(found, set, in.GetRevision()), nil
}

// source reads what is to be screened, and what the rules must know of the whole.
func (s *Server) source(ctx context.Context, in *competitionv1.ScreenTextRequest) (*corev1.PolicyText, rulebook.Facts, error) {
	if name := in.GetRevision(); name != "" {
		if in.GetContext() != nil {
			return nil, rulebook.Facts{}, rpc.Field("context", "CONTEXT_UNEXPECTED", "只有对条款文字筛查时才说明上下文")
		}
		text, err := s.filing.GetRevisionText(ctx, &filingv1.GetRevisionTextRequest{Name: name})
		return text, rulebook.FactsOf(text), err
	}
	doc, err := s.texts.Read(ctx, []byte(in.GetText()))
	if err := readable(doc, err, in.GetText()); err != nil {
		return nil, rulebook.Facts{}, err
	}
	if in.GetContext() == nil {
		return doc.Text, rulebook.FactsOf(doc.Text), nil
	}
	facts, err := factsOf(in.GetContext())
	return &corev1.PolicyText{Text: in.GetText()}, facts, err
}
