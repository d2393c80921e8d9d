package counsel

import (
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/officialdoc"
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

// letterID names the nth letter of an opinion. The name is worked out, not made
// up, so that a call that stopped half-way is completed by the next one with the
// number it had claimed.
func letterID(opinion string, n int) string {
	return fmt.Sprintf("%s/letters/%s-%d", parentCase(opinion), path.Base(opinion), n)
}

// yearRegister is the register of review opinions of a year (FACTS 3.1 DN-06,
// DN-07: the year of signing out).
func yearRegister(region string, year int32) string {
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

// readCode reads a verification code as people type it.
func readCode(typed string) string {
	code := strings.Map(func(r rune) rune {
		if r < 'A' && (r < '0' || r > '9') || r > 'Z' {
			return -1
		}
		return r
	}, strings.ToUpper(width.Fold.String(typed)))
	return strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(code)
}

// readNumber reads a document number as people type it: other brackets stand for
// 〔 and 〕 (FACTS 3.1 DN-02), full-width digits for digits, and what has no width for
// nothing.
func readNumber(typed string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, width.Fold.String(typed))
	return strings.NewReplacer("[", "〔", "]", "〕", "(", "〔", ")", "〕", "【", "〔", "】", "〕", "﹝", "〔", "﹞", "〕").Replace(shown)
}

// issuable checks that an opinion can go out as a numbered letter: the signed
// review opinion that concluded a round, in the hand of somebody who did not
// draft what it is about.
func issuable(c *counselv1.Case, o *counselv1.Opinion, who auth.Caller) error {
	if err := notOwn(c, who); err != nil {
		return err
	}
	if o.GetState() != counselv1.Opinion_SIGNED || o.GetKind() != counselv1.Opinion_REVIEW || !concludedBy(c, o) {
		return refused(codeLetterUnsigned, lawOf(c), "审核意见书应当以已经签署并作为审核结论依据的审核意见制发")
	}
	return nil
}

// addressees are the units that a letter is for: those whose cases an opinion covers,
// or the one of the case.
func addressees(c *counselv1.Case, o *counselv1.Opinion) []string {
	units := []string{c.GetDraftingUnit()}
	for _, cover := range o.GetCovers() {
		if !slices.Contains(units, cover.GetDraftingUnit()) {
			units = append(units, cover.GetDraftingUnit())
		}
	}
	return units
}

// letterTitle is the title of what a letter is about: on merged cases that of the lead
// and how many they are, as the letter itself names them.
func letterTitle(c *counselv1.Case, o *counselv1.Opinion) string {
	if n := len(o.GetCovers()); n > 1 {
		return fmt.Sprintf("%s等%d件", c.GetTitle(), n)
	}
	return c.GetTitle()
}

// newLetter is the letter of an opinion, before it has a number.
func newLetter(name string, c *counselv1.Case, o *counselv1.Opinion, who auth.Caller) *counselv1.Letter {
	return &counselv1.Letter{
		Name: name, Case: c.GetName(), Opinion: o.GetName(), Title: letterTitle(c, o), Addressees: addressees(c, o),
		Issuer: who.Actor(), ContentDigest: o.GetContentDigest(), State: counselv1.Letter_ISSUED,
	}
}

// printed puts number, date and code of a letter on what is written of it.
func printed(p *officialdoc.Letter, l *counselv1.Letter) {
	p.Number, p.Unnumbered = l.GetDocumentNumber(), ""
	note := "核验码：" + l.GetVerificationCode()[:codeLength/2] + "-" + l.GetVerificationCode()[codeLength/2:]
	if p.Annotation != "" {
		note = p.Annotation + "；" + note
	}
	p.Annotation = note
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

// serve shows a letter to its addressees.
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
		From: from.String(), To: l.GetState().String(), Grant: l.GetAddressees(),
		Details: []*corev1.Detail{docstore.Detail("addressees", strings.Join(l.GetAddressees(), " "))},
	}, nil
}

func letterVoid() error { return refused(codeLetterVoid, "", "该文书已作废") }

// acknowledge takes the receipt of an addressee, once each; the letter is received
// when all have given theirs.
func acknowledge(l *counselv1.Letter, who auth.Caller, now time.Time) (docstore.Change, error) {
	from := l.GetState()
	mine := slices.DeleteFunc(slices.Clone(l.GetAddressees()), func(bureau string) bool {
		return who.Bureau == "" || bureau != who.Bureau && !slices.Contains(who.Predecessors, bureau)
	})
	if len(mine) == 0 {
		return docstore.Change{}, rpc.New(codes.PermissionDenied, "NOT_ADDRESSEE", "只有受送达单位可以签收")
	}
	switch from {
	case counselv1.Letter_VOID:
		return docstore.Change{}, letterVoid()
	case counselv1.Letter_ISSUED: // whom another role of theirs shows it
		return docstore.Change{}, refused(codeStateNotAllowed, "", "文书尚未送达，不能签收")
	}
	had := len(l.GetReceipts())
	for _, bureau := range mine {
		if receiptOf(l, bureau) == nil {
			l.Receipts = append(l.Receipts, &counselv1.Receipt{Bureau: bureau, Recipient: who.Actor(), ReceiveTime: timestamppb.New(now)})
		}
	}
	if len(l.GetReceipts()) == had {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if len(l.GetReceipts()) == len(l.GetAddressees()) {
		l.State = counselv1.Letter_RECEIVED
	}
	return docstore.Change{From: from.String(), To: l.GetState().String(), Details: []*corev1.Detail{docstore.Detail("bureaus", strings.Join(mine, " "))}}, nil
}

// receiptOf is the receipt of an addressee; nil when there is none.
func receiptOf(l *counselv1.Letter, bureau string) *counselv1.Receipt {
	for _, r := range l.GetReceipts() {
		if r.GetBureau() == bureau {
			return r
		}
	}
	return nil
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

// tellStates works out what became of numbers from the letters that bear them.
func tellStates(numbers []*corev1.RegisterNumber, letters []*counselv1.Letter) {
	by := map[string]*counselv1.Letter{}
	for _, l := range letters {
		by[l.GetRegisterNumber()] = l
	}
	for _, n := range numbers {
		l := by[n.GetName()]
		switch {
		case l == nil:
			n.State = corev1.RegisterNumber_CLAIMED
		case l.GetState() == counselv1.Letter_VOID:
			n.State, n.VoidReason = corev1.RegisterNumber_VOID, l.GetVoidReason()
		default:
			n.State = corev1.RegisterNumber_ASSIGNED
		}
	}
}
