package competition

import (
	"sync"

	"google.golang.org/grpc/codes"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
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

// outcome is what a candidate changes in one draft.
type outcome struct {
	tally     rulebook.Tally
	changes   []*competitionv1.RuleSetChange
	truncated bool
}

// outcomeOf counts all changes of a draft and keeps the first of them.
func outcomeOf(revision string, c rulebook.Changes) outcome {
	o := outcome{tally: rulebook.Tally{}, truncated: c.Truncated}
	o.tally.Add(c)
	keep := func(findings []*corev1.Finding, kind competitionv1.RuleSetChange_Kind) {
		for _, f := range findings {
			if len(o.changes) == maxChanges {
				o.truncated = true
				return
			}
			f.GetAnchor().Revision = revision
			o.changes = append(o.changes, &competitionv1.RuleSetChange{Revision: revision, Kind: kind, Finding: f})
		}
	}
	keep(c.Added, competitionv1.RuleSetChange_ADDED)
	keep(c.Removed, competitionv1.RuleSetChange_REMOVED)
	return o
}

// answerOfTrial puts the outcomes of a page of drafts together.
func answerOfTrial(outcomes []outcome, trial *rulebook.Trial, on calendar.Date) *competitionv1.TryRuleSetCandidateResponse {
	out := &competitionv1.TryRuleSetCandidateResponse{DocumentCount: int32(len(outcomes)), ReviewDate: on.Proto()}
	out.Packs, out.CandidatePacks = trial.Packs()
	total := rulebook.Tally{}
	for _, o := range outcomes {
		total.Join(o.tally)
		n := min(len(o.changes), maxChanges-len(out.Changes))
		out.Changes = append(out.Changes, o.changes[:n]...)
		out.Truncated = out.Truncated || o.truncated || n < len(o.changes)
	}
	for _, c := range total.Counts() {
		out.Counts = append(out.Counts, &competitionv1.RuleChangeCount{Rule: c.Rule, Added: int32(c.Added), Removed: int32(c.Removed)})
	}
	return out
}
