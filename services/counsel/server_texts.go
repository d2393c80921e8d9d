package counsel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/rpc"
)

// ofMatter tells whether a subject or a draft is kept by this service.
func ofMatter(name string) bool { return strings.Contains(name, "/matters/") }

// textOf reads a draft, as the caller may read it, from the service that keeps it.
func (s *Server) textOf(ctx context.Context, revision string) (*corev1.PolicyText, error) {
	if ofMatter(revision) {
		return s.GetMatterText(ctx, &counselv1.GetMatterTextRequest{Name: revision})
	}
	return s.filing.GetRevisionText(ctx, &filingv1.GetRevisionTextRequest{Name: revision})
}

// resolveAnchors completes places in a draft. Errors name them as `anchors[i]`.
func (s *Server) resolveAnchors(ctx context.Context, revision string, anchors []*corev1.Anchor) ([]*corev1.Anchor, error) {
	if !ofMatter(revision) {
		res, err := s.filing.ResolveAnchors(ctx, &filingv1.ResolveAnchorsRequest{Name: revision, Anchors: anchors})
		return res.GetAnchors(), err
	}
	t, err := s.textOf(ctx, revision)
	if err != nil {
		return nil, err
	}
	out := make([]*corev1.Anchor, len(anchors))
	for i, a := range anchors {
		if out[i], err = intake.ResolveAnchor(t, revision, fmt.Sprintf("anchors[%d]", i), a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// showSubject lets counsel see the subject of a case, or no longer.
func (s *Server) showSubject(ctx context.Context, subject, viewer, because string, visible bool) error {
	if !ofMatter(subject) {
		_, err := s.filing.SetDocumentViewer(ctx, &filingv1.SetDocumentViewerRequest{
			Name: subject, Viewer: viewer, Visible: visible, Assignment: because,
		})
		return err
	}
	_, _, err := s.matters.Update(ctx, subject, docstore.Precondition{}, func(_ *counselv1.Matter, meta docstore.Meta) (docstore.Change, error) {
		if slices.Contains(meta.Viewers, viewer) == visible {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		change := docstore.Change{Details: []*corev1.Detail{
			docstore.Detail("viewer", viewer), docstore.Detail("visible", visible), docstore.Detail("assignment", because),
		}}
		if visible {
			change.Grant = []string{viewer}
		} else {
			change.Revoke = []string{viewer}
		}
		return change, nil
	})
	return rpc.FromStore(err, subject)
}
