package filing

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// UploadRevision implements FilingService.
func (s *Server) UploadRevision(stream grpc.ClientStreamingServer[filingv1.UploadRevisionRequest, filingv1.Revision]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	up := first.GetUpload()
	if err := intake.Begun(up != nil, err); err != nil {
		return err
	}
	name := up.GetParent()
	if err := s.admitUpload(ctx, name, up.GetEtag(), up.GetFilename(), checkDraftingUnit); err != nil {
		return err
	}
	data, release, err := s.receive(ctx, func() ([]byte, bool, error) {
		m, err := stream.Recv()
		_, chunk := m.GetContent().(*filingv1.UploadRevisionRequest_Chunk)
		return m.GetChunk(), chunk, err
	})
	if err != nil {
		return err
	}
	defer release()
	sha := hashOf(data)
	ctx = rpc.WithRequestDigest(ctx, []byte(sha))
	d, meta, err := s.considerUpload(ctx, name, up.GetEtag(), checkDraftingUnit)
	if err != nil {
		return err
	}
	if meta.Replayed {
		return stream.SendAndClose(revisionWithFile(d, sha))
	}
	var draft storedDraft
	if revisionWithFile(d, sha) == nil {
		if draft, err = s.storeDraft(ctx, d, up.GetFilename(), data); err != nil {
			return err
		}
	}
	d, _, err = s.change(ctx, name, up.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		if err := checkDraftingUnit(d, who); err != nil {
			return nil, err
		}
		return takeDraft(d, draft, sha)
	})
	if err != nil {
		s.log.InfoContext(ctx, "stored draft was not added", "document", name, "sha256", sha, "reason", rpc.Reason(err))
		return err
	}
	return stream.SendAndClose(revisionWithFile(d, sha))
}

// storedDraft is a draft whose parts are stored, with what the rules raised in it
// first, for the journal.
type storedDraft struct {
	*filingv1.Revision
	raised []*corev1.Detail
}

// takeDraft lets the draft with these bytes stand, for the journal: the one that
// is there already, or else the stored one, which is added.
func takeDraft(d *filingv1.Document, stored storedDraft, sha string) ([]*corev1.Detail, error) {
	draft, take := revisionWithFile(d, sha), makeCurrent
	var first []*corev1.Detail
	if draft == nil {
		draft, take, first = stored.Revision, addRevision, stored.raised
	}
	if err := take(d, draft); err != nil {
		return nil, err
	}
	return append([]*corev1.Detail{
		docstore.Detail("revision", draft.GetName()),
		docstore.Detail("file_sha256", sha),
		docstore.Detail("findings", draft.GetFindingCount()),
		docstore.Detail("version_digest", d.GetVersionDigest()),
	}, first...), nil
}

// storeDraft reads and screens a draft, and stores the file, its text and its
// findings. Content-addressed parts without a document that names them, as left
// behind when the document changes in between, are found again by a retry.
func (s *Server) storeDraft(ctx context.Context, d *filingv1.Document, filename string, data []byte) (storedDraft, error) {
	done, err := s.door.Turn(ctx)
	if err != nil {
		return storedDraft{}, err
	}
	read, err := readDraft(ctx, s.door, data, s.rules, s.today())
	done()
	if err != nil {
		return storedDraft{}, s.refuseFile(ctx, d.GetName(), err)
	}
	if err := s.inherit(ctx, currentRevision(d), read); err != nil {
		return storedDraft{}, err
	}
	if err := read.seal(); err != nil {
		return storedDraft{}, err
	}
	for _, p := range []part{{data, hashOf(data)}, read.text, read.screening} {
		if err := s.store(ctx, p); err != nil {
			return storedDraft{}, rpc.FromStore(err, d.GetName())
		}
	}
	who, _ := auth.CallerFrom(ctx)
	r := revisionOf(s.fileOf(filename, data), read, who, timestamppb.New(s.now()))
	return storedDraft{r, raised(read.findings)}, nil
}

