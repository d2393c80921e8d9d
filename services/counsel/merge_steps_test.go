package counsel

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/rpc"
)

// brittle is a collection of cases whose process dies before one of its writes.
type brittle struct {
	caseStore

	dieAt, writes int
}

func (b *brittle) Update(ctx context.Context, name string, pre docstore.Precondition, rule func(c *counselv1.Case, meta docstore.Meta) (docstore.Change, error)) (*counselv1.Case, docstore.Meta, error) {
	if b.writes++; b.dieAt > 0 && b.writes >= b.dieAt {
		return nil, docstore.Meta{}, docstore.ErrUnavailable
	}
	return b.caseStore.Update(ctx, name, pre, rule)
}

// staffed is a directory in which everybody is a reviewer.
type staffed struct {
	directoryv1.DirectoryServiceClient
}

func (staffed) GetPerson(_ context.Context, in *directoryv1.GetPersonRequest, _ ...grpc.CallOption) (*directoryv1.Person, error) {
	return &directoryv1.Person{Name: in.GetName(), Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}, nil
}

// steps is a service with a lead, three cases to merge and a store that may fail.
type steps struct {
	*Server

	store *brittle
	ctx   context.Context
	cases []string
}

func newSteps(t *testing.T) *steps {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "counsel.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	now := day0
	clock := func() time.Time { now = now.Add(time.Millisecond); return now }
	s, err := New(t.Context(), Deps{Engine: engine, Clock: clock, Directory: staffed{}})
	if err != nil {
		t.Fatal(err)
	}
	out := &steps{Server: s, store: &brittle{caseStore: s.cases}}
	out.ctx = auth.WithCaller(t.Context(), reviewer)
	for n := 1; n <= 4; n++ {
		c := numbered(t, n)
		change := docstore.Change{Grant: []string{c.GetDraftingUnit(), auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER)}}
		if _, _, err := s.cases.Create(out.origin("Create"), c, change); err != nil {
			t.Fatal(err)
		}
		out.cases = append(out.cases, c.GetName())
	}
	s.cases = out.store
	return out
}

// origin is the context of one call of the reviewer.
func (s *steps) origin(method string) context.Context {
	return docstore.WithOrigin(s.ctx, docstore.Origin{Actor: reviewer.Person, Method: "/" + method})
}

// opinion signs one on all that is merged, with an item on each case but the last.
func (s *steps) opinion(t *testing.T) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	name := s.cases[0] + "/opinions/o"
	lead, group, err := s.groupOf(s.ctx, name)
	must(err)
	covers, err := coversOf(lead, group, []*counselv1.CoveredCase{{Case: s.cases[3], Conclusion: counselv1.Conclusion_LAWFUL}})
	must(err)
	in := &counselv1.Opinion{
		Conclusion: counselv1.Conclusion_REVISE, Checklist: answered(counselv1.ReviewPoint_REVIEW_POINT_POWERS), Covers: covers,
	}
	for _, of := range s.cases[:3] {
		in.Items = append(in.Items, &counselv1.OpinionItem{Case: of, Basis: "示例依据", Analysis: "示例分析"})
	}
	o, change, err := newOpinion(name, lead, in, nil, reviewer, s.newID)
	must(err)
	_, err = closeForSigning(o, lead, signing{group: group}, reviewer, day0)
	must(err)
	_, _, err = s.opinions.Create(s.origin("CreateOpinion"), o, change)
	must(err)
}

// A call that dies before any of its writes is completed by the same call, as if it
// had never died.
func TestMergeStepsThatStop(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(t *testing.T, s *steps)
		call   func(s *steps) error
		after  func(s *steps) string
	}{
		"merge":     {func(*testing.T, *steps) {}, merging, allLed},
		"split":     {mergedFirst, splitting, noneLed},
		"passed":    {mergedFirst, passing, allPassed},
		"concluded": {mergedFirst, concluding, allConcluded},
	} {
		t.Run(name, func(t *testing.T) {
			for dieAt := 1; ; dieAt++ {
				s := newSteps(t)
				tt.before(t, s)
				s.store.dieAt, s.store.writes = dieAt, 0
				died := tt.call(s)
				s.store.dieAt = 0
				if died == nil {
					if dieAt < 5 {
						t.Errorf("only %d writes", dieAt-1)
					}
					return
				}
				if err := tt.call(s); err != nil {
					t.Fatalf("after it died at write %d: %v", dieAt, err)
				}
				if problem := tt.after(s); problem != "" {
					t.Errorf("died at write %d: %s", dieAt, problem)
				}
			}
		})
	}
}

