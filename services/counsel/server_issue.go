package counsel

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/officialdoc"
	"fashen/internal/register"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreateLetter implements LetterService. The letter is written once without its
// number, to see that it can be; then the number is claimed in the letter's name,
// and the letter made, with its files, in one write. Wherever that breaks off, the
// next call finds the number and goes on.
func (s letters) CreateLetter(ctx context.Context, in *counselv1.CreateLetterRequest) (*counselv1.Letter, error) {
	opinion := in.GetLetter().GetOpinion()
	if _, ok := resource.Match(opinionName, opinion); !ok || parentCase(opinion) != in.GetParent() {
		return nil, rpc.Field("letter.opinion", "OPINION_OF_ANOTHER_CASE", "审核意见应当属于本案")
	}
	o, err := s.visibleOpinion(ctx, opinion)
	if err != nil {
		return nil, err
	}
	// A refusal stands in the journal of the case.
	c, err := s.change(docstore.WithStep(ctx, "issuable"), in.GetParent(), "", func(c *counselv1.Case, who auth.Caller) (docstore.Change, error) {
		return docstore.Change{}, cmp.Or(issuable(c, o, who), docstore.ErrUnchanged)
	})
	if err != nil {
		return nil, err
	}
	who, _ := auth.CallerFrom(ctx)
	l, made, err := s.unissued(ctx, c, o, who)
	if err != nil || made {
		return l, err
	}
	today := s.today()
	t, _, err := s.draw(ctx, c, o, l, today)
	if err != nil {
		return nil, err
	}
	if err := s.number(ctx, t, l, today); err != nil {
		return nil, err
	}
	return s.issue(ctx, c, o, l)
}

// unissued is the letter that an opinion is to have: its first, or the one after
// those that are void. The request that made one of them is answered with that one.
func (s letters) unissued(ctx context.Context, c *counselv1.Case, o *counselv1.Opinion, who auth.Caller) (l *counselv1.Letter, made bool, err error) {
	for n := 1; n <= maxLetters; n++ {
		l := newLetter(letterID(o.GetName(), n), c, o, who)
		there, _, err := s.issued.Get(ctx, l.GetName())
		if errors.Is(err, docstore.ErrNotFound) {
			return l, false, nil
		}
		if err != nil {
			return nil, false, rpc.FromStore(err, l.GetName())
		}
		replayed, _, err := s.issued.Create(ctx, l, issued(l)) // the name is taken
		switch {
		case err == nil:
			return replayed, true, nil
		case !errors.Is(err, docstore.ErrAlreadyExists):
			return nil, false, rpc.FromStore(err, l.GetName())
		case there.GetState() != counselv1.Letter_VOID:
			return nil, false, issuedAlready(there)
		}
	}
	return nil, false, rpc.New(codes.FailedPrecondition, "LETTER_VOID_TOO_OFTEN", fmt.Sprintf("同一审核意见的文书最多制发%d次", maxLetters))
}

// draw writes a letter of a day, with the region's template of that day. One that
// has no number yet is written to see that it can be.
func (s letters) draw(ctx context.Context, c *counselv1.Case, o *counselv1.Opinion, l *counselv1.Letter, on calendar.Date) (officialdoc.Template, [2][]byte, error) {
	var files [2][]byte
	t, unit, err := s.parties(ctx, c, o, on)
	if err != nil {
		return t, files, err
	}
	if t.AgencyCode == "" {
		return t, files, rpc.New(codes.FailedPrecondition, "AGENCY_CODE_MISSING",
			"本区参数没有设定机关代字（letter_template.agency_code），不能编号", "field", "letter_template.agency_code")
	}
	p, err := opinionLetter(t, c, o, unit, on)
	if err != nil {
		return t, files, unwritten(err)
	}
	p.Date, l.IssuingBody = on, p.Issuer
	if l.GetDocumentNumber() == "" {
		trial := &counselv1.Letter{DocumentNumber: t.Number(on.Year, 1), VerificationCode: newCode()}
		printed(&p, trial)
	} else {
		printed(&p, l)
	}
	if files[0], err = p.DOCX(); err == nil {
		files[1], err = s.pdf(p)
	}
	if err != nil {
		return t, files, unwritten(err)
	}
	return t, files, nil
}

