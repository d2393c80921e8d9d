package counsel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreateAssignment implements CounselService.
func (s *Server) CreateAssignment(ctx context.Context, in *counselv1.CreateAssignmentRequest) (*counselv1.Assignment, error) {
	c, _, who, err := s.visibleCase(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	if err := notOwn(c, who); err != nil {
		return nil, s.onRecord(ctx, in.GetParent(), err)
	}
	if d := in.GetAssignment().GetDueDate(); d != nil {
		due, err := dateField("assignment.due_date", d)
		if err != nil {
			return nil, err
		}
		if due.Before(s.today()) {
			return nil, rpc.Field("assignment.due_date", "DATE_INVALID", "期限不得早于今日")
		}
	}
	p, err := s.assignable(ctx, in.GetAssignment().GetCounsel())
	if err != nil {
		return nil, err
	}
	unit, err := s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: c.GetDraftingUnit()})
	if err != nil {
		return nil, err
	}
	if p.bureau, err = s.before(ctx, p.bureau, unit); err != nil {
		return nil, err
	}
	name := in.GetParent() + "/assignments/" + resource.NewID(s.time())
	a, change := newAssignment(name, c, in.GetAssignment(), p, unit.GetDisplayName(), who, s.today())
	if a, _, err = s.assignments.Create(ctx, a, change); errors.Is(err, docstore.ErrAlreadyExists) {
		return s.reassign(ctx, in, c, p)
	}
	if err != nil {
		return nil, rpc.FromStore(err, name)
	}
	if a.GetState() == counselv1.Assignment_BARRED {
		return nil, barred(a)
	}
	return a, nil
}

// maxMergers is more than the directory lets a chain of successors be long.
const maxMergers = 30

// before is the drafting unit where a bureau is its successor, through however many
// mergers: what a merged bureau drafted is the successor's. Another bureau stays itself.
func (s *Server) before(ctx context.Context, bureau string, unit *directoryv1.Bureau) (string, error) {
	next := unit.GetSuccessor()
	for n := 0; bureau != "" && next != "" && n < maxMergers; n++ {
		if next == bureau {
			return unit.GetName(), nil
		}
		b, err := s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: next})
		if err != nil {
			return "", err
		}
		next = b.GetSuccessor()
	}
	return bureau, nil
}

// assignable reads what the conflict check knows of a counsel who may be passed a
// matter today.
func (s *Server) assignable(ctx context.Context, person string) (profile, error) {
	counsel, err := s.directory.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: person})
	if err != nil || !slices.Contains(counsel.GetRoles(), corev1.Role_ROLE_COUNSEL) || counsel.GetState() == directoryv1.Person_DISABLED {
		return profile{}, cmp.Or(rpc.Unreachable(err), rpc.Field("assignment.counsel", "NOT_COUNSEL", "应当是本区在册的法律顾问"))
	}
	e, err := s.entryOf(ctx, person)
	if err != nil {
		return profile{}, rpc.FromStore(err, person)
	}
	var engagements []*counselv1.Engagement
	if e != nil {
		if engagements, err = s.engagementsOf(ctx, e.GetName()); err != nil {
			return profile{}, rpc.FromStore(err, person)
		}
	}
	if err := engaged(e, engagements, s.today()); err != nil {
		return profile{}, err
	}
	p, err := s.profileOf(ctx, e, person, counsel.GetLawFirm())
	p.displayName, p.bureau = counsel.GetDisplayName(), counsel.GetBureau()
	return p, rpc.FromStore(err, person)
}

// reassign goes on with the assignment the counsel has in the case already.
func (s *Server) reassign(ctx context.Context, in *counselv1.CreateAssignmentRequest, c *counselv1.Case, p profile) (*counselv1.Assignment, error) {
	page, err := s.assignments.List(ctx, docstore.Query{
		Equal: map[string]any{"case": in.GetParent(), "counsel": in.GetAssignment().GetCounsel()}, PageSize: 1,
	})
	if err != nil || len(page.Items) == 0 {
		return nil, rpc.FromStore(cmp.Or(err, docstore.ErrAlreadyExists), in.GetParent())
	}
	a, err := s.changeAssignment(ctx, page.Items[0].GetName(), "", func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return askAgain(a, in.GetAssignment(), c, p, who, s.today())
	})
	if err == nil && a.GetState() == counselv1.Assignment_BARRED {
		return nil, barred(a)
	}
	return a, err
}

