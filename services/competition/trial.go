package competition

import (
	"sync"

	"google.golang.org/grpc/codes"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

const (
	// maxTrials is how many libraries are compiled or tried at a time: a trial takes
	// all processors.
	maxTrials = 2
	// maxChanges bounds the changes of one answer. Those of a single draft are bounded
	// by it as well, so that a page of drafts stays small in memory.
	maxChanges = 500
)

// trials has a place for each trial in progress, and the library that was tried last:
// a dry run asks for it page by page.
type trials struct {
	mu      sync.Mutex
	running int
	key     string
	last    *rulebook.Library
}

func newTrials() *trials { return &trials{} }

// enter takes a place, and gives it back with leave. Nobody waits: who finds none is
// told to come again.
func (t *trials) enter() (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == maxTrials {
		return nil, rpc.New(codes.ResourceExhausted, "TRIALS_BUSY", "正在试运行其他规则，请稍后重试")
	}
	t.running++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running--
	}, nil
}

func keyOf(c *competitionv1.RuleSetCandidate) string { return c.GetFilename() + "\x00" + c.GetSha256() }

// compiled is the library of a candidate, where it is the last one; else nil.
func (t *trials) compiled(c *competitionv1.RuleSetCandidate) *rulebook.Library {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key != keyOf(c) {
		return nil
	}
	return t.last
}

func (t *trials) remember(c *competitionv1.RuleSetCandidate, lib *rulebook.Library) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.key, t.last = keyOf(c), lib
}

// answerOfTrial puts together what changes in a page of drafts.
func answerOfTrial(drafts []string, changes []rulebook.Changes, total rulebook.Tally) *competitionv1.TryRuleSetCandidateResponse {
	out := &competitionv1.TryRuleSetCandidateResponse{DocumentCount: int32(len(drafts))}
	for i, c := range changes {
		out.Truncated = out.Truncated || c.Truncated
		addChanges(out, drafts[i], c.Added, competitionv1.RuleSetChange_ADDED)
		addChanges(out, drafts[i], c.Removed, competitionv1.RuleSetChange_REMOVED)
	}
	for _, c := range total.Counts() {
		out.Counts = append(out.Counts, &competitionv1.RuleChangeCount{Rule: c.Rule, Added: int32(c.Added), Removed: int32(c.Removed)})
	}
	return out
}

func addChanges(out *competitionv1.TryRuleSetCandidateResponse, draft string, findings []*corev1.Finding, kind competitionv1.RuleSetChange_Kind) {
	for _, f := range findings {
		if len(out.Changes) == maxChanges {
			out.Truncated = true
			return
		}
		f.GetAnchor().Revision = draft
		out.Changes = append(out.Changes, &competitionv1.RuleSetChange{Revision: draft, Kind: kind, Finding: f})
	}
}