// number gives a letter its number: the one it has already, or the next.
func (s letters) number(ctx context.Context, t officialdoc.Template, l *counselv1.Letter, today calendar.Date) error {
	region := regionOf(l.GetName())
	n, err := s.register.Claim(ctx, register.Claim{
		Register: yearRegister(region, int32(today.Year)), Subject: l.GetName(), Date: today, Viewers: letterViewers(region),
		Text: func(n int64) string { return t.Number(today.Year, int(n)) },
	})
	switch {
	case errors.Is(err, register.ErrBusy):
		return rpc.New(codes.Unavailable, "REGISTER_BUSY", "同时编号的人过多，请稍后重试")
	case err != nil:
		return rpc.FromStore(err, l.GetName())
	}
	l.RegisterNumber, l.DocumentNumber, l.IssueDate, l.VerificationCode = n.GetName(), n.GetText(), n.GetClaimDate(), newCode()
	return nil
}

// issue makes a letter that has its number. Files of a call that stopped before the
// last write belong to nobody: their code is nowhere but in them.
func (s letters) issue(ctx context.Context, c *counselv1.Case, o *counselv1.Opinion, l *counselv1.Letter) (*counselv1.Letter, error) {
	on, err := calendar.FromProto(l.GetIssueDate())
	if err != nil {
		return nil, err
	}
	_, files, err := s.draw(ctx, c, o, l, on)
	if err != nil {
		return nil, err
	}
	for i, digest := range []*string{&l.DocxSha256, &l.PdfSha256} {
		sum := sha256.Sum256(files[i])
		*digest = hex.EncodeToString(sum[:])
		if err := s.blobs.Put(ctx, *digest, int64(len(files[i])), bytes.NewReader(files[i])); err != nil {
			return nil, rpc.FromStore(err, l.GetName())
		}
	}
	made, _, err := s.issued.Create(ctx, l, issued(l))
	if errors.Is(err, docstore.ErrAlreadyExists) { // another call was faster
		if made, _, err = s.issued.Get(ctx, l.GetName()); err == nil {
			return nil, issuedAlready(made)
		}
	}
	return made, rpc.FromStore(err, l.GetName())
}

// visibleLetter reads a letter the caller may see.
func (s letters) visibleLetter(ctx context.Context, name string) (*counselv1.Letter, error) {
	return rpc.Read(ctx, s.issued, letterName, name)
}

// GetLetter implements LetterService.
func (s letters) GetLetter(ctx context.Context, in *counselv1.GetLetterRequest) (*counselv1.Letter, error) {
	return s.visibleLetter(ctx, in.GetName())
}

// ListLetters implements LetterService.
func (s letters) ListLetters(ctx context.Context, in *counselv1.ListLettersRequest) (*counselv1.ListLettersResponse, error) {
	who, all, err := listed(ctx, caseName, in.GetParent())
	if err != nil {
		return nil, err
	}
	q := docstore.Query{OrderBy: docstore.FieldCreateTime, Descending: true}
	if !all {
		q.Equal = map[string]any{"case": in.GetParent()}
	}
	letters, next, err := rpc.List(ctx, s.issued, q, who, in)
	return &counselv1.ListLettersResponse{Letters: letters, NextPageToken: next}, err
}

// DownloadLetter implements LetterService.
func (s letters) DownloadLetter(in *counselv1.DownloadLetterRequest, stream fileStream) error {
	ctx := stream.Context()
	l, err := s.visibleLetter(ctx, in.GetName())
	if err != nil {
		return err
	}
	digest, suffix, mediaType := l.GetDocxSha256(), ".docx", officialdoc.MediaTypeDOCX
	if in.GetFormat() == counselv1.LetterFormat_PDF {
		digest, suffix, mediaType = l.GetPdfSha256(), ".pdf", officialdoc.MediaTypePDF
	}
	c, _, err := s.cases.Get(ctx, l.GetCase())
	if err != nil {
		return rpc.FromStore(err, in.GetName())
	}
	r, _, err := s.blobs.Open(ctx, digest)
	if err != nil {
		return rpc.FromStore(err, in.GetName())
	}
	defer r.Close()
	return rpc.SendFile(stream, l.GetDocumentNumber()+letterSubject(c).Title()+suffix, mediaType, r)
}

