package main

import (
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"text/template"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/app"
	"fashen/internal/config"
)

// sampleDraft is a draft whose articles are numbered by the word processor and
// whose text is plainly made up.
//
//go:embed sample/draft.docx
var sampleDraft []byte

func samplePath(dir string) string { return filepath.Join(dir, "sample-draft.docx") }

// guide is printed once the process serves. The first lines submit a real draft
// and show its findings; they use nothing but curl and sed.
var guide = template.Must(template.New("guide").Parse(`
fashen 已启动{{if .HTTP}}  REST http://{{.HTTP}}  接口文档 http://{{.HTTP}}/docs{{end}}  gRPC {{.GRPC}}
{{if .Codes}}
人员（一次性登录码，设置口令后即失效；未使用的每次启动更换）：
{{range .Codes}}  {{printf "%-18s" .Login}} {{if .Code}}{{.Code}}{{else}}（已设口令）      {{end}}  {{.DisplayName}}
{{end}}{{end}}{{if and .Samples .HTTP}}
# 1. 起草人员登录，新建文件，上传 Word 稿，查看疑似问题（复制整段）
P='Sample-Pass-2026'; J='content-type: application/json'; U=http://{{.HTTP}}
get() { sed -E "s/.*\"$1\": ?\"([^\"]+)\".*/\1/"; }
{{if .Drafter}}TOKEN=$(curl -sS $U/v1/session:activate -H "$J" -d '{"login":"drafter","oneTimeCode":"{{.Drafter}}","password":"'$P'"}' | get accessToken); [ -n "${TOKEN##*\{*}" ] || {{end}}TOKEN=$(curl -sS $U/v1/session:signIn -H "$J" -d '{"login":"drafter","password":"'$P'"}' | get accessToken)
A="authorization: Bearer $TOKEN"
GOV=$(curl -sS "$U/v1/regions/120105/bureaus" -H "$A" | sed -E 's/.*"name": ?"([^"]+)", ?"displayName": ?"河北区人民政府（示例）".*/\1/')
DOC=$(curl -sS $U/v1/regions/120105/documents -H "$A" -H "$J" -d '{"title":"河北区创业扶持办法（示例）","issuingAuthority":"'$GOV'","operatorImpact":{"touchesOperators":true}}' | get name)
curl -sS "$U/v1/$DOC/revisions:upload?filename=draft.docx" -H "$A" --data-binary @{{.Sample}}; echo
curl -sS "$U/v1/$DOC/revisions/1/findings" -H "$A"; echo

# 2. 同一份文件，经 gRPC 查看
go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 -plaintext -H "$A" -d '{"name":"'$DOC'"}' {{.GRPC}} fashen.filing.v1.FilingService/GetDocument
go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 -plaintext {{.GRPC}} list
{{end}}
停止：Ctrl-C。数据在 {{.Data}}。
`))

func printGuide(w io.Writer, a *app.App, c config.Config) {
	drafter := ""
	for _, i := range a.Codes {
		if i.Role == corev1.Role_ROLE_DRAFTER && i.Login == "drafter" {
			drafter = i.Code
		}
	}
	// Writing to the terminal either works or nobody is there to be told.
	_ = guide.Execute(w, map[string]any{
		"HTTP": a.HTTPAddr, "GRPC": a.GRPCAddr, "Codes": a.Codes, "Samples": c.Sample, "Drafter": drafter,
		"Sample": samplePath(c.DataDir), "Data": c.DataDir,
	})
	_, _ = fmt.Fprintln(w)
}
