package filing

import (
	"context"
	"errors"
	"path"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// ListFindings implements FilingService. A page is a stretch of the draft's findings,
// which never change, so that decisions made meanwhile shift nothing.
func (s *Server) ListFindings(ctx context.Context, in *filingv1.ListFindingsRequest) (*filingv1.ListFindingsResponse, error) {
	r, err := s.findingsRevision(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(in.GetFilter(), map[string]resource.FieldKind{
		"state": resource.Enum(corev1.Disposition_State(0).Descriptor()),
		"rule":  resource.String,
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	list := in.GetParent() + "\x00" + in.GetFilter()
	from, err := s.pages.Open(list, in.GetPageToken())
	if err != nil {
		return nil, err
	}
	screening, err := s.screening(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &filingv1.ListFindingsResponse{Packs: screening.GetPacks(), ReviewDate: screening.GetReviewDate()}
	all := screening.GetFindings()
	for i := from; i < len(all); i++ {
		f := all[i]
		if !listed(f, equal) {
			continue
		}
		if len(out.Findings) == pageSize(in.GetPageSize()) {
			out.NextPageToken = s.pages.Seal(list, i)
			break
		}
		out.Findings = append(out.Findings, f)
	}
	return out, nil
}

// screening reads what the rules found in a draft and what was decided about it.
func (s *Server) screening(ctx context.Context, r *filingv1.Revision) (*filingv1.Screening, error) {
	screening := &filingv1.Screening{}
	if err := s.load(ctx, r.GetScreeningSha256(), screening); err != nil {
		return nil, err
	}
	said, err := s.dispositionsOf(ctx, documentOf(r.GetName()))
	if err != nil {
		return nil, err
	}
	for _, f := range screening.GetFindings() {
		// A screening is stored before its draft has a number.
		f.Name, f.GetAnchor().Revision = findingName(r, f), r.GetName()
		f.Disposition = said.of(r, f)
	}
	return screening, nil
}

// listed tells whether a filter takes a finding.
func listed(f *corev1.Finding, equal map[string]any) bool {
	if state, ok := equal["state"].(protoreflect.EnumNumber); ok && state != f.GetDisposition().GetState().Number() {
		return false
	}
	rule, ok := equal["rule"].(string)
	return !ok || rule == f.GetRule()
}

// documentOf is the document of one of its parts.
func documentOf(name string) string {
	document, _, _ := strings.Cut(name, "/revisions/")
	return document
}

// dispositionsOf reads what was decided about the findings of a document. People
// decide, so that it is little against what rules find: an index by which a page asked
// for its own alone, once for each finding, is slower below 200 decisions and no faster
// below 1,000.
func (s *Server) dispositionsOf(ctx context.Context, document string) (*dispositions, error) {
	out := &dispositions{}
	q := docstore.Query{Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: document + "/revisions/"}, PageSize: 1000}
	for {
		page, err := s.dispositions.List(ctx, q)
		if err != nil {
			return nil, rpc.FromStore(err, document)
		}
		for _, x := range page.Items {
			out.add(x)
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return out, nil
		}
	}
}

// ConfirmFinding implements FilingService.
func (s *Server) ConfirmFinding(ctx context.Context, in *filingv1.ConfirmFindingRequest) (*corev1.Disposition, error) {
	return s.decide(ctx, in.GetName(), in.GetEtag(), confirm(in.GetReason()))
}

// DismissFinding implements FilingService.
func (s *Server) DismissFinding(ctx context.Context, in *filingv1.DismissFindingRequest) (*corev1.Disposition, error) {
	return s.decide(ctx, in.GetName(), in.GetEtag(), dismiss(in.GetGround(), in.GetReason()))
}

// ClaimException implements FilingService.
func (s *Server) ClaimException(ctx context.Context, in *filingv1.ClaimExceptionRequest) (*corev1.Disposition, error) {
	return s.decide(ctx, in.GetName(), in.GetEtag(), claimException(&corev1.ExceptionClaim{
		Basis: in.GetBasis(), Statement: in.GetStatement(), Alternatives: in.GetAlternatives(), Term: in.GetTerm(),
	}))
}

// ReopenFinding implements FilingService.
func (s *Server) ReopenFinding(ctx context.Context, in *filingv1.ReopenFindingRequest) (*corev1.Disposition, error) {
	return s.decide(ctx, in.GetName(), in.GetEtag(), reopen(in.GetReason()))
}

// visibleFinding reads a finding of a document the caller may see.
func (s *Server) visibleFinding(ctx context.Context, name string) (*filingv1.Revision, matter, auth.Caller, error) {
	who, err := rpc.Named(ctx, findingPattern, name)
	if err != nil {
		return nil, matter{}, who, err
	}
	d, meta, _, err := s.visible(ctx, documentOf(name))
	if err == nil {
		err = rpc.Insider(who, meta)
	}
	if err != nil {
		return nil, matter{}, who, err
	}
	r := revisionNamed(d, path.Dir(path.Dir(name)))
	if r == nil {
		return nil, matter{}, who, rpc.NotFound(name)
	}
	f, err := s.finding(ctx, r, path.Base(name))
	if err == nil && f == nil {
		err = rpc.NotFound(name)
	}
	return r, matter{d: d, f: f}, who, err
}

// finding reads one finding of a draft; nil when there is none.
func (s *Server) finding(ctx context.Context, r *filingv1.Revision, id string) (*corev1.Finding, error) {
	screening := &filingv1.Screening{}
	err := s.load(ctx, r.GetScreeningSha256(), screening)
	return findingNamed(screening, id), err
}

// decide puts a decision on record: a document of its own for each finding that
// somebody decided on, made by the first decision. Neither the document nor what its
// reviews conclude on changes.
func (s *Server) decide(ctx context.Context, name, etag string, do decision) (*corev1.Disposition, error) {
	r, m, who, err := s.visibleFinding(ctx, name)
	if err != nil {
		return nil, err
	}
	x, err := s.decideAgain(ctx, m, who, name, etag, do)
	if !errors.Is(err, docstore.ErrNotFound) {
		return x, rpc.FromStore(err, name)
	}
	x, err = s.decideFirst(ctx, r, m, who, etag, do)
	if errors.Is(err, docstore.ErrAlreadyExists) { // another's came first
		x, err = s.decideAgain(ctx, m, who, name, etag, do)
	}
	return x, rpc.FromStore(err, name)
}

// decideAgain changes the disposition that a finding has.
func (s *Server) decideAgain(ctx context.Context, m matter, who auth.Caller, name, etag string, do decision) (*corev1.Disposition, error) {
	at := s.now()
	x, _, err := s.dispositions.Update(ctx, name, docstore.Precondition{}, func(x *corev1.Disposition, meta docstore.Meta) (docstore.Change, error) {
		if err := rpc.Fresh(etag, meta); err != nil {
			return docstore.Change{}, err
		}
		from := x.GetState()
		if err := do(matter{d: m.d, f: m.f, x: x}, who, at); err != nil {
			return docstore.Change{}, onRecord(err, nil)
		}
		return docstore.Change{
			From: from.String(), To: x.GetState().String(), Details: dispositionDetails(x), Grant: dispositionViewers(m.d),
		}, nil
	})
	return x, err
}

// decideFirst makes the disposition of a finding that has none: it begins with what
// was carried to it. A refusal is kept in the history of the document.
func (s *Server) decideFirst(ctx context.Context, r *filingv1.Revision, m matter, who auth.Caller, etag string, do decision) (*corev1.Disposition, error) {
	if err := rpc.Fresh(etag, docstore.Meta{}); err != nil {
		return nil, err
	}
	before, err := s.dispositionsOf(ctx, m.d.GetName())
	if err != nil {
		return nil, err
	}
	m.x = proto.CloneOf(before.of(r, m.f))
	if m.x.Pack, err = s.firstPack(ctx, m); err != nil {
		return nil, err
	}
	from := m.x.GetState()
	m.x.CarriedFrom = ""
	err = do(m, who, s.now())
	if no := (refused)(nil); errors.As(err, &no) {
		details := []*corev1.Detail{docstore.Detail("finding", m.x.GetName()), docstore.Detail("rule", m.f.GetRule())}
		_, _, err = s.change(docstore.WithStep(ctx, "refused"), m.d.GetName(), "", func(*filingv1.Document, auth.Caller) ([]*corev1.Detail, error) {
			return details, no
		})
	}
	if err != nil {
		return nil, err
	}
	x, _, err := s.dispositions.Create(ctx, m.x, docstore.Change{
		From: from.String(), To: m.x.GetState().String(), Details: dispositionDetails(m.x), Grant: dispositionViewers(m.d),
	})
	return x, err
}

// firstPack is the pack that raised a finding first, by which it is counted.
func (s *Server) firstPack(ctx context.Context, m matter) (string, error) {
	root := m.f.GetFirstRaised()
	r := revisionNamed(m.d, path.Dir(path.Dir(root)))
	if root == "" || r == nil {
		return m.f.GetPack(), nil
	}
	first, err := s.finding(ctx, r, path.Base(root))
	if err != nil || first == nil {
		return m.f.GetPack(), err
	}
	return first.GetPack(), nil
}

// ListFindingHistory implements FilingService.
func (s *Server) ListFindingHistory(ctx context.Context, in *filingv1.ListFindingHistoryRequest) (*filingv1.ListFindingHistoryResponse, error) {
	if _, _, _, err := s.visibleFinding(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	entries, next, err := s.dispositions.History(ctx, in.GetParent(), pageSize(in.GetPageSize()), in.GetPageToken())
	if errors.Is(err, docstore.ErrNotFound) {
		return &filingv1.ListFindingHistoryResponse{}, nil
	}
	if err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	return &filingv1.ListFindingHistoryResponse{History: entries, NextPageToken: next}, nil
}