// GetAssignment implements CounselService.
func (s *Server) GetAssignment(ctx context.Context, in *counselv1.GetAssignmentRequest) (*counselv1.Assignment, error) {
	return rpc.Read(ctx, s.assignments, assignmentName, in.GetName())
}

// ListAssignments implements CounselService.
func (s *Server) ListAssignments(ctx context.Context, in *counselv1.ListAssignmentsRequest) (*counselv1.ListAssignmentsResponse, error) {
	who, q, err := children(ctx, caseName, in.GetParent(), "assignments", docstore.FieldCreateTime)
	if err != nil {
		return nil, err
	}
	q.Descending = true
	assignments, next, err := rpc.List(ctx, s.assignments, q, who, in)
	return &counselv1.ListAssignmentsResponse{Assignments: assignments, NextPageToken: next}, err
}

// DeclareConflict implements CounselService. The state says at once what counsel may
// do; the file opens, or closes, after it.
func (s *Server) DeclareConflict(ctx context.Context, in *counselv1.DeclareConflictRequest) (*counselv1.Assignment, error) {
	if in.GetResult() == counselv1.DeclareConflictRequest_CLEAR {
		if err := s.stillClear(ctx, in.GetName()); err != nil {
			return nil, err
		}
	}
	return s.changeAndShow(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
		return declare(a, in.GetResult(), in.GetNote(), who, i)
	})
}

// WaiveConflict implements CounselService.
func (s *Server) WaiveConflict(ctx context.Context, in *counselv1.WaiveConflictRequest) (*counselv1.Assignment, error) {
	if strings.TrimSpace(in.GetConsent()) == "" {
		return nil, rpc.Field("consent", "REQUIRED", "应当写明书面同意的内容")
	}
	if _, err := s.byAnother(ctx, in.GetName()); err != nil {
		return nil, err
	}
	if err := s.stillClear(ctx, in.GetName()); err != nil {
		return nil, err
	}
	return s.changeAndShow(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
		return waive(a, in.GetConsent(), who, i)
	})
}

// byAnother reads the case of an assignment for a reviewer who drafted none of it; the
// refusal is kept in the history of the case.
func (s *Server) byAnother(ctx context.Context, name string) (*counselv1.Case, error) {
	if _, err := s.GetAssignment(ctx, &counselv1.GetAssignmentRequest{Name: name}); err != nil {
		return nil, err
	}
	c, _, who, err := s.visibleCase(ctx, parentCase(name))
	if err != nil {
		return nil, err
	}
	if err := notOwn(c, who); err != nil {
		return nil, s.onRecord(ctx, c.GetName(), err)
	}
	return c, nil
}

// stillClear looks at the parties and the clients of today before a file opens, and
// whether counsel may still be passed a matter: all may have changed since. A conflict
// that shows is kept.
func (s *Server) stillClear(ctx context.Context, name string) error {
	a, err := s.GetAssignment(ctx, &counselv1.GetAssignmentRequest{Name: name})
	if err != nil {
		return err
	}
	before := a.GetState()
	if before == counselv1.Assignment_DECLARATION_PENDING || before == counselv1.Assignment_WAIVER_PENDING {
		if _, err := s.assignable(ctx, a.GetCounsel()); err != nil {
			return err
		}
	}
	c, _, err := s.cases.Get(ctx, a.GetCase())
	if err != nil {
		return rpc.FromStore(err, name)
	}
	if a, err = s.recheckOne(ctx, a, c); err != nil {
		return err
	}
	if a.GetState() != before && a.GetState() == counselv1.Assignment_BARRED {
		return barred(a)
	}
	return nil
}

// changeAndShow changes an assignment by a rule and lets counsel see the file, or no
// longer, as it says then.
func (s *Server) changeAndShow(ctx context.Context, name, etag string, rule func(a *counselv1.Assignment, who auth.Caller, i *corev1.Intent) (docstore.Change, error)) (*counselv1.Assignment, error) {
	a, err := s.changeAssignment(ctx, name, etag, func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return rule(a, who, s.intent(ctx, name))
	})
	if err != nil || a.GetIntent() == nil {
		return a, err
	}
	return s.intents.Do(ctx, a)
}

