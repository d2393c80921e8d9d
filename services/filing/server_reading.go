package filing

import (
	"context"
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/policytext"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// GetDocument implements FilingService.
func (s *Server) GetDocument(ctx context.Context, in *filingv1.GetDocumentRequest) (*filingv1.Document, error) {
	d, _, _, err := s.visible(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	return d, nil
}

// ListDocuments implements FilingService. Where documents with long records would
// pass what one message holds, the page has fewer of them (AIP-158).
func (s *Server) ListDocuments(ctx context.Context, in *filingv1.ListDocumentsRequest) (*filingv1.ListDocumentsResponse, error) {
	who, err := rpc.Named(ctx, regionName, in.GetParent())
	if err != nil {
		return nil, err
	}
	equal, err := resource.ParseFilter(in.GetFilter(), map[string]resource.FieldKind{
		"state":         resource.Enum(filingv1.Document_State(0).Descriptor()),
		"drafting_unit": resource.String,
	})
	if err != nil {
		return nil, rpc.Filter(err)
	}
	page, err := s.documents.List(ctx, docstore.Query{
		Equal: equal, AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: who.Viewers()},
		OrderBy: docstore.FieldCreateTime, Descending: true,
		PageSize: pageSize(in.GetPageSize()), PageToken: in.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &filingv1.ListDocumentsResponse{Documents: page.Items, NextPageToken: page.NextPageToken}, nil
}

// pageSize is the size of a page: 50 when the client names none.
func pageSize(asked int32) int {
	if asked == 0 {
		return 50
	}
	return int(asked)
}

// ListDocumentHistory implements FilingService.
func (s *Server) ListDocumentHistory(ctx context.Context, in *filingv1.ListDocumentHistoryRequest) (*filingv1.ListDocumentHistoryResponse, error) {
	_, meta, who, err := s.visible(ctx, in.GetParent())
	if err != nil {
		return nil, err
	}
	if err := rpc.Insider(who, meta); err != nil {
		return nil, err
	}
	entries, next, err := s.documents.History(ctx, in.GetParent(), pageSize(in.GetPageSize()), in.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetParent())
	}
	return &filingv1.ListDocumentHistoryResponse{History: entries, NextPageToken: next}, nil
}

// visibleRevision reads one draft of a document the caller may see.
func (s *Server) visibleRevision(ctx context.Context, name string) (*filingv1.Revision, error) {
	if _, err := rpc.Named(ctx, revisionName, name); err != nil {
		return nil, err
	}
	d, _, _, err := s.visible(ctx, name[:strings.LastIndex(name, "/revisions/")])
	if err != nil {
		return nil, err
	}
	if r := revisionNamed(d, name); r != nil {
		return r, nil
	}
	return nil, rpc.NotFound(name)
}

// findingsRevision reads one draft for its findings: a bureau that was only asked for
// its opinion sees the draft and not what rules suspect in it.
func (s *Server) findingsRevision(ctx context.Context, name string) (*filingv1.Revision, error) {
	r, err := s.visibleRevision(ctx, name)
	if err != nil {
		return nil, err
	}
	_, meta, who, err := s.visible(ctx, documentOf(name))
	if err != nil {
		return nil, err
	}
	return r, rpc.Insider(who, meta)
}

// GetRevision implements FilingService.
func (s *Server) GetRevision(ctx context.Context, in *filingv1.GetRevisionRequest) (*filingv1.Revision, error) {
	return s.visibleRevision(ctx, in.GetName())
}

// GetRevisionText implements FilingService.
func (s *Server) GetRevisionText(ctx context.Context, in *filingv1.GetRevisionTextRequest) (*corev1.PolicyText, error) {
	r, err := s.visibleRevision(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	return s.text(ctx, r)
}

// CompareRevisions implements FilingService.
func (s *Server) CompareRevisions(ctx context.Context, in *filingv1.CompareRevisionsRequest) (*corev1.Comparison, error) {
	p, err := s.pair(ctx, in.GetName(), in.GetBase())
	if err != nil {
		return nil, err
	}
	place, err := s.compute(ctx)
	if err != nil {
		return nil, err
	}
	defer place()
	return policytext.Compare(ctx, p.before, p.after)
}

// pair is two drafts of one document.
type pair struct {
	newer         *filingv1.Revision
	before, after *corev1.PolicyText
}

// pair reads two drafts of a document the caller may see.
func (s *Server) pair(ctx context.Context, name, base string) (p pair, err error) {
	if p.newer, err = s.visibleRevision(ctx, name); err != nil {
		return p, err
	}
	if !strings.HasPrefix(base, documentOf(name)+"/revisions/") {
		return p, rpc.Field("base", "OTHER_DOCUMENT", "只能与同一文件的另一稿比较")
	}
	older, err := s.visibleRevision(ctx, base)
	if err != nil {
		return p, err
	}
	if p.before, err = s.text(ctx, older); err != nil {
		return p, err
	}
	p.after, err = s.text(ctx, p.newer)
	return p, err
}

// compute waits for a place among those who take a processor; done gives it back.
func (s *Server) compute(ctx context.Context) (done func(), err error) {
	select {
	case s.comparing <- struct{}{}:
		return func() { <-s.comparing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Server) text(ctx context.Context, r *filingv1.Revision) (*corev1.PolicyText, error) {
	t := &corev1.PolicyText{}
	return t, s.load(ctx, r.GetTextSha256(), t)
}

// load reads a stored part of a draft. A part that is not what its hash says is
// DATA_LOSS: reviews conclude on that hash.
func (s *Server) load(ctx context.Context, sha string, m proto.Message) error {
	r, _, err := s.blobs.Open(ctx, sha)
	if err != nil {
		return fmt.Errorf("open stored %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
	case hashOf(b) != sha:
		err = docstore.ErrMismatch
	default:
		err = proto.Unmarshal(b, m)
	}
	if err != nil {
		return rpc.FromStore(fmt.Errorf("read stored %s: %w", m.ProtoReflect().Descriptor().Name(), err), "")
	}
	return nil
}

// ResolveAnchors implements FilingService.
func (s *Server) ResolveAnchors(ctx context.Context, in *filingv1.ResolveAnchorsRequest) (*filingv1.ResolveAnchorsResponse, error) {
	r, err := s.visibleRevision(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	t, err := s.text(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &filingv1.ResolveAnchorsResponse{}
	for i, a := range in.GetAnchors() {
		whole, err := intake.ResolveAnchor(t, r.GetName(), fmt.Sprintf("anchors[%d]", i), a)
		if err != nil {
			return nil, err
		}
		out.Anchors = append(out.Anchors, whole)
	}
	return out, nil
}

// DownloadRevision implements FilingService.
func (s *Server) DownloadRevision(in *filingv1.DownloadRevisionRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	r, err := s.visibleRevision(stream.Context(), in.GetName())
	if err != nil {
		return err
	}
	return s.send(stream, r.GetFile())
}

// DownloadMaterial implements FilingService.
func (s *Server) DownloadMaterial(in *filingv1.DownloadMaterialRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	d, meta, who, err := s.visible(stream.Context(), in.GetName())
	if err != nil {
		return err
	}
	if err := rpc.Insider(who, meta); err != nil && !explains(in.GetKind()) {
		return err
	}
	m := materialOf(d, in.GetKind())
	if m == nil {
		return rpc.NotFound(in.GetName())
	}
	return s.send(stream, m.GetFile())
}

// send streams a stored file.
func (s *Server) send(stream grpc.ServerStreamingServer[httpbody.HttpBody], f *filingv1.File) error {
	r, _, err := s.blobs.Open(stream.Context(), f.GetSha256())
	if err != nil {
		return fmt.Errorf("open the stored file: %w", err)
	}
	defer r.Close()
	return rpc.SendFile(stream, f.GetFilename(), f.GetMediaType(), r)
}
