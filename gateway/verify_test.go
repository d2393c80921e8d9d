package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/rpc"
)

// letters knows one letter, by two codes: under the second it is void.
type letters struct {
	counselv1.UnimplementedLetterServiceServer
}

func (letters) VerifyLetter(_ context.Context, in *counselv1.VerifyLetterRequest) (*counselv1.VerifyLetterResponse, error) {
	states := map[string]counselv1.Letter_State{"7K3M9-PQRST": counselv1.Letter_SERVED, "7K3M9-00000": counselv1.Letter_VOID}
	state, ok := states[in.GetVerificationCode()]
	if !ok {
		return nil, rpc.New(codes.NotFound, "LETTER_NOT_FOUND", "没有查到与该发文字号和核验码相符的文书")
	}
	return &counselv1.VerifyLetterResponse{
		DocumentNumber: in.GetDocumentNumber(), Kind: "合法性审查意见书", Title: "示例<b>办法</b>", IssuingBody: "示例区司法局",
		IssueDate: &datepb.Date{Year: 2026, Month: 3, Day: 5}, State: state, PdfSha256: "0a1b", DocxSha256: "2c3d",
	}, nil
}

// A letter is checked on a page without script, by anyone; what is typed or found is
// never markup.
func TestVerifyPage(t *testing.T) {
	h := newHarness(t)
	send := func(method, body string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+"/verify", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := h.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header, string(b)
	}
	form := func(number, code string) string { return url.Values{"number": {number}, "code": {code}}.Encode() }
	const number = "示例法审〔2026〕7号"
	for what, c := range map[string]struct {
		method, body string
		status       int
		has, lacks   string
	}{
		"the form":      {http.MethodGet, "", 200, `action="/verify"`, "<section"},
		"its heading":   {http.MethodGet, "", 200, "<h1>意见书核验</h1>", "法制审核"},
		"a good letter": {http.MethodPost, form(number, "7K3M9-PQRST"), 200, "该文书有效", "作废"},
		"its kind":      {http.MethodPost, form(number, "7K3M9-PQRST"), 200, "<h1>合法性审查意见书核验</h1>", "法制审核"},
		"its date":      {http.MethodPost, form(number, "7K3M9-PQRST"), 200, "2026年3月5日", "<b>"},
		"a void letter": {http.MethodPost, form(number, "7K3M9-00000"), 200, "该文书已作废", "该文书有效"},
		"a wrong code":  {http.MethodPost, form(number, "x"), 404, "没有查到", "<dl>"},
		"markup":        {http.MethodPost, form(`"><script>`, "x"), 404, "&lt;script&gt;", "<script>"},
		"nothing typed": {http.MethodPost, "", 400, "请填写发文字号和核验码", "<dl>"},
		"not a form":    {http.MethodPost, "%zz", 400, "无法读取", "<dl>"},
		"too much":      {http.MethodPost, form(number, strings.Repeat("x", 5000)), 413, "过长", "<dl>"},
	} {
		status, header, body := send(c.method, c.body)
		if status != c.status || !strings.Contains(body, c.has) || strings.Contains(body, c.lacks) {
			t.Errorf("%s: %d\n%s", what, status, body)
		}
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "script-src") ||
			!strings.HasPrefix(header.Get("Content-Type"), "text/html") || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", what, header)
		}
	}
}
