package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
)

// register2026 has the numbers of the letters of 2026.
const register2026 = region + "/registers/review-opinion-2026"

// letter calls a method that answers a letter.
func (w *world) letter(t *testing.T, login, method string, in proto.Message) *counselv1.Letter {
	t.Helper()
	out := &counselv1.Letter{}
	w.must(t, login, letterService+method, in, out)
	return out
}

// concluded is a case whose review is concluded, and the opinion on which it rests.
func (w *world) concluded(t *testing.T) (name, opinion string) {
	t.Helper()
	_, c := w.accepted(t, w.prepared(t, false))
	c = w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
	return c.GetName(), c.GetRounds()[0].GetOpinion()
}

func letterFor(opinion string) *counselv1.CreateLetterRequest {
	parent, _, _ := strings.Cut(opinion, "/opinions/")
	return &counselv1.CreateLetterRequest{Parent: parent, Letter: &counselv1.Letter{Opinion: opinion}}
}

// numbers are the numbers of the register of 2026, by small pages.
func (w *world) numbers(t *testing.T) (all []*corev1.RegisterNumber) {
	t.Helper()
	in := &counselv1.ListRegisterNumbersRequest{Parent: register2026, PageSize: 20}
	for {
		page := &counselv1.ListRegisterNumbersResponse{}
		w.must(t, "office", letterService+"ListRegisterNumbers", in, page)
		all = append(all, page.GetRegisterNumbers()...)
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			return all
		}
	}
}

// letters are those of the region that a persona sees.
func (w *world) letters(t *testing.T, login string) (all []*counselv1.Letter) {
	t.Helper()
	in := &counselv1.ListLettersRequest{Parent: region + "/cases/-", PageSize: 20}
	for {
		page := &counselv1.ListLettersResponse{}
		w.must(t, login, letterService+"ListLetters", in, page)
		all = append(all, page.GetLetters()...)
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			return all
		}
	}
}

// gapFree holds the register against the letters: numbers from 1 without a gap, each
// of one letter, which bears it.
func (w *world) gapFree(t *testing.T, want int) []*corev1.RegisterNumber {
	t.Helper()
	letters := map[string]*counselv1.Letter{}
	for _, l := range w.letters(t, "reviewer") {
		letters[l.GetName()] = l
	}
	numbers := w.numbers(t)
	if len(numbers) != want || len(letters) != want {
		t.Errorf("%d numbers and %d letters, want %d", len(numbers), len(letters), want)
	}
	for i, n := range numbers {
		l := letters[n.GetSubject()]
		if n.GetNumber() != int64(i+1) || n.GetText() != fmt.Sprintf("示例法审〔2026〕%d号", i+1) {
			t.Errorf("line %d of the register: %v", i+1, n)
		}
		if l.GetRegisterNumber() != n.GetName() || l.GetDocumentNumber() != n.GetText() || iso(l.GetIssueDate()) != iso(n.GetClaimDate()) {
			t.Errorf("number %v of letter %v", n, l)
		}
		if want := l.GetState() == counselv1.Letter_VOID; want != (n.GetState() == corev1.RegisterNumber_VOID) || n.GetState() == corev1.RegisterNumber_CLAIMED {
			t.Errorf("number %d is %v, its letter %v", i+1, n.GetState(), l.GetState())
		}
	}
	return numbers
}

// A signed opinion goes out under a number, is served, received, verified by anyone,
// void, and goes out anew.
func TestLetterLife(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		parent, opinion := w.concluded(t)
		in := letterFor(opinion)
		in.RequestId = "letter one"
		l := w.letter(t, "reviewer", "CreateLetter", in)
		if l.GetDocumentNumber() != "示例法审〔2026〕1号" || iso(l.GetIssueDate()) != "2026-04-08" || l.GetState() != counselv1.Letter_ISSUED ||
			l.GetName() != parent+"/letters/"+path.Base(opinion)+"-1" || l.GetIssuer() != w.people["reviewer"] || len(l.GetAddressees()) != 1 || l.GetAddressees()[0] != w.bureau[labour] {
			t.Errorf("issued: %v", l)
		}
		// Whoever asks again.
		w.clock.day(t, "2026-04-09")
		if again := w.letter(t, "reviewer", "CreateLetter", in); again.GetName() != l.GetName() || again.GetEtag() != l.GetEtag() {
			t.Errorf("the same request again: %v", again)
		}
		if f := w.try(t, "reviewer2", letterService+"CreateLetter", letterFor(opinion), &counselv1.Letter{}); f == nil || f.code != codes.AlreadyExists || f.reason != "LETTER_ISSUED" || f.metadata["letter"] != l.GetName() {
			t.Errorf("a second letter: %v", f)
		}
		files := w.issuedFiles(t, "reviewer", l)
		w.served(t, l)
		// The template changes; a letter that was issued does not.
		w.profile(t, "2026-04-01", func(p *directoryv1.JurisdictionProfile) {
			p.LetterTemplate = &directoryv1.LetterTemplate{AgencyCode: "示例法审", Issuer: "示例新局"}
		})
		for format, data := range w.issuedFiles(t, "drafter", l) {
			if !bytes.Equal(data, files[format]) {
				t.Errorf("%v differs from what was issued", format)
			}
		}
		w.verifies(t, l, counselv1.Letter_RECEIVED)
		w.voided(t, l, opinion)
	}, withFonts(t))
}

