package counsel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreateAssignment implements CounselService.
func (s *Server) CreateAssignment(ctx context.Context, in *counselv1.CreateAssignmentRequest) (*counselv1.Assignment, error) {
	c, _, who, err := s.visibleCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	counsel, err := s.directory.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: in.GetAssignment().GetCounsel()})
	if err != nil || !slices.Contains(counsel.GetRoles(), corev1.Role_ROLE_COUNSEL) || counsel.GetState() == directoryv1.Person_DISABLED {
		return nil, cmp.Or(rpc.Unreachable(err), rpc.Field("assignment.counsel", "NOT_COUNSEL", "应当是本区在册的法律顾问"))
	}
	unit, err := s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: c.GetDraftingUnit()})
	if err != nil {
		return nil, err
	}
	name := in.GetParent() + "/assignments/" + resource.NewID(s.time())
	a, change := newAssignment(name, c, in.GetAssignment(), counsel, unit.GetDisplayName(), who)
	if a, _, err = s.assignments.Create(ctx, a, change); errors.Is(err, docstore.ErrAlreadyExists) {
		return s.reassign(ctx, in)
	}
	if err != nil {
		return nil, rpc.FromStore(err, name)
	}
	if a.GetState() == counselv1.Assignment_BARRED {
		return nil, barred(a)
	}
	return a, nil
}

// reassign goes on with the assignment the counsel has in the case already.
func (s *Server) reassign(ctx context.Context, in *counselv1.CreateAssignmentRequest) (*counselv1.Assignment, error) {
	page, err := s.assignments.List(ctx, docstore.Query{
		Equal: map[string]any{"case": in.GetParent(), "counsel": in.GetAssignment().GetCounsel()}, PageSize: 1,
	})
	if err != nil || len(page.Items) == 0 {
		return nil, rpc.FromStore(cmp.Or(err, docstore.ErrAlreadyExists), in.GetParent())
	}
	return s.changeAssignment(ctx, page.Items[0].GetName(), "", func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return askAgain(a, in.GetAssignment().GetQuestion(), who)
	})
}

// GetAssignment implements CounselService.
func (s *Server) GetAssignment(ctx context.Context, in *counselv1.GetAssignmentRequest) (*counselv1.Assignment, error) {
	who, err := rpc.Named(ctx, assignmentName, in.GetName())
	if err != nil {
		return nil, err
	}
	a, meta, err := s.assignments.Get(ctx, in.GetName())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	return a, rpc.Visible(who, meta, in.GetName())
}

// ListAssignments implements CounselService.
func (s *Server) ListAssignments(ctx context.Context, in *counselv1.ListAssignmentsRequest) (*counselv1.ListAssignmentsResponse, error) {
	region, all := strings.CutSuffix(in.GetParent(), "/cases/-")
	pattern, name := caseName, in.GetParent()
	if all {
		pattern, name = "regions/{region}", region
	}
	who, err := rpc.Named(ctx, pattern, name)
	if err != nil {
		return nil, err
	}
	q := docstore.Query{
		AnyOf:      &docstore.AnyOf{Field: docstore.FieldViewers, Values: who.Viewers()},
		Descending: true, PageSize: int(in.GetPageSize()), PageToken: in.GetPageToken(),
	}
	if all {
		q.OrderBy = docstore.FieldCreateTime
	} else {
		q.Prefix = &docstore.Prefix{Field: docstore.FieldName, Value: in.GetParent() + "/assignments/"}
	}
	page, err := s.assignments.List(ctx, q)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &counselv1.ListAssignmentsResponse{Assignments: page.Items, NextPageToken: page.NextPageToken}, nil
}

// DeclareConflict implements CounselService. Whoever steps back loses the file
// before the state says so, and once more afterwards, so that a call that stops
// half-way leaves less visible, never more.
func (s *Server) DeclareConflict(ctx context.Context, in *counselv1.DeclareConflictRequest) (*counselv1.Assignment, error) {
	a, err := s.GetAssignment(ctx, &counselv1.GetAssignmentRequest{Name: in.GetName()})
	if err != nil {
		return nil, err
	}
	if a, err = s.syncFile(docstore.WithStep(ctx, "earlier"), a); err != nil { // what an earlier call left
		return nil, err
	}
	leaves := opens(a.GetState()) && in.GetResult() != counselv1.DeclareConflictRequest_CLEAR && in.GetNote() != ""
	if leaves && (in.GetEtag() == "" || in.GetEtag() == a.GetEtag()) {
		if err := s.showFile(docstore.WithStep(ctx, "before"), a, false, in.GetResult() != counselv1.DeclareConflictRequest_DECLINE); err != nil {
			return nil, err
		}
	}
	a, err = s.changeAssignment(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return declare(a, in.GetResult(), in.GetNote(), who)
	})
	if err != nil {
		return nil, err
	}
	return s.syncFile(ctx, a)
}

// WaiveConflict implements CounselService.
func (s *Server) WaiveConflict(ctx context.Context, in *counselv1.WaiveConflictRequest) (*counselv1.Assignment, error) {
	a, err := s.changeAssignment(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return waive(a, in.GetConsent(), who)
	})
	if err != nil {
		return nil, err
	}
	return s.syncFile(ctx, a)
}

