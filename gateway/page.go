package gateway

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"fashen/internal/rpc"
)

// policyPage is for a page of words and a link. It is not sandboxed: what it goes on
// to must count as this site's own step.
const policyPage = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is what a person sees of a sign-in.
type page struct {
	Message string
	// Code is the reason of an error.
	Code string
	// Next is where the browser goes by itself; nowhere when empty.
	Next string
	// Link is where the person may go, by the words of Label.
	Link, Label string
}

var pages = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{{with .Next}}<meta http-equiv="refresh" content="0;url={{.}}">
{{end}}<title>法审</title>
<h1>法审</h1>
<p>{{.Message}}</p>
{{with .Code}}<p>代码：{{.}}</p>
{{end}}<p><a href="{{.Link}}">{{.Label}}</a></p>
</html>
`))

func writePage(w http.ResponseWriter, status int, p page) error {
	var b strings.Builder
	if err := pages.Execute(&b, p); err != nil {
		return fmt.Errorf("write a page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policyPage)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String()))
	return nil
}

// shown makes a step of a sign-in answer a person with a page when it fails, and a
// program with the JSON of an error.
func shown(serve func(http.ResponseWriter, *http.Request, *call) error) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		err := serve(w, r, c)
		if err == nil || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			return err
		}
		st := presentable(err)
		again := startPath
		if back := r.URL.Query().Get("return"); back != "" && localPath(back) {
			again += "?return=" + url.QueryEscape(back)
		}
		return writePage(w, httpStatusOf(err, st), page{
			Message: st.Message(), Code: rpc.Reason(st.Err()), Link: again, Label: "重新登录",
		})
	}
}