// changeAssignment updates an assignment the caller may see, by one rule.
func (s *Server) changeAssignment(ctx context.Context, name, etag string, rule func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error)) (*counselv1.Assignment, error) {
	return rpc.Change(ctx, s.assignments, assignmentName, name, etag, rule)
}

// Intents are the assignments whose counsel does not see yet what the state says.
func (s *Server) Intents() intent.Work { return s.intents }

// intent is that of the running call on an assignment.
func (s *Server) intent(ctx context.Context, assignment string) *corev1.Intent {
	who, _ := auth.CallerFrom(ctx)
	o, _ := docstore.OriginFrom(ctx)
	return intent.New(assignment, o.Method, who, s.now())
}

// maxLooks bounds how often one attempt follows a state that keeps changing.
const maxLooks = 4

// syncFile lets counsel see the case and its subject, or no longer, as the
// assignment says, and looks again: the state may have changed meanwhile, and another
// attempt may have shown what was right before. Every step may be made again.
func (s *Server) syncFile(ctx context.Context, a *counselv1.Assignment) (*counselv1.Assignment, error) {
	ctx = docstore.WithoutRequest(ctx)
	for range maxLooks {
		state := a.GetState()
		if err := s.showFile(ctx, a, opens(state), conflicted(state)); err != nil {
			return nil, err
		}
		var err error
		a, _, err = s.assignments.Update(ctx, a.GetName(), docstore.Precondition{},
			func(a *counselv1.Assignment, _ docstore.Meta) (docstore.Change, error) {
				return reconciled(a, opens(state))
			})
		if err != nil {
			return nil, rpc.FromStore(err, a.GetName())
		}
		if opens(a.GetState()) == opens(state) {
			return a, nil
		}
	}
	return nil, rpc.FromStore(docstore.ErrConflict, a.GetName())
}