// issuedFiles are both files of a letter, which say what they have to.
func (w *world) issuedFiles(t *testing.T, login string, l *counselv1.Letter) map[counselv1.LetterFormat][]byte {
	t.Helper()
	files := map[counselv1.LetterFormat][]byte{}
	for format, digest := range map[counselv1.LetterFormat]string{counselv1.LetterFormat_DOCX: l.GetDocxSha256(), counselv1.LetterFormat_PDF: l.GetPdfSha256()} {
		data := w.mustMake(t, login, letterService+"DownloadLetter", &counselv1.DownloadLetterRequest{Name: l.GetName(), Format: format},
			l.GetDocumentNumber()+"法制审核意见书."+strings.ToLower(format.String()))
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) != digest {
			t.Errorf("%v is not what its digest says", format)
		}
		code := l.GetVerificationCode()
		says(t, data, l.GetDocumentNumber(), "法制审核意见书", "河北区人力资源和社会保障局（示例）：", l.GetIssuingBody(), "2026年4月8日", "核验码："+code[:5]+"-"+code[5:])
		files[format] = data
	}
	return files
}

// served serves a letter; its addressee sees it from then on and receives it.
func (w *world) served(t *testing.T, l *counselv1.Letter) {
	t.Helper()
	get := &counselv1.GetLetterRequest{Name: l.GetName()}
	if f := w.try(t, "drafter", letterService+"GetLetter", get, &counselv1.Letter{}); f == nil || f.code != codes.NotFound {
		t.Errorf("for the addressee before it is served: %v", f)
	}
	if n := len(w.letters(t, "drafter")); n != 0 {
		t.Errorf("the addressee lists %d letters before any is served", n)
	}
	if f := w.try(t, "drafter", letterService+"AcknowledgeLetter", &counselv1.AcknowledgeLetterRequest{Name: l.GetName()}, &counselv1.Letter{}); f == nil || f.code != codes.NotFound {
		t.Errorf("received before it is served: %v", f)
	}
	if f := w.try(t, "reviewer", letterService+"ServeLetter", &counselv1.ServeLetterRequest{Name: l.GetName(), Etag: "stale"}, &counselv1.Letter{}); f == nil || f.code != codes.Aborted {
		t.Errorf("a stale etag: %v", f)
	}
	w.pending(t, "not served", "drafter", "counsel", "DELIBERATE")
	serve := &counselv1.ServeLetterRequest{Name: l.GetName(), RequestId: "serve"}
	s := w.letter(t, "reviewer2", "ServeLetter", serve)
	if s.GetState() != counselv1.Letter_SERVED || s.GetServer() != w.people["reviewer2"] || s.GetServeTime() == nil {
		t.Errorf("served: %v", s)
	}
	w.pending(t, "served", "drafter", "counsel", "DELIBERATE", "ACKNOWLEDGE_LETTER")
	if f := w.try(t, "drafter2", letterService+"GetLetter", get, &counselv1.Letter{}); f == nil || f.code != codes.NotFound {
		t.Errorf("for another bureau: %v", f)
	}
	for range 2 {
		r := w.letter(t, "drafter", "AcknowledgeLetter", &counselv1.AcknowledgeLetterRequest{Name: l.GetName()})
		if r.GetState() != counselv1.Letter_RECEIVED || len(r.GetReceipts()) != 1 || r.GetReceipts()[0].GetBureau() != w.bureau[labour] || r.GetReceipts()[0].GetRecipient() != w.people["drafter"] {
			t.Errorf("received: %v", r)
		}
	}
	if again := w.letter(t, "reviewer", "ServeLetter", &counselv1.ServeLetterRequest{Name: l.GetName()}); again.GetState() != counselv1.Letter_RECEIVED || again.GetServer() != w.people["reviewer2"] {
		t.Errorf("served again: %v", again)
	}
	w.pending(t, "received", "drafter", "counsel", "DELIBERATE")
	w.done(t, "drafter", "counsel", "ACKNOWLEDGE_LETTER by drafter")
}