// changeAssignment updates an assignment the caller may see, by one rule.
func (s *Server) changeAssignment(ctx context.Context, name, etag string, rule func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error)) (*counselv1.Assignment, error) {
	who, err := rpc.Named(ctx, assignmentName, name)
	if err != nil {
		return nil, err
	}
	a, _, err := s.assignments.Update(ctx, name, docstore.Precondition{}, func(a *counselv1.Assignment, meta docstore.Meta) (docstore.Change, error) {
		if err := cmp.Or(rpc.Visible(who, meta, name), rpc.Fresh(etag, meta)); err != nil {
			return docstore.Change{}, err
		}
		return rule(a, who)
	})
	return a, rpc.FromStore(err, name)
}

// maxLooks bounds how often one call follows a state that keeps changing.
const maxLooks = 4

// syncFile lets counsel see the case and its subject, or no longer, as the
// assignment says, and looks again: the state may have changed meanwhile. The
// assignment shows reconciling until both agree; one that changes all the time is
// left for the next call.
func (s *Server) syncFile(ctx context.Context, a *counselv1.Assignment) (*counselv1.Assignment, error) {
	for looks := 0; a.GetReconciling() && looks < maxLooks; looks++ {
		state := a.GetState()
		if err := s.showFile(ctx, a, opens(state), conflicted(state)); err != nil {
			return nil, err
		}
		var err error
		a, _, err = s.assignments.Update(docstore.WithStep(ctx, "reconciled-"+state.String()), a.GetName(), docstore.Precondition{},
			func(a *counselv1.Assignment, _ docstore.Meta) (docstore.Change, error) {
				return reconciled(a, opens(state))
			})
		if err != nil {
			return nil, rpc.FromStore(err, a.GetName())
		}
		if opens(a.GetState()) != opens(state) {
			a.Reconciling = true // what was shown is not what the state says by now
		}
	}
	return a, nil
}

// showFile shows or hides case and document, in steps that may be repeated.
// discounted says that what counsel signed ceases to count.
func (s *Server) showFile(ctx context.Context, a *counselv1.Assignment, visible, discounted bool) error {
	step := fmt.Sprintf("case-%t-%t", visible, discounted)
	c, _, err := s.cases.Update(docstore.WithStep(ctx, step), a.GetCase(), docstore.Precondition{},
		func(c *counselv1.Case, meta docstore.Meta) (docstore.Change, error) {
			n := 0
			if discounted {
				n = discount(c, a.GetCounsel(), s.time())
			}
			if slices.Contains(meta.Viewers, a.GetCounsel()) == visible && n == 0 {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			change := moved(c, c.GetState())
			if visible {
				change.Grant = []string{a.GetCounsel()}
			} else {
				change.Revoke = []string{a.GetCounsel()}
			}
			change.Details = []*corev1.Detail{
				docstore.Detail("viewer", a.GetCounsel()), docstore.Detail("visible", visible),
				docstore.Detail("verdicts_discounted", n), docstore.Detail("assignment", a.GetName()),
			}
			return change, nil
		})
	if err != nil {
		return rpc.FromStore(err, a.GetName())
	}
	_, err = s.filing.SetDocumentViewer(ctx, &filingv1.SetDocumentViewerRequest{
		Name: c.GetSubject(), Viewer: a.GetCounsel(), Visible: visible, Assignment: a.GetName(),
	})
	return err
}

// recheck bars the counsel whose firm a submission names as a party.
func (s *Server) recheck(ctx context.Context, c *counselv1.Case) error {
	assignments, err := s.assignmentsOf(ctx, c.GetName())
	if err != nil {
		return rpc.FromStore(err, c.GetName())
	}
	for _, a := range assignments {
		if err := s.recheckOne(ctx, a, c); err != nil {
			return err
		}
	}
	return nil
}

// assignmentsOf are all assignments of a case.
func (s *Server) assignmentsOf(ctx context.Context, name string) ([]*counselv1.Assignment, error) {
	var out []*counselv1.Assignment
	q := docstore.Query{Equal: map[string]any{"case": name}, OrderBy: "counsel"}
	for {
		page, err := s.assignments.List(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return out, nil
		}
	}
}

func (s *Server) recheckOne(ctx context.Context, a *counselv1.Assignment, c *counselv1.Case) error {
	out := a.GetState() == counselv1.Assignment_BARRED
	if out && !a.GetReconciling() || !out && conflictingParty(c.GetParties(), "", a.GetLawFirm()) == "" {
		return nil
	}
	a, _, err := s.assignments.Update(docstore.WithStep(ctx, "rebar"), a.GetName(), docstore.Precondition{},
		func(a *counselv1.Assignment, _ docstore.Meta) (docstore.Change, error) {
			return rebar(a, c.GetParties())
		})
	if err != nil {
		return rpc.FromStore(err, c.GetName())
	}
	_, err = s.syncFile(ctx, a)
	return err
}