// showFile shows or hides case and document, in steps that may be repeated.
// discounted says that what counsel signed ceases to count.
func (s *Server) showFile(ctx context.Context, a *counselv1.Assignment, visible, discounted bool) error {
	c, _, err := s.cases.Update(ctx, a.GetCase(), docstore.Precondition{},
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
	return s.showSubject(ctx, c.GetSubject(), a.GetCounsel(), a.GetName(), visible)
}

// recheck bars the counsel whose firm a submission names as a party.
func (s *Server) recheck(ctx context.Context, c *counselv1.Case) error {
	assignments, err := s.assignmentsOf(ctx, c.GetName())
	if err != nil {
		return rpc.FromStore(err, c.GetName())
	}
	for _, a := range assignments {
		if _, err := s.recheckOne(ctx, a, c); err != nil {
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

// recheckOne bars one counsel whom the data of today show in a conflict.
func (s *Server) recheckOne(ctx context.Context, a *counselv1.Assignment, c *counselv1.Case) (*counselv1.Assignment, error) {
	if a.GetState() == counselv1.Assignment_BARRED {
		return a, nil
	}
	e, err := s.entryOf(ctx, a.GetCounsel())
	if err != nil {
		return nil, rpc.FromStore(err, c.GetName())
	}
	p, err := s.profileOf(ctx, e, a.GetCounsel(), a.GetLawFirm())
	if err != nil {
		return nil, rpc.FromStore(err, c.GetName())
	}
	today := s.today()
	a, _, err = s.assignments.Update(docstore.WithoutRequest(ctx), a.GetName(), docstore.Precondition{},
		func(a *counselv1.Assignment, _ docstore.Meta) (docstore.Change, error) {
			return rebar(a, c, p, today, s.intent(ctx, a.GetName()))
		})
	if err == nil && a.GetIntent() != nil {
		a, err = s.intents.Do(ctx, a)
	}
	return a, rpc.FromStore(err, c.GetName())
}

// RequestClarification implements CounselService.
func (s *Server) RequestClarification(ctx context.Context, in *counselv1.RequestClarificationRequest) (*counselv1.Assignment, error) {
	o, err := s.visibleOpinion(ctx, in.GetOpinion())
	if err != nil {
		return nil, err
	}
	if parentCase(o.GetName()) != parentCase(in.GetName()) {
		return nil, rpc.Field("opinion", "RESOURCE_NAME_INVALID", "意见不属于本案件")
	}
	return s.changeAssignment(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return ask(a, o, in.GetQuestion(), who, s.time())
	})
}

// AnswerClarification implements CounselService.
func (s *Server) AnswerClarification(ctx context.Context, in *counselv1.AnswerClarificationRequest) (*counselv1.Assignment, error) {
	return s.changeAssignment(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller) (docstore.Change, error) {
		return clarify(a, in.GetAnswer(), who, s.time())
	})
}

// CloseAssignment implements CounselService.
func (s *Server) CloseAssignment(ctx context.Context, in *counselv1.CloseAssignmentRequest) (*counselv1.Assignment, error) {
	c, err := s.byAnother(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	return s.changeAndShow(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
		return closeAssignment(a, in.GetEvaluation(), firstSigned(c, a), who, s.time(), i)
	})
}

// WithdrawAssignment implements CounselService.
func (s *Server) WithdrawAssignment(ctx context.Context, in *counselv1.WithdrawAssignmentRequest) (*counselv1.Assignment, error) {
	if _, err := s.byAnother(ctx, in.GetName()); err != nil {
		return nil, err
	}
	return s.changeAndShow(ctx, in.GetName(), in.GetEtag(), func(a *counselv1.Assignment, _ auth.Caller, i *corev1.Intent) (docstore.Change, error) {
		return takeBack(a, in.GetReason(), i)
	})
}

// inHandOf are the assignments on the desk of a counsel.
func (s *Server) inHandOf(ctx context.Context, person string) ([]*counselv1.Assignment, error) {
	var out []*counselv1.Assignment
	for state := range counselv1.Assignment_State_name {
		if !underway(counselv1.Assignment_State(state)) {
			continue
		}
		q := docstore.Query{Equal: map[string]any{"counsel": person, "state": state}}
		for {
			page, err := s.assignments.List(ctx, q)
			if err != nil {
				return nil, rpc.FromStore(err, person)
			}
			out = append(out, page.Items...)
			if q.PageToken = page.NextPageToken; q.PageToken == "" {
				break
			}
		}
	}
	return out, nil
}

// takeAllBack ends what a counsel has in hand, who has left the register.
func (s *Server) takeAllBack(ctx context.Context, person, reason string) error {
	assignments, err := s.inHandOf(ctx, person)
	if err != nil {
		return err
	}
	for _, a := range assignments {
		_, err := s.changeAndShow(ctx, a.GetName(), "", func(a *counselv1.Assignment, _ auth.Caller, i *corev1.Intent) (docstore.Change, error) {
			if !underway(a.GetState()) {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			return takeBack(a, reason, i)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// recheckFirm bars who of the firm of an entry has a matter in hand in which its
// clients of today show a conflict.
func (s *Server) recheckFirm(ctx context.Context, e *counselv1.CounselEntry) error {
	colleagues := docstore.Query{Equal: map[string]any{"organization": e.GetOrganization(), docstore.FieldParent: regionOf(e.GetName())}, OrderBy: docstore.FieldName}
	for {
		page, err := s.entries.List(ctx, colleagues)
		if err != nil {
			return rpc.FromStore(err, e.GetName())
		}
		for _, colleague := range page.Items {
			assignments, err := s.inHandOf(ctx, colleague.GetPerson())
			if err != nil {
				return err
			}
			for _, a := range assignments {
				c, _, err := s.cases.Get(ctx, a.GetCase())
				if err != nil {
					return rpc.FromStore(err, a.GetName())
				}
				if _, err := s.recheckOne(ctx, a, c); err != nil {
					return err
				}
			}
		}
		if colleagues.PageToken = page.NextPageToken; colleagues.PageToken == "" {
			return nil
		}
	}
}

// isAssigned checks that counsel has the matter in hand: a government lawyer may see a
// case without it, as one of the drafting unit.
func (s *Server) isAssigned(ctx context.Context, name, person string) error {
	page, err := s.assignments.List(ctx, docstore.Query{Equal: map[string]any{"case": name, "counsel": person}, PageSize: 1})
	if err != nil {
		return rpc.FromStore(err, name)
	}
	if len(page.Items) == 0 || !opens(page.Items[0].GetState()) {
		return rpc.New(codes.PermissionDenied, "NOT_ASSIGNED", "只有已接受本案指派的法律顾问可以出具法律意见")
	}
	return nil
}