// verifies checks a letter without a sign-in: as an RPC, and on the page.
func (w *world) verifies(t *testing.T, l *counselv1.Letter, state counselv1.Letter_State) {
	t.Helper()
	ask := func(number, code string) (*counselv1.VerifyLetterResponse, *failure) {
		out := &counselv1.VerifyLetterResponse{}
		return out, w.call(t.Context(), "", letterService+"VerifyLetter", &counselv1.VerifyLetterRequest{DocumentNumber: number, VerificationCode: code}, out)
	}
	number, code := l.GetDocumentNumber(), l.GetVerificationCode()
	typed := strings.NewReplacer("〔", "[", "〕", "]").Replace(number)
	for _, as := range [][2]string{{number, code}, {typed, strings.ToLower(code[:5]) + " - " + code[5:]}} {
		v, f := ask(as[0], as[1])
		if f != nil || v.GetDocumentNumber() != number || v.GetState() != state || v.GetKind() != "法制审核意见书" || v.GetTitle() != l.GetTitle() || v.GetIssuingBody() != l.GetIssuingBody() ||
			iso(v.GetIssueDate()) != iso(l.GetIssueDate()) || v.GetDocxSha256() != l.GetDocxSha256() || v.GetPdfSha256() != l.GetPdfSha256() {
			t.Errorf("verified as %q: %v, %v", as, v, f)
		}
	}
	_, wrongCode := ask(number, "0000000000")
	_, wrongNumber := ask("示例法审〔2026〕999999号", code)
	_, both := ask("x", "y")
	for _, f := range []*failure{wrongCode, wrongNumber, both} {
		if f == nil || f.code != codes.NotFound || f.message != wrongCode.message || fmt.Sprint(f.metadata) != fmt.Sprint(wrongCode.metadata) {
			t.Errorf("what is not there: %v, and %v", f, wrongCode)
		}
	}
	res, err := http.PostForm("http://"+w.app.HTTPAddr+"/verify", url.Values{"number": {number}, "code": {code}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page bytes.Buffer
	_, _ = page.ReadFrom(res.Body)
	want := "该文书有效"
	if state == counselv1.Letter_VOID {
		want = "该文书已作废"
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(page.String(), want) || !strings.Contains(page.String(), l.GetPdfSha256()) {
		t.Errorf("the page: %d\n%s", res.StatusCode, &page)
	}
}

// voided makes a letter void and issues the next.
func (w *world) voided(t *testing.T, l *counselv1.Letter, opinion string) {
	t.Helper()
	if f := w.try(t, "reviewer", letterService+"VoidLetter", &counselv1.VoidLetterRequest{Name: l.GetName()}, &counselv1.Letter{}); f == nil || f.code != codes.InvalidArgument || f.fields[0] != "reason" {
		t.Errorf("without a reason: %v", f)
	}
	for range 2 {
		v := w.letter(t, "reviewer", "VoidLetter", &counselv1.VoidLetterRequest{Name: l.GetName(), Reason: "示例：印错"})
		if v.GetState() != counselv1.Letter_VOID || v.GetVoidReason() != "示例：印错" || v.GetVoidAuthor() != w.people["reviewer"] {
			t.Errorf("void: %v", v)
		}
	}
	w.verifies(t, l, counselv1.Letter_VOID)
	if f := w.try(t, "reviewer", letterService+"ServeLetter", &counselv1.ServeLetterRequest{Name: l.GetName()}, &counselv1.Letter{}); f == nil || len(f.refusals) != 1 || f.refusals[0] != "LETTER_VOID" {
		t.Errorf("served when void: %v", f)
	}
	first := letterFor(opinion)
	first.RequestId = "letter one"
	if again := w.letter(t, "reviewer", "CreateLetter", first); again.GetName() != l.GetName() {
		t.Errorf("the request that made the void letter: %v", again)
	}
	second := letterFor(opinion)
	second.RequestId = "letter two"
	for range 2 {
		next := w.letter(t, "reviewer2", "CreateLetter", second)
		if next.GetDocumentNumber() != "示例法审〔2026〕2号" || !strings.HasSuffix(next.GetName(), "-2") || next.GetIssuingBody() != "示例新局" || next.GetVerificationCode() == l.GetVerificationCode() {
			t.Errorf("anew: %v", next)
		}
	}
	numbers := w.gapFree(t, 2)
	if len(numbers) == 2 && (numbers[0].GetState() != corev1.RegisterNumber_VOID || numbers[0].GetVoidReason() != "示例：印错") {
		t.Errorf("the void number: %v", numbers[0])
	}
	page := &counselv1.ListLettersResponse{}
	w.must(t, "drafter", letterService+"ListLetters", &counselv1.ListLettersRequest{Parent: strings.Split(l.GetName(), "/letters/")[0]}, page)
	if len(page.GetLetters()) != 1 || page.GetLetters()[0].GetState() != counselv1.Letter_VOID {
		t.Errorf("what the addressee still sees: %v", page.GetLetters())
	}
}

// What is not to go out under a number does not, and takes none.
func TestLetterRefused(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		w.assigned(t, c.GetName())
		theirs := w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
		unsigned := w.drafted(t, "reviewer", c.GetName())
		signed := w.opinion(t, "reviewer", c.GetName(), counselv1.Conclusion_LAWFUL)
		for what, name := range map[string]string{"counsel's": theirs.GetName(), "unsigned": unsigned.GetName(), "not the conclusion": signed.GetName()} {
			if f := w.try(t, "reviewer", letterService+"CreateLetter", letterFor(name), &counselv1.Letter{}); f == nil || len(f.refusals) != 1 || f.refusals[0] != "LETTER_UNSIGNED" {
				t.Errorf("%s: %v", what, f)
			}
		}
		c = w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: signed.GetName()})
		_, another := w.concluded(t)
		in := letterFor(signed.GetName())
		in.Parent = strings.Split(another, "/opinions/")[0]
		if f := w.try(t, "reviewer", letterService+"CreateLetter", in, &counselv1.Letter{}); f == nil || f.code != codes.InvalidArgument || f.fields[0] != "letter.opinion" {
			t.Errorf("in another case: %v", f)
		}
		w.profile(t, "2026-01-01", func(p *directoryv1.JurisdictionProfile) { p.LetterTemplate = nil })
		if f := w.try(t, "reviewer", letterService+"CreateLetter", letterFor(signed.GetName()), &counselv1.Letter{}); f == nil || f.reason != "AGENCY_CODE_MISSING" || f.metadata["field"] != "letter_template.agency_code" {
			t.Errorf("without an agency code: %v", f)
		}
		w.profile(t, "2026-01-02", func(p *directoryv1.JurisdictionProfile) {
			p.LetterTemplate = &directoryv1.LetterTemplate{AgencyCode: "示例法审", Mark: "\U000F1234局"}
		})
		if f := w.try(t, "reviewer", letterService+"CreateLetter", letterFor(signed.GetName()), &counselv1.Letter{}); f == nil || f.reason != "FONTS_MISSING" {
			t.Errorf("without a glyph: %v", f)
		}
		if n := w.numbers(t); len(n) != 0 {
			t.Errorf("numbers were taken: %v", n)
		}
		h := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "reviewer", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName(), PageSize: 100}, h)
		refused := 0
		for _, e := range h.GetHistory() {
			if e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED && e.GetReasons()[0] == "LETTER_UNSIGNED" {
				refused++
			}
		}
		if refused != 3 {
			t.Errorf("%d refusals are on record, want 3", refused)
		}
	}, withFonts(t))
}

