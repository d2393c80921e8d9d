package counsel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// downloadChunk is the size of one message of a download.
const downloadChunk = 64 << 10

// CreateMatter implements MatterService.
func (s *Server) CreateMatter(ctx context.Context, in *counselv1.CreateMatterRequest) (*counselv1.Matter, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	m, change, err := newMatter(in.GetParent()+"/matters/"+s.newID(), in.GetMatter(), who)
	if err != nil {
		return nil, err
	}
	m, _, err = s.matters.Create(ctx, m, change)
	return m, rpc.FromStore(err, in.GetParent())
}

// visibleMatter reads a matter the caller may see.
func (s *Server) visibleMatter(ctx context.Context, name string) (*counselv1.Matter, docstore.Meta, auth.Caller, error) {
	return rpc.ReadAs(ctx, s.matters, matterName, name)
}

// GetMatter implements MatterService.
func (s *Server) GetMatter(ctx context.Context, in *counselv1.GetMatterRequest) (*counselv1.Matter, error) {
	m, _, _, err := s.visibleMatter(ctx, in.GetName())
	return m, err
}

// ListMatters implements MatterService.
func (s *Server) ListMatters(ctx context.Context, in *counselv1.ListMattersRequest) (*counselv1.ListMattersResponse, error) {
	who, err := rpc.Named(ctx, "regions/{region}", in.GetParent())
	if err != nil {
		return nil, err
	}
	matters, next, err := rpc.List(ctx, s.matters, docstore.Query{OrderBy: docstore.FieldCreateTime, Descending: true}, who, in)
	return &counselv1.ListMattersResponse{Matters: matters, NextPageToken: next}, err
}

// changeMatter updates a matter the caller may see, by one rule.
func (s *Server) changeMatter(ctx context.Context, name, etag string, rule func(m *counselv1.Matter, who auth.Caller) (docstore.Change, error)) (*counselv1.Matter, error) {
	return rpc.Change(ctx, s.matters, matterName, name, etag, rule)
}

// UpdateMatter implements MatterService.
func (s *Server) UpdateMatter(ctx context.Context, in *counselv1.UpdateMatterRequest) (*counselv1.Matter, error) {
	fields, err := rpc.MaskFields(in.GetMatter(), in.GetUpdateMask(), "title", "parties", "emergency_reason", "act_type", "changes")
	if err != nil {
		return nil, err
	}
	return s.changeMatter(ctx, in.GetMatter().GetName(), in.GetMatter().GetEtag(), func(m *counselv1.Matter, who auth.Caller) (docstore.Change, error) {
		return editMatter(m, in.GetMatter(), fields, who)
	})
}

