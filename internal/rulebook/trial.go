package rulebook

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	corev1 "fashen/gen/fashen/core/v1"
)

// Trial is the dry run of a candidate beside the library in use, both with the rules
// of one review date. It is safe for concurrent use.
type Trial struct{ now, candidate *Set }

// NewTrial selects the packs of both libraries, those for drafts when none is named.
// A pack may be new, or not yet in force, in one of them; in both it fails with
// ErrUnknownPack or *NotForDateError.
func NewTrial(now, candidate *Library, on time.Time, packs ...string) (*Trial, error) {
	if len(packs) == 0 {
		packs = slices.Clone(draftPacks)
		_, errNow := now.DraftSet(on)
		if _, err := candidate.DraftSet(on); err != nil && errNow != nil {
			return nil, err
		}
	} else {
		for _, name := range packs {
			_, errNow := now.Set(on, name)
			if _, err := candidate.Set(on, name); err != nil && errNow != nil {
				return nil, err
			}
		}
	}
	t := &Trial{}
	var err error
	if t.now, err = now.available(on, packs); err != nil {
		return nil, err
	}
	t.candidate, err = candidate.available(on, packs)
	return t, err
}

// available selects those of the packs that the library has in force; it may be none.
func (l *Library) available(on time.Time, packs []string) (*Set, error) {
	var have []string
	for _, name := range packs {
		if _, err := l.Set(on, name); err == nil {
			have = append(have, name)
		}
	}
	if len(have) == 0 {
		return &Set{lib: l, active: map[*rule]ruleText{}, named: newBitset(len(l.frames)), residual: newBitset(len(l.frames))}, nil
	}
	return l.Set(on, have...)
}

// Packs are the packs in use and those of the candidate, with their versions.
func (t *Trial) Packs() (now, candidate []string) { return t.now.Labels(), t.candidate.Labels() }

// Changes are what would come and go in one text, each in the order of the text.
type Changes struct {
	Added, Removed []*corev1.Finding
	// Truncated is true when one of the libraries finds more than MaxFindings.
	Truncated bool
}

// Compare runs both libraries over a text. It ends with the context.
func (t *Trial) Compare(ctx context.Context, text *corev1.PolicyText) (Changes, error) {
	facts := FactsOf(text)
	before, err := t.now.ScreenContext(ctx, text, facts)
	if err != nil {
		return Changes{}, err
	}
	after, err := t.candidate.ScreenContext(ctx, text, facts)
	if err != nil {
		return Changes{}, err
	}
	return Changes{
		Added: missing(after.Findings, before.Findings), Removed: missing(before.Findings, after.Findings),
		Truncated: before.Truncated || after.Truncated,
	}, nil
}

// Each compares n texts on all processors and answers the changes in each, at most
// keep of a text, and how many there are in all. No more texts are held than there are
// processors. A nil text is left out; an error ends the run.
func (t *Trial) Each(ctx context.Context, n, keep int, text func(ctx context.Context, i int) (*corev1.PolicyText, error)) ([]Changes, Tally, error) {
	out, total := make([]Changes, n), Tally{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			one, err := text(ctx, i)
			if one == nil || err != nil {
				return err
			}
			c, err := t.Compare(ctx, one)
			mu.Lock()
			defer mu.Unlock()
			total.add(c)
			out[i] = c.first(keep)
			return err
		})
	}
	return out, total, group.Wait()
}

// first keeps some of the changes, what comes before what goes.
func (c Changes) first(keep int) Changes {
	added := min(len(c.Added), keep)
	removed := min(len(c.Removed), keep-added)
	return Changes{
		Added: slices.Clone(c.Added[:added]), Removed: slices.Clone(c.Removed[:removed]),
		Truncated: c.Truncated || added < len(c.Added) || removed < len(c.Removed),
	}
}

// missing are the findings that the others do not have. A finding is the same when it
// says the same rule, provision and need to verify of the same place; its words may
// differ.
func missing(findings, others []*corev1.Finding) []*corev1.Finding {
	seen := make(map[string]bool, len(others))
	for _, f := range others {
		seen[sameness(f)] = true
	}
	var out []*corev1.Finding
	for _, f := range findings {
		if !seen[sameness(f)] {
			out = append(out, f)
		}
	}
	return out
}

func sameness(f *corev1.Finding) string {
	return fmt.Sprintf("%s\x00%s\x00%v\x00%d\x00%d", f.GetRule(), f.GetArticle(), f.GetVerifyBasis(), f.GetAnchor().GetStart(), f.GetAnchor().GetEnd())
}

// Tally counts by rule what comes and goes in many texts.
type Tally map[string]Count

// Count is how many findings of a rule come and go.
type Count struct {
	Rule           string
	Added, Removed int
}

func (t Tally) add(c Changes) {
	for _, f := range c.Added {
		t.count(Count{Rule: f.GetRule(), Added: 1})
	}
	for _, f := range c.Removed {
		t.count(Count{Rule: f.GetRule(), Removed: 1})
	}
}

func (t Tally) count(c Count) {
	sum := t[c.Rule]
	t[c.Rule] = Count{Rule: c.Rule, Added: sum.Added + c.Added, Removed: sum.Removed + c.Removed}
}

// Join adds the counts of another tally.
func (t Tally) Join(other Tally) {
	for _, c := range other {
		t.count(c)
	}
}

// Counts lists them by rule.
func (t Tally) Counts() []Count {
	return slices.SortedFunc(maps.Values(t), func(a, b Count) int { return strings.Compare(a.Rule, b.Rule) })
}
