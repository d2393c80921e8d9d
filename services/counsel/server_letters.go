package counsel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/officialdoc"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

const profileName = "regions/{region}/jurisdictionProfiles/{jurisdiction_profile}"

// letters implements LetterService over the cases and opinions of the service.
type letters struct {
	counselv1.UnimplementedLetterServiceServer

	*Server
}

type fileStream = grpc.ServerStreamingServer[httpbody.HttpBody]

// DownloadOpinion implements LetterService.
func (s letters) DownloadOpinion(in *counselv1.DownloadOpinionRequest, stream fileStream) error {
	ctx := stream.Context()
	o, err := s.visibleOpinion(ctx, in.GetName())
	if err != nil {
		return err
	}
	c, _, _, err := s.visibleCase(ctx, parentCase(in.GetName()))
	if err != nil {
		return err
	}
	t, unit, err := s.parties(ctx, c, o, s.today())
	if err != nil {
		return err
	}
	l, err := opinionLetter(t, c, o, unit, s.today())
	return s.sendLetter(stream, l, err, in.GetFormat())
}

// DownloadNotice implements LetterService.
func (s letters) DownloadNotice(in *counselv1.DownloadNoticeRequest, stream fileStream) error {
	ctx := stream.Context()
	c, _, _, err := s.visibleCase(ctx, in.GetName())
	if err != nil {
		return err
	}
	t, unit, err := s.parties(ctx, c, nil, s.today())
	if err != nil {
		return err
	}
	l, err := noticeLetter(t, c, in.GetKind(), in.GetRound(), unit)
	return s.sendLetter(stream, l, err, in.GetFormat())
}

// PreviewLetter implements LetterService.
func (s letters) PreviewLetter(in *counselv1.PreviewLetterRequest, stream fileStream) error {
	ctx := stream.Context()
	if _, err := rpc.Named(ctx, profileName, in.GetName()); err != nil {
		return err
	}
	p, err := s.directory.GetJurisdictionProfile(ctx, &directoryv1.GetJurisdictionProfileRequest{Name: in.GetName()})
	if err != nil {
		return err
	}
	t, err := s.template(ctx, p)
	if err != nil {
		return err
	}
	l, err := t.Specimen(letterKinds[in.GetKind()], s.today())
	return s.sendLetter(stream, l, err, in.GetFormat())
}

// parties are the template of a case's region on a day and the names of whom a letter
// is for, which is about an opinion or none.
func (s letters) parties(ctx context.Context, c *counselv1.Case, o *counselv1.Opinion, on calendar.Date) (t officialdoc.Template, units string, err error) {
	p, err := s.directory.ResolveJurisdictionProfile(ctx, &directoryv1.ResolveJurisdictionProfileRequest{Parent: regionOf(c.GetName()), Date: on.Proto()})
	if err != nil {
		return t, "", err
	}
	if t, err = s.template(ctx, p); err != nil {
		return t, "", err
	}
	var names []string
	for _, name := range addressees(c, o) {
		bureau, err := s.directory.GetBureau(ctx, &directoryv1.GetBureauRequest{Name: name})
		if err != nil {
			return t, "", err
		}
		names = append(names, bureau.GetDisplayName())
	}
	return t, strings.Join(names, "、"), nil
}

// template is that of a version of a region's profile.
func (s letters) template(ctx context.Context, p *directoryv1.JurisdictionProfile) (officialdoc.Template, error) {
	if p.GetLetterTemplate().GetIssuer() != "" {
		return officialdoc.TemplateOf(p.GetLetterTemplate(), ""), nil
	}
	region, err := s.directory.GetRegion(ctx, &directoryv1.GetRegionRequest{Name: resource.Region(p.GetName())})
	if err != nil {
		return officialdoc.Template{}, err
	}
	return officialdoc.TemplateOf(p.GetLetterTemplate(), region.GetDisplayName()+"司法局"), nil
}

// sendLetter sends a letter unless it could not be written.
func (s letters) sendLetter(stream fileStream, l officialdoc.Letter, err error, format counselv1.LetterFormat) error {
	if err != nil {
		return unwritten(err)
	}
	var data []byte
	suffix, mediaType := ".docx", officialdoc.MediaTypeDOCX
	if format == counselv1.LetterFormat_PDF {
		suffix, mediaType = ".pdf", officialdoc.MediaTypePDF
		data, err = s.pdf(l)
	} else {
		data, err = l.DOCX()
	}
	if err != nil {
		return unwritten(err)
	}
	return rpc.SendFile(stream, l.Title+suffix, mediaType, bytes.NewReader(data))
}

func (s letters) pdf(l officialdoc.Letter) ([]byte, error) {
	faces, err := s.fonts.Typefaces()
	if err != nil {
		return nil, err
	}
	return l.PDF(faces)
}

// unwritten tells people why there is no letter: fonts are the operator's to mend,
// what the letter says that of who wrote the case.
func unwritten(err error) error {
	var bad *officialdoc.Error
	switch {
	case !errors.As(err, &bad):
		return rpc.FromStore(err, "")
	case bad.Field == "fonts":
		return rpc.New(codes.FailedPrecondition, "FONTS_MISSING", bad.Message)
	}
	return rpc.New(codes.FailedPrecondition, codeLetterUnavailable, bad.Message, "field", bad.Field)
}

// AnnotateOpinion implements LetterService. What of the draft the caller may see the
// service that holds it decides.
func (s letters) AnnotateOpinion(in *counselv1.AnnotateOpinionRequest, stream fileStream) error {
	ctx := stream.Context()
	o, err := s.visibleOpinion(ctx, in.GetName())
	if err != nil {
		return err
	}
	c, _, _, err := s.visibleCase(ctx, parentCase(in.GetName()))
	if err != nil {
		return err
	}
	text, err := s.textOf(ctx, o.GetRevision())
	if err != nil {
		return err
	}
	found, err := s.findingComments(ctx, o.GetRevision())
	if err != nil {
		return err
	}
	author, err := s.directory.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: o.GetAuthor()})
	if err != nil {
		return err
	}
	at := o.GetUpdateTime()
	if o.GetState() == counselv1.Opinion_SIGNED {
		at = o.GetSignTime()
	}
	comments := append(itemComments(o, c.GetName(), author.GetDisplayName(), calendar.WallClock(at.AsTime())), found...)
	data, err := officialdoc.Annotate(text, comments)
	if err != nil {
		return fmt.Errorf("annotate the draft: %w", err)
	}
	return rpc.SendFile(stream, c.GetTitle()+"（意见批注）.docx", officialdoc.MediaTypeDOCX, bytes.NewReader(data))
}

// findingComments are the findings of a draft, none where the caller's role does not
// see them or no rules were run.
func (s letters) findingComments(ctx context.Context, draft string) ([]officialdoc.Comment, error) {
	if ofMatter(draft) {
		return nil, nil
	}
	revision, err := s.filing.GetRevision(ctx, &filingv1.GetRevisionRequest{Name: draft})
	if err != nil {
		return nil, err
	}
	var findings []*corev1.Finding
	for token := ""; ; {
		page, err := s.filing.ListFindings(ctx, &filingv1.ListFindingsRequest{Parent: draft, PageSize: 1000, PageToken: token})
		if status.Code(err) == codes.PermissionDenied {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		findings = append(findings, page.GetFindings()...)
		if token = page.GetNextPageToken(); token == "" {
			return officialdoc.FindingComments(findings, "fashen", calendar.WallClock(revision.GetUploadTime().AsTime())), nil
		}
	}
}
