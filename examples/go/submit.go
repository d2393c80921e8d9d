package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// chunkSize is how much of a file goes into one message; 1 MiB is the most.
const chunkSize = 256 << 10

// submission is what goes in: the facts, and the files.
type submission struct {
	issuer       string
	document     *filingv1.Document
	consultation *filingv1.Consultation
	draft        string
	// materials are files by their kind, such as drafting_statement.
	materials map[string]string
}

// readSubmission reads the facts of a matter; files of material lie beside it.
func readSubmission(file, draft string) (*submission, error) {
	var read struct {
		// Issuer is the 统一社会信用代码 of the issuing government.
		Issuer                 string
		Document, Consultation json.RawMessage
		Materials              map[string]string
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	s := &submission{
		issuer: read.Issuer, draft: draft, materials: read.Materials,
		document: &filingv1.Document{}, consultation: &filingv1.Consultation{},
	}
	if err == nil {
		err = protojson.Unmarshal(read.Document, s.document)
	}
	if err == nil {
		err = protojson.Unmarshal(read.Consultation, s.consultation)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for kind, name := range s.materials {
		s.materials[kind] = filepath.Join(filepath.Dir(file), name)
	}
	return s, nil
}

// submit hands the document in, and answers it as it is under review. Steps that
// an earlier run has done are not done twice.
func (c *client) submit(ctx context.Context, s *submission) (*filingv1.Document, error) {
	d, err := c.document(ctx, s)
	if err != nil || d.GetState() != filingv1.Document_DRAFTING {
		return d, err
	}
	if d, err = c.correct(ctx, d, s); err != nil {
		return nil, err
	}
	if err := c.uploadDraft(ctx, d.GetName(), s.draft); err != nil {
		return nil, err
	}
	for _, kind := range slices.Sorted(maps.Keys(s.materials)) {
		if err := c.uploadMaterial(ctx, d.GetName(), kind, s.materials[kind]); err != nil {
			return nil, err
		}
	}
	_, err = retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
		return c.filing.RecordConsultation(ctx, &filingv1.RecordConsultationRequest{
			Name: d.GetName(), Consultation: s.consultation, RequestId: c.id + "-consultation",
		})
	})
	if err != nil {
		return nil, err
	}
	// The place in the feed comes first: what happens from here on is not missed.
	if err := c.takePlace(ctx); err != nil {
		return nil, err
	}
	d, err = retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
		return c.filing.SubmitDocument(ctx, &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: c.id + "-submit"})
	})
	if err == nil && d.GetReviewCase() == "" {
		d, err = c.taken(ctx, d.GetName())
	}
	if err == nil {
		fmt.Printf("submitted, version %.12s…\n", d.GetVersionDigest())
	}
	return d, err
}

// taken waits until the review has a document that was submitted while the review
// could not be reached.
func (c *client) taken(ctx context.Context, name string) (*filingv1.Document, error) {
	return retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
		d, err := c.filing.GetDocument(ctx, &filingv1.GetDocumentRequest{Name: name})
		if err == nil && d.GetReviewCase() == "" {
			err = status.Error(codes.Unavailable, "the review does not have it yet")
		}
		return d, err
	})
}

// document creates the document, or finds the one that an earlier run created.
func (c *client) document(ctx context.Context, s *submission) (*filingv1.Document, error) {
	if c.state.Document != "" {
		return c.read(ctx, c.state.Document)
	}
	issuer, err := c.bureau(ctx, s.issuer)
	if err != nil {
		return nil, err
	}
	s.document.IssuingAuthority = issuer
	d, err := retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
		return c.filing.CreateDocument(ctx, &filingv1.CreateDocumentRequest{
			Parent: c.region, Document: s.document, RequestId: c.id,
		})
	})
	if err != nil {
		return nil, err
	}
	fmt.Printf("document %s\n", d.GetName())
	c.state.Document = d.GetName()
	return d, c.state.keep()
}

func (c *client) read(ctx context.Context, name string) (*filingv1.Document, error) {
	return retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
		return c.filing.GetDocument(ctx, &filingv1.GetDocumentRequest{Name: name})
	})
}