func ignore(_ *counselv1.Case, err error) error { return err }

func merging(s *steps) error {
	return ignore(s.MergeCases(s.origin("MergeCases"), &counselv1.MergeCasesRequest{Name: s.cases[0], Cases: s.cases[1:]}))
}

func splitting(s *steps) error {
	return ignore(s.SplitCases(s.origin("SplitCases"), &counselv1.SplitCasesRequest{Name: s.cases[0]}))
}

func concluding(s *steps) error {
	return ignore(s.ConcludeCase(s.origin("ConcludeCase"), &counselv1.ConcludeCaseRequest{Name: s.cases[0], Opinion: s.cases[0] + "/opinions/o"}))
}

func passing(s *steps) error {
	return ignore(s.TransferCase(s.origin("TransferCase"), &counselv1.TransferCaseRequest{Name: s.cases[0], Reviewer: second.Person, Reason: "示例"}))
}

func mergedFirst(t *testing.T, s *steps) {
	t.Helper()
	if err := merging(s); err != nil {
		t.Fatal(err)
	}
	s.opinion(t)
}

// each looks at every case but the lead.
func (s *steps) each(wrong func(c *counselv1.Case) bool) string {
	for _, name := range s.cases[1:] {
		c, _, err := s.store.Get(s.ctx, name)
		if err != nil || wrong(c) {
			return fmt.Sprintf("%v, %v", c, err)
		}
	}
	return ""
}

func (s *steps) lead() *counselv1.Case {
	c, _, _ := s.store.Get(s.ctx, s.cases[0])
	return c
}

func allLed(s *steps) string {
	if !slices.Equal(s.lead().GetMergedCases(), s.cases[1:]) {
		return fmt.Sprint("the lead lists ", s.lead().GetMergedCases())
	}
	return s.each(func(c *counselv1.Case) bool { return c.GetMergedInto() != s.cases[0] })
}

func noneLed(s *steps) string {
	if len(s.lead().GetMergedCases()) > 0 {
		return fmt.Sprint("the lead lists ", s.lead().GetMergedCases())
	}
	return s.each(func(c *counselv1.Case) bool { return c.GetMergedInto() != "" })
}

func allPassed(s *steps) string {
	if s.lead().GetReviewer() != second.Person {
		return "the lead is where it was"
	}
	return s.each(func(c *counselv1.Case) bool { return c.GetReviewer() != second.Person })
}

func allConcluded(s *steps) string {
	if s.lead().GetState() != counselv1.Case_CONCLUDED_REVISE {
		return "the lead is not concluded"
	}
	return s.each(func(c *counselv1.Case) bool {
		state, lines := counselv1.Case_CONCLUDED_REVISE, 1
		if c.GetName() == s.cases[3] {
			state, lines = counselv1.Case_CONCLUDED_LAWFUL, 0
		}
		return c.GetState() != state || len(c.GetLedger()) != lines || last(c).GetOpinion() != s.cases[0]+"/opinions/o"
	})
}

// A conclusion waits for what is asked about any of the cases, and none is concluded
// before the others.
func TestMergedCasesAreHeardTogether(t *testing.T) {
	s := newSteps(t)
	mergedFirst(t, s)
	q := &counselv1.Solicitation{Name: s.cases[2] + "/solicitations/q", State: counselv1.Solicitation_OPEN}
	if _, _, err := s.solicited.Create(s.origin("CreateSolicitation"), q, docstore.Change{}); err != nil {
		t.Fatal(err)
	}
	if err := concluding(s); rpc.Reason(err) != codeSolicitationOpen {
		t.Errorf("with a question open: %v", err)
	}
	under := func(c *counselv1.Case) bool { return c.GetState() != counselv1.Case_UNDER_REVIEW }
	if problem := s.each(under); problem != "" || under(s.lead()) {
		t.Errorf("concluded all the same: %s", problem)
	}
}