// changeLetter updates a letter the caller may see, by one rule.
func (s letters) changeLetter(ctx context.Context, name, etag string, rule func(l *counselv1.Letter, who auth.Caller) (docstore.Change, error)) (*counselv1.Letter, error) {
	return rpc.Change(ctx, s.issued, letterName, name, etag, rule)
}

// ServeLetter implements LetterService.
func (s letters) ServeLetter(ctx context.Context, in *counselv1.ServeLetterRequest) (*counselv1.Letter, error) {
	return s.changeLetter(ctx, in.GetName(), in.GetEtag(), func(l *counselv1.Letter, who auth.Caller) (docstore.Change, error) {
		return serve(l, who, s.time())
	})
}

// AcknowledgeLetter implements LetterService.
func (s letters) AcknowledgeLetter(ctx context.Context, in *counselv1.AcknowledgeLetterRequest) (*counselv1.Letter, error) {
	return s.changeLetter(ctx, in.GetName(), in.GetEtag(), func(l *counselv1.Letter, who auth.Caller) (docstore.Change, error) {
		return acknowledge(l, who, s.time())
	})
}

// VoidLetter implements LetterService.
func (s letters) VoidLetter(ctx context.Context, in *counselv1.VoidLetterRequest) (*counselv1.Letter, error) {
	return s.changeLetter(ctx, in.GetName(), in.GetEtag(), func(l *counselv1.Letter, who auth.Caller) (docstore.Change, error) {
		return void(l, in.GetReason(), who, s.time())
	})
}

// ListRegisterNumbers implements LetterService.
func (s letters) ListRegisterNumbers(ctx context.Context, in *counselv1.ListRegisterNumbersRequest) (*counselv1.ListRegisterNumbersResponse, error) {
	who, err := rpc.Named(ctx, registerName, in.GetParent())
	if err != nil {
		return nil, err
	}
	numbers, next, err := s.register.List(ctx, in.GetParent(), who.Viewers(), int(in.GetPageSize()), in.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	var names []string
	for _, n := range numbers {
		names = append(names, n.GetName())
	}
	q := docstore.Query{AnyOf: &docstore.AnyOf{Field: "register_number", Values: names}, PageSize: 1000}
	var bearing []*counselv1.Letter
	for {
		page, err := s.issued.List(ctx, q)
		if err != nil {
			return nil, rpc.FromStore(err, "")
		}
		bearing = append(bearing, page.Items...)
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			break
		}
	}
	tellStates(numbers, bearing)
	return &counselv1.ListRegisterNumbersResponse{RegisterNumbers: numbers, NextPageToken: next}, nil
}

// VerifyLetter implements LetterService. What the letter says, its holder knows; who
// received it is nobody else's business.
func (s letters) VerifyLetter(ctx context.Context, in *counselv1.VerifyLetterRequest) (*counselv1.VerifyLetterResponse, error) {
	page, err := s.issued.List(ctx, docstore.Query{
		Equal:    map[string]any{"document_number": readNumber(in.GetDocumentNumber()), "verification_code": readCode(in.GetVerificationCode())},
		PageSize: 1,
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	if len(page.Items) == 0 {
		return nil, rpc.New(codes.NotFound, "LETTER_NOT_FOUND", "没有查到与该发文字号和核验码相符的文书")
	}
	l := page.Items[0]
	c, _, err := s.cases.Get(ctx, l.GetCase())
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &counselv1.VerifyLetterResponse{
		Kind:           letterSubject(c).Title(),
		DocumentNumber: l.GetDocumentNumber(), Title: l.GetTitle(), IssuingBody: l.GetIssuingBody(), IssueDate: l.GetIssueDate(),
		State: l.GetState(), DocxSha256: l.GetDocxSha256(), PdfSha256: l.GetPdfSha256(),
	}, nil
}