// inherit finds the findings of the draft that stands again in a newer one. Where the
// earlier draft can no longer be read, all findings of the newer one are new: that
// asks for another look, and hides nothing.
func (s *Server) inherit(ctx context.Context, base *filingv1.Revision, read *reading) error {
	if base.GetFindingCount() == 0 || len(read.findings.GetFindings()) == 0 {
		return nil
	}
	before := &filingv1.Screening{}
	err := s.load(ctx, base.GetScreeningSha256(), before)
	text := &corev1.PolicyText{}
	if err == nil {
		text, err = s.text(ctx, base)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "findings are not carried from an earlier draft", "revision", base.GetName(), "error", err)
		return ctx.Err()
	}
	select {
	case s.comparing <- struct{}{}:
		defer func() { <-s.comparing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	h := heritageOf(base, before, text)
	carried, err := policytext.Carry(ctx, text, read.policy, h.anchors, "")
	if err != nil {
		return err
	}
	h.inherit(read.findings, carried)
	return nil
}

// UploadMaterial implements FilingService.
func (s *Server) UploadMaterial(stream grpc.ClientStreamingServer[filingv1.UploadMaterialRequest, filingv1.Document]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	up := first.GetUpload()
	if err := intake.Begun(up != nil, err); err != nil {
		return err
	}
	name, kind := up.GetName(), up.GetKind()
	may := func(d *filingv1.Document, who auth.Caller) error { return checkMaterialUploader(d, kind, who) }
	if err := s.admitUpload(ctx, name, up.GetEtag(), up.GetFilename(), may); err != nil {
		return err
	}
	data, release, err := s.receive(ctx, func() ([]byte, bool, error) {
		m, err := stream.Recv()
		_, chunk := m.GetContent().(*filingv1.UploadMaterialRequest_Chunk)
		return m.GetChunk(), chunk, err
	})
	if err != nil {
		return err
	}
	defer release()
	file := s.fileOf(up.GetFilename(), data)
	ctx = rpc.WithRequestDigest(ctx, []byte(file.GetSha256()))
	d, meta, err := s.considerUpload(ctx, name, up.GetEtag(), may)
	if err != nil {
		return err
	}
	if meta.Replayed {
		return stream.SendAndClose(d)
	}
	done, err := s.door.Turn(ctx)
	if err != nil {
		return err
	}
	_, err = readFile(ctx, s.door, data)
	done()
	if err != nil {
		return s.refuseFile(ctx, name, err)
	}
	if err := s.store(ctx, part{data, file.GetSha256()}); err != nil {
		return rpc.FromStore(err, name)
	}
	at := timestamppb.New(s.now())
	d, _, err = s.change(ctx, name, up.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		if err := may(d, who); err != nil {
			return nil, err
		}
		m := &filingv1.Material{Kind: kind, File: file, Uploader: who.Actor(), UploadTime: at}
		if err := putMaterial(d, m); err != nil {
			return nil, err
		}
		return []*corev1.Detail{
			docstore.Detail("material", kind),
			docstore.Detail("file_sha256", file.GetSha256()),
			docstore.Detail("version_digest", d.GetVersionDigest()),
		}, nil
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(d)
}

// A checkUpload tells whether a person may add a file of a kind to a document.
type checkUpload = func(*filingv1.Document, auth.Caller) error

// admitUpload refuses, before a byte of the file is taken in, whom the document
// does not take it from. An upload with a request id may be one that was made
// before, which only the file tells; any other is considered at once.
func (s *Server) admitUpload(ctx context.Context, name, etag, filename string, may checkUpload) error {
	if err := intake.CheckFilename(filename); err != nil {
		return err
	}
	d, _, who, err := s.visible(ctx, name)
	if err != nil {
		return err
	}
	if o, _ := docstore.OriginFrom(ctx); o.RequestID != "" {
		return may(d, who)
	}
	_, _, err = s.considerUpload(ctx, name, etag, may)
	return err
}

// considerUpload refuses what could not be stored anyway, before the file is read
// and stored. Meta.Replayed says that this very upload was made before.
func (s *Server) considerUpload(ctx context.Context, name, etag string, may checkUpload) (*filingv1.Document, docstore.Meta, error) {
	return s.consider(ctx, name, etag, func(d *filingv1.Document, who auth.Caller) error {
		return cmp.Or(may(d, who), checkOpen(d))
	})
}

// receive takes in a file of the caller. The room is held until release is called.
func (s *Server) receive(ctx context.Context, next func() (chunk []byte, isChunk bool, err error)) (data []byte, release func(), err error) {
	who, _ := auth.CallerFrom(ctx)
	return s.door.Receive(who.Actor(), next)
}

// refuseFile keeps the refusal of a file in the document's history, without
// anything of the file; a file that cannot be read leaves no trace.
func (s *Server) refuseFile(ctx context.Context, name string, err error) error {
	var no refused
	if !errors.As(err, &no) {
		return err
	}
	_, _, err = s.change(ctx, name, "", func(*filingv1.Document, auth.Caller) ([]*corev1.Detail, error) { return nil, no })
	return err
}

func (s *Server) store(ctx context.Context, p part) error {
	return s.blobs.Put(ctx, p.sha256, int64(len(p.bytes)), bytes.NewReader(p.bytes))
}

func (s *Server) fileOf(filename string, data []byte) *filingv1.File {
	return &filingv1.File{
		Filename: filename, MediaType: policytext.MediaType(data), SizeBytes: int64(len(data)), Sha256: hashOf(data),
	}
}
