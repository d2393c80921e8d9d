package counsel

import (
	"context"
	"fmt"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
)

// Backlog is how many cases of all regions are in one state.
type Backlog struct {
	State counselv1.Case_State
	// Cases in the state, and those of them whose due date has passed.
	Cases, Overdue int64
}

// Backlog counts the cases of the store by state, through one index and without
// reading any. It is for operators; no RPC serves it.
func (s *Server) Backlog(ctx context.Context) ([]Backlog, error) {
	today := s.today().String()
	var out []Backlog
	states := counselv1.Case_STATE_UNSPECIFIED.Descriptor().Values()
	for i := range states.Len() {
		state := counselv1.Case_State(states.Get(i).Number())
		if state == counselv1.Case_STATE_UNSPECIFIED {
			continue
		}
		in := docstore.Query{Equal: map[string]any{"state": state}}
		cases, err := s.countCases(ctx, in)
		if err != nil {
			return nil, err
		}
		// Without a running clock there is no due date, and nothing sorts before it.
		in.Range = &docstore.Range{Field: "due_date", From: "0001", To: today}
		overdue, err := s.countCases(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, Backlog{State: state, Cases: cases, Overdue: overdue})
	}
	return out, nil
}

func (s *Server) countCases(ctx context.Context, q docstore.Query) (int64, error) {
	groups, err := s.cases.Aggregate(ctx, q, nil, nil)
	if err != nil {
		return 0, fmt.Errorf("count cases: %w", err)
	}
	total := int64(0)
	for _, g := range groups {
		total += g.Count
	}
	return total, nil
}
