package gateway

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	counselv1 "fashen/gen/fashen/counsel/v1"
)

// policyVerify is for the page on which letters are checked: no script at all, its
// own style sheet, a form that is sent here alone.
const policyVerify = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds what the form sends, in bytes.
const maxForm = 4 << 10

var (
	//go:embed verify/page.html
	verifyHTML string
	//go:embed verify/page.css
	verifyStyle []byte
	verifyPage  = template.Must(template.New("verify").Parse(verifyHTML))
)

// verification is what the page shows.
type verification struct {
	// Number and Code are as they were typed.
	Number, Code string
	// Letter was found; Void says that it does not stand.
	Letter *counselv1.VerifyLetterResponse
	Void   bool
	Date   string
	// Problem is why nothing is shown.
	Problem string
}

// showVerification answers the empty form. Anyone may use it.
func (g *gateway) showVerification(w http.ResponseWriter, _ *http.Request, _ *call) error {
	return writeVerification(w, http.StatusOK, verification{})
}

// verify looks a letter up and answers the form with what was found. Number and code
// come in the body, so that no log or history of addresses has them.
func (g *gateway) verify(w http.ResponseWriter, r *http.Request, c *call) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return writeVerification(w, http.StatusRequestEntityTooLarge, verification{Problem: "填写的内容过长"})
		}
		return writeVerification(w, http.StatusBadRequest, verification{Problem: "填写的内容无法读取"})
	}
	v := verification{Number: r.PostForm.Get("number"), Code: r.PostForm.Get("code")}
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(r.Context(), c.metadata), defaultCallTimeout)
	defer cancel()
	l, err := g.letters.VerifyLetter(ctx, &counselv1.VerifyLetterRequest{DocumentNumber: v.Number, VerificationCode: v.Code})
	if err != nil {
		st := presentable(err)
		if v.Problem = st.Message(); st.Code() == codes.InvalidArgument {
			v.Problem = "请填写发文字号和核验码"
		}
		if after := retryAfter(statusOf(err)); after > 0 {
			w.Header().Set("Retry-After", strconv.FormatInt(after, 10))
		}
		return writeVerification(w, httpStatusOf(err, st), v)
	}
	d := l.GetIssueDate()
	v.Letter, v.Void = l, l.GetState() == counselv1.Letter_VOID
	v.Date = fmt.Sprintf("%d年%d月%d日", d.GetYear(), d.GetMonth(), d.GetDay())
	return writeVerification(w, http.StatusOK, v)
}

func writeVerification(w http.ResponseWriter, status int, v verification) error {
	var b bytes.Buffer
	if err := verifyPage.Execute(&b, v); err != nil {
		return fmt.Errorf("write the verification page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policyVerify)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}