// issueAll issues letters of opinions at once, each twice with one request id, by
// several people.
func issueAll(t *testing.T, w *world, opinions []string) {
	t.Helper()
	tokens := []string{w.as(t, "reviewer"), w.as(t, "reviewer2")}
	var all sync.WaitGroup
	for i, opinion := range opinions {
		all.Go(func() {
			in := letterFor(opinion)
			in.RequestId = "letter of " + path.Base(opinion)
			for range 2 {
				if f := w.call(context.Background(), tokens[i%2], letterService+"CreateLetter", in, &counselv1.Letter{}); f != nil {
					t.Errorf("letter %d: %v", i, f)
				}
			}
		})
	}
	all.Wait()
}

// Fifty at once number 1 to 50.
func TestFiftySigners(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		var opinions []string
		for range 50 {
			_, opinion := w.concluded(t)
			opinions = append(opinions, opinion)
		}
		issueAll(t, w, opinions)
		w.gapFree(t, 50)
	}, withFonts(t))
}

// newBureau adds a bureau with a drafter, who has a token, and answers the sign-in
// name.
func (w *world) newBureau(t *testing.T, i int) (login string) {
	t.Helper()
	b, p := &directoryv1.Bureau{}, &directoryv1.Person{}
	w.must(t, "sysadmin", directoryService+"CreateBureau", &directoryv1.CreateBureauRequest{Parent: region, Bureau: &directoryv1.Bureau{
		DisplayName: fmt.Sprintf("示例第%d局", i+1), Uscc: creditCode(fmt.Sprintf("%08d", 91000000+i)), Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
	}}, b)
	login = fmt.Sprintf("bureau-%d", i+1)
	w.must(t, "sysadmin", directoryService+"CreatePerson", &directoryv1.CreatePersonRequest{
		Parent: region, Person: &directoryv1.Person{DisplayName: "示例起草人（" + login + "）", Login: login, Bureau: b.GetName()},
	}, p)
	roles := []corev1.Role{corev1.Role_ROLE_DRAFTER}
	w.must(t, "secadmin", directoryService+"SetPersonRoles", &directoryv1.SetPersonRolesRequest{Name: p.GetName(), Roles: roles}, p)
	key, err := auth.LoadKey(filepath.Join(w.config.DataDir, "keys", "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := auth.NewSigner(key, w.clock.time).UserToken(auth.Caller{Person: p.GetName(), Region: region, Bureau: b.GetName(), Roles: roles, Session: auth.NewSessionID()})
	if err != nil {
		t.Fatal(err)
	}
	w.people[login], w.tokens[login] = p.GetName(), token{value, w.clock.time().Add(20 * time.Minute)}
	return login
}

// creditCode is the 统一社会信用代码 of a state organ of the sample region with an
// organisation code (GB 32100-2015, GB 11714-1997).
func creditCode(organisation string) string {
	sum := 0
	for i, weight := range []int{3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(organisation[i]-'0') * weight
	}
	code := "11120105" + organisation + map[int]string{10: "X", 11: "0"}[11-sum%11]
	if len(code) < 17 {
		code += fmt.Sprint(11 - sum%11)
	}
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum = 0
	for i, weight := 0, 1; i < len(code); i, weight = i+1, weight*3%31 {
		sum += strings.IndexByte(alphabet, code[i]) * weight
	}
	return code + string(alphabet[(31-sum%31)%31])
}

// letterRequests are the requests of the table about numbered letters.
var letterRequests = map[string]func(n names) proto.Message{
	letterService + "CreateLetter":     func(n names) proto.Message { return letterFor(n.concluded) },
	letterService + "GetLetter issued": func(n names) proto.Message { return &counselv1.GetLetterRequest{Name: n.letter} },
	letterService + "GetLetter served": func(n names) proto.Message { return &counselv1.GetLetterRequest{Name: n.served} },
	letterService + "ListLetters":      func(n names) proto.Message { return &counselv1.ListLettersRequest{Parent: n.region + "/cases/-"} },
	letterService + "ServeLetter":      func(n names) proto.Message { return &counselv1.ServeLetterRequest{Name: n.served} },
	letterService + "AcknowledgeLetter issued": func(n names) proto.Message {
		return &counselv1.AcknowledgeLetterRequest{Name: n.letter}
	},
	letterService + "AcknowledgeLetter served": func(n names) proto.Message {
		return &counselv1.AcknowledgeLetterRequest{Name: n.served}
	},
	letterService + "VoidLetter": func(n names) proto.Message {
		return &counselv1.VoidLetterRequest{Name: n.letter, Reason: "示例：印错", Etag: "stale"}
	},
	letterService + "ListRegisterNumbers": func(n names) proto.Message { return &counselv1.ListRegisterNumbersRequest{Parent: n.register} },
	letterService + "VerifyLetter": func(n names) proto.Message {
		return &counselv1.VerifyLetterRequest{DocumentNumber: "示例法审〔2026〕1号", VerificationCode: n.code}
	},
}