// UploadMatterFile implements MatterService.
func (s *Server) UploadMatterFile(stream grpc.ClientStreamingServer[counselv1.UploadMatterFileRequest, counselv1.Matter]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	up := first.GetUpload()
	if err := intake.Begun(up != nil, err); err != nil {
		return err
	}
	// Whom the matter does not take a file from is told before a byte is taken in.
	m, _, who, err := s.visibleMatter(ctx, up.GetName())
	if err != nil {
		return err
	}
	if err := cmp.Or(intake.CheckFilename(up.GetFilename()), ofMatterUnit(m, who)); err != nil {
		return err
	}
	if o, _ := docstore.OriginFrom(ctx); o.RequestID == "" && up.GetEtag() != "" && up.GetEtag() != m.GetEtag() {
		return rpc.FromStore(docstore.ErrConflict, up.GetName())
	}
	data, release, err := s.door.Receive(who.Actor(), func() ([]byte, bool, error) {
		next, err := stream.Recv()
		_, chunk := next.GetContent().(*counselv1.UploadMatterFileRequest_Chunk)
		return next.GetChunk(), chunk, err
	})
	if err != nil {
		return err
	}
	defer release()
	f, err := s.storeFile(ctx, up, data, who)
	if err != nil {
		return err
	}
	ctx = rpc.WithRequestDigest(ctx, []byte(f.GetSha256()))
	m, err = s.changeMatter(ctx, up.GetName(), up.GetEtag(), func(m *counselv1.Matter, who auth.Caller) (docstore.Change, error) {
		return takeFile(m, f, who)
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(m)
}

// storeFile reads a file and stores it, and the text of a draft. Parts without a matter
// that names them are found again by a retry.
func (s *Server) storeFile(ctx context.Context, up *counselv1.MatterUpload, data []byte, who auth.Caller) (*counselv1.MatterFile, error) {
	done, err := s.door.Turn(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := s.door.Read(ctx, data)
	done()
	if classified := (*intake.ClassifiedError)(nil); errors.As(err, &classified) {
		no := classified.Refusal()
		_, err = s.changeMatter(ctx, up.GetName(), "", func(*counselv1.Matter, auth.Caller) (docstore.Change, error) {
			return docstore.Change{}, &docstore.Refusal{
				Reasons: []string{no.Code}, Details: []*corev1.Detail{docstore.Detail("file_sha256", classified.SHA256)}, Err: rpc.Refused(no),
			}
		})
	}
	if err != nil {
		return nil, err
	}
	f := &counselv1.MatterFile{
		Kind: up.GetKind(), Filename: up.GetFilename(), MediaType: policytext.MediaType(data), SizeBytes: int64(len(data)),
		Sha256: intake.Hash(data), Uploader: who.Actor(), UploadedOnBehalfOf: who.OnBehalfOf(), UploadTime: timestamppb.New(s.time()),
	}
	if f.GetKind() == counselv1.MatterFile_DRAFT {
		text, err := proto.MarshalOptions{Deterministic: true}.Marshal(doc.Text)
		if err != nil {
			return nil, err
		}
		if len(text) > intake.MaxTextBytes {
			return nil, rpc.Field("file", policytext.CodeTextTooLong, "文件文字或条款过多，请拆分后上传")
		}
		f.TextSha256, f.Warnings = intake.Hash(text), doc.Text.GetWarnings()
		if err := s.blobs.Put(ctx, f.GetTextSha256(), int64(len(text)), bytes.NewReader(text)); err != nil {
			return nil, rpc.FromStore(err, up.GetName())
		}
	}
	return f, rpc.FromStore(s.blobs.Put(ctx, f.GetSha256(), f.GetSizeBytes(), bytes.NewReader(data)), up.GetName())
}

// DownloadMatterFile implements MatterService. The name under which to save the file
// goes ahead as a `content-disposition` header; the first chunk tells the media type.
func (s *Server) DownloadMatterFile(in *counselv1.DownloadMatterFileRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	m, meta, who, err := s.visibleMatter(stream.Context(), in.GetName())
	if err != nil {
		return err
	}
	f := fileNumbered(m, in.GetNumber())
	if err := rpc.Insider(who, meta); err != nil && !explains(f.GetKind()) {
		return err
	}
	if f == nil {
		return rpc.NotFound(in.GetName())
	}
	r, _, err := s.blobs.Open(stream.Context(), f.GetSha256())
	if err != nil {
		return rpc.FromStore(err, in.GetName())
	}
	defer r.Close()
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": f.GetFilename()})
	if err := stream.SetHeader(metadata.Pairs("content-disposition", disposition)); err != nil {
		return err
	}
	for contentType := f.GetMediaType(); ; contentType = "" {
		chunk := make([]byte, downloadChunk)
		n, err := io.ReadFull(r, chunk)
		if n > 0 {
			if err := stream.Send(&httpbody.HttpBody{ContentType: contentType, Data: chunk[:n]}); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return rpc.FromStore(err, in.GetName())
		}
	}
}

// GetMatterText implements MatterService.
func (s *Server) GetMatterText(ctx context.Context, in *counselv1.GetMatterTextRequest) (*corev1.PolicyText, error) {
	if _, err := rpc.Named(ctx, matterName+"/revisions/{revision}", in.GetName()); err != nil {
		return nil, err
	}
	matter, _, _ := strings.Cut(in.GetName(), "/revisions/")
	m, _, _, err := s.visibleMatter(ctx, matter)
	if err != nil {
		return nil, err
	}
	f := draftOf(m, in.GetName())
	if f == nil {
		return nil, rpc.NotFound(in.GetName())
	}
	r, _, err := s.blobs.Open(ctx, f.GetTextSha256())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	t := &corev1.PolicyText{}
	switch {
	case err != nil:
	case intake.Hash(b) != f.GetTextSha256():
		err = docstore.ErrMismatch
	default:
		err = proto.Unmarshal(b, t)
	}
	return t, rpc.FromStore(err, in.GetName())
}

// SubmitMatter implements MatterService, in three steps that may be made again: the
// matter opens to the reviewers, the case takes the submission, the matter names its
// case.
func (s *Server) SubmitMatter(ctx context.Context, in *counselv1.SubmitMatterRequest) (*counselv1.Case, error) {
	m, err := s.changeMatter(ctx, in.GetName(), in.GetEtag(), submitMatter)
	if err != nil {
		return nil, err
	}
	number := int32(1)
	c, _, err := s.caseOf(ctx, in.GetName())
	switch {
	case err == nil && waiting(c, m):
		if err := s.recheck(ctx, c); err != nil { // what an earlier call may have left
			return nil, err
		}
	case err == nil:
		number = last(c).GetNumber() + 1
		fallthrough
	case errors.Is(err, docstore.ErrNotFound):
		if c, err = s.OpenCase(docstore.WithStep(ctx, "open"), reviewOf(m, number)); err != nil {
			return nil, err
		}
	default:
		return nil, rpc.FromStore(err, in.GetName())
	}
	if m.GetReviewCase() == c.GetName() {
		return c, nil
	}
	_, err = s.changeMatter(docstore.WithStep(ctx, "case"), in.GetName(), "", func(m *counselv1.Matter, _ auth.Caller) (docstore.Change, error) {
		m.ReviewCase = c.GetName()
		return docstore.Change{Details: []*corev1.Detail{docstore.Detail("review_case", c.GetName())}}, nil
	})
	return c, err
}
