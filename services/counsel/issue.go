package counsel

import (
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	codeLetterUnsigned = "LETTER_UNSIGNED"
	codeLetterIssued   = "LETTER_ISSUED"
	codeLetterVoid     = "LETTER_VOID"

	// maxLetters bounds how often the letter of an opinion is made void and anew.
	maxLetters = 20
	// codeLength is that of a verification code: 10 letters of 32, so that guessing
	// through a limited door does not end.
	codeLength = 10
	// codeAlphabet has no letters that are taken for others (Crockford).
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// letterName names the nth letter of an opinion. The name is worked out, not
// made up, so that a call that stopped half-way is completed by the next one with
// the number it had claimed.
func letterName(opinion string, n int) string {
	return fmt.Sprintf("%s/letters/%s-%d", parentCase(opinion), path.Base(opinion), n)
}

// registerName is the register of review opinions of a year (FACTS 3.1 DN-06,
// DN-07: the year of signing out).
func registerName(region string, year int32) string {
	return fmt.Sprintf("%s/registers/review-opinion-%d", region, year)
}

// newCode makes a verification code.
func newCode() string {
	b := make([]byte, codeLength)
	rand.Read(b) // never fails: crypto/rand ends the process first
	for i := range b {
		b[i] = codeAlphabet[b[i]%byte(len(codeAlphabet))]
	}
	return string(b)
}

// issuable checks that an opinion can go out as a numbered letter: the signed
// review opinion that concluded a round, in the hand of somebody who did not
// draft what it is about.
func issuable(c *counselv1.Case, o *counselv1.Opinion, who auth.Caller) error {
	if err := notOwn(c, who); err != nil {
		return err
	}
	concludes := slices.ContainsFunc(c.GetRounds(), func(r *counselv1.Round) bool { return r.GetOpinion() == o.GetName() })
	if o.GetState() != counselv1.Opinion_SIGNED || o.GetKind() != counselv1.Opinion_REVIEW || !concludes {
		return refused(codeLetterUnsigned, law115, "审核意见书应当以已经签署并作为审核结论依据的审核意见制发")
	}
	return nil
}

// newLetter is the letter of an opinion under its number, before its files are
// written.
func newLetter(name string, c *counselv1.Case, o *counselv1.Opinion, who auth.Caller) *counselv1.Letter {
	return &counselv1.Letter{
		Name: name, Case: c.GetName(), Opinion: o.GetName(), Title: c.GetTitle(), Addressee: c.GetDraftingUnit(),
		Issuer: who.Actor(), ContentDigest: o.GetContentDigest(), VerificationCode: newCode(), State: counselv1.Letter_ISSUED,
	}
}

// numbered puts the number on a letter.
func numbered(l *counselv1.Letter, n *corev1.RegisterNumber) {
	l.RegisterNumber, l.DocumentNumber, l.IssueDate = n.GetName(), n.GetText(), n.GetClaimDate()
}

// letterViewers see the letters of a region before they are served, and the
// register.
func letterViewers(region string) []string {
	return []string{
		auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER),
		auth.RoleViewer(region, corev1.Role_ROLE_GENERAL_OFFICE),
	}
}

// issued describes the creation of a letter for the journal.
func issued(l *counselv1.Letter) docstore.Change {
	return docstore.Change{
		To: l.GetState().String(), Grant: letterViewers(regionOf(l.GetName())),
		Details: []*corev1.Detail{
			docstore.Detail("document_number", l.GetDocumentNumber()), docstore.Detail("content_digest", l.GetContentDigest()),
			docstore.Detail("docx_sha256", l.GetDocxSha256()), docstore.Detail("pdf_sha256", l.GetPdfSha256()),
		},
	}
}

// issuedAlready is the answer to a second letter for an opinion.
func issuedAlready(l *counselv1.Letter) error {
	return rpc.New(codes.AlreadyExists, codeLetterIssued, "该审核意见已经制发文书并编号："+l.GetDocumentNumber(), "letter", l.GetName())
}

// serve shows a letter to its addressee.
func serve(l *counselv1.Letter, who auth.Caller, now time.Time) (docstore.Change, error) {
	from := l.GetState()
	switch from {
	case counselv1.Letter_ISSUED:
	case counselv1.Letter_VOID:
		return docstore.Change{}, letterVoid()
	default:
		return docstore.Change{}, docstore.ErrUnchanged
	}
	l.State, l.Server, l.ServeTime = counselv1.Letter_SERVED, who.Actor(), timestamppb.New(now)
	return docstore.Change{
		From: from.String(), To: l.GetState().String(), Grant: []string{l.GetAddressee()},
		Details: []*corev1.Detail{docstore.Detail("addressee", l.GetAddressee())},
	}, nil
}

func letterVoid() error { return refused(codeLetterVoid, "", "该文书已作废") }

// receive takes the addressee's receipt, once.
func receive(l *counselv1.Letter, who auth.Caller, now time.Time) (docstore.Change, error) {
	from := l.GetState()
	if who.Bureau == "" || who.Bureau != l.GetAddressee() && !slices.Contains(who.Predecessors, l.GetAddressee()) {
		return docstore.Change{}, rpc.New(codes.PermissionDenied, "NOT_ADDRESSEE", "只有受送达单位可以签收")
	}
	switch from {
	case counselv1.Letter_SERVED:
	case counselv1.Letter_VOID:
		return docstore.Change{}, letterVoid()
	default:
		return docstore.Change{}, docstore.ErrUnchanged
	}
	l.State, l.Recipient, l.ReceiveTime = counselv1.Letter_RECEIVED, who.Actor(), timestamppb.New(now)
	return docstore.Change{From: from.String(), To: l.GetState().String()}, nil
}

// void ends a letter: it stays, and so does its number. Whoever saw it goes on
// seeing that it is void.
func void(l *counselv1.Letter, reason string, who auth.Caller, now time.Time) (docstore.Change, error) {
	from := l.GetState()
	if from == counselv1.Letter_VOID {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	l.State, l.VoidReason, l.VoidAuthor, l.VoidTime = counselv1.Letter_VOID, reason, who.Actor(), timestamppb.New(now)
	return docstore.Change{From: from.String(), To: l.GetState().String(), Details: []*corev1.Detail{docstore.Detail("reason", reason)}}, nil
}