// bureau finds a bureau by its credit code: ids differ from one server to the
// next, credit codes do not.
func (c *client) bureau(ctx context.Context, uscc string) (string, error) {
	request := &directoryv1.ListBureausRequest{Parent: c.region, PageSize: 1000}
	for {
		page, err := retry(ctx, func(ctx context.Context) (*directoryv1.ListBureausResponse, error) {
			return c.directory.ListBureaus(ctx, request)
		})
		if err != nil {
			return "", err
		}
		for _, b := range page.GetBureaus() {
			if b.GetUscc() == uscc {
				return b.GetName(), nil
			}
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return "", fmt.Errorf("no bureau %s in %s", uscc, c.region)
		}
	}
}

// correct brings title and parties up to date. The etag is that of the version
// that was read: if somebody changed the document since, nothing is overwritten,
// and the decision is made anew on what there is now.
func (c *client) correct(ctx context.Context, d *filingv1.Document, s *submission) (*filingv1.Document, error) {
	for d.GetTitle() != s.document.GetTitle() || !slices.Equal(d.GetParties(), s.document.GetParties()) {
		changed, err := retry(ctx, func(ctx context.Context) (*filingv1.Document, error) {
			return c.filing.UpdateDocument(ctx, &filingv1.UpdateDocumentRequest{
				Document: &filingv1.Document{
					Name: d.GetName(), Etag: d.GetEtag(), Title: s.document.GetTitle(), Parties: s.document.GetParties(),
				},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title", "parties"}},
			})
		})
		switch {
		case err == nil:
			fmt.Println("title and parties corrected")
			return changed, nil
		case status.Code(err) != codes.Aborted:
			return nil, err
		}
		fmt.Printf("%s: read again\n", reason(err))
		if d, err = c.read(ctx, d.GetName()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (c *client) uploadDraft(ctx context.Context, document, path string) error {
	file, id, err := c.open(path, "draft")
	if err != nil {
		return err
	}
	first := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{
		Upload: &filingv1.RevisionUpload{Parent: document, Filename: filepath.Base(path), RequestId: id},
	}}
	r, err := send(ctx, c.filing.UploadRevision, first, file, func(chunk []byte) *filingv1.UploadRevisionRequest {
		return &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: chunk}}
	})
	if err == nil {
		fmt.Printf("draft %s: %d articles, %d suspected problems\n", filepath.Base(path), r.GetCounts().GetArticles(), r.GetFindingCount())
	}
	return err
}

func (c *client) uploadMaterial(ctx context.Context, document, kind, path string) error {
	file, id, err := c.open(path, kind)
	if err != nil {
		return err
	}
	first := &filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Upload{
		Upload: &filingv1.MaterialUpload{
			Name: document, Filename: filepath.Base(path), RequestId: id,
			Kind: filingv1.Material_Kind(filingv1.Material_Kind_value[strings.ToUpper(kind)]),
		},
	}}
	_, err = send(ctx, c.filing.UploadMaterial, first, file, func(chunk []byte) *filingv1.UploadMaterialRequest {
		return &filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Chunk{Chunk: chunk}}
	})
	return err
}

// send streams a file: a message that says what it is, then its bytes.
func send[Req, Res any](
	ctx context.Context, open func(context.Context, ...grpc.CallOption) (grpc.ClientStreamingClient[Req, Res], error),
	first *Req, file []byte, message func(chunk []byte) *Req,
) (*Res, error) {
	return retry(ctx, func(ctx context.Context) (*Res, error) {
		stream, err := open(ctx)
		if err != nil {
			return nil, err
		}
		err = stream.Send(first)
		for chunk := range slices.Chunk(file, chunkSize) {
			if err != nil {
				break // the server has answered already; the answer says why
			}
			err = stream.Send(message(chunk))
		}
		return stream.CloseAndRecv()
	})
}

// open reads a file and names the upload of these bytes: other bytes under the
// same request id would be refused with REQUEST_ID_REUSED.
func (c *client) open(path, what string) (file []byte, requestID string, err error) {
	if file, err = os.ReadFile(path); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(file)
	return file, fmt.Sprintf("%s-%s-%x", c.id, what, sum[:8]), nil
}
