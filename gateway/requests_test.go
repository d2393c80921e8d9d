package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	filingv1 "fashen/gen/fashen/filing/v1"
)

const draft = `{"title":"示例办法","issuingAuthority":"regions/120105/bureaus/g1","operatorImpact":{"touchesOperators":true}}`

// TestRefused lists requests the generated handlers alone would let pass, answer
// with another status, or answer without saying what is wrong.
func TestRefused(t *testing.T) {
	h := newHarness(t)
	const documents = "/v1/regions/120105/documents"
	const one = "/v1/" + document
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		reason             string
		field, allow       string
	}{
		"unknown path":                     {method: "GET", path: "/v1/nothing", status: 404, reason: "ROUTE_NOT_FOUND"},
		"trailing slash":                   {method: "GET", path: documents + "/", status: 404, reason: "ROUTE_NOT_FOUND"},
		"unknown verb":                     {method: "POST", path: one + ":publish", status: 404, reason: "ROUTE_NOT_FOUND"},
		"service-only RPC by gRPC path":    {method: "POST", path: "/fashen.filing.v1.FilingService/SetDocumentViewer", body: "{}", status: 404, reason: "ROUTE_NOT_FOUND"},
		"wrong method":                     {method: "PUT", path: one, status: 405, reason: "METHOD_NOT_ALLOWED", allow: "GET, PATCH"},
		"wrong method on a verb":           {method: "GET", path: one + ":submit", status: 405, reason: "METHOD_NOT_ALLOWED", allow: "POST"},
		"wrong method on an upload":        {method: "GET", path: one + "/revisions:upload", status: 405, reason: "METHOD_NOT_ALLOWED", allow: "POST"},
		"method override":                  {method: "POST", path: one, headers: []string{"X-HTTP-Method-Override", "GET", "Content-Type", "application/x-www-form-urlencoded"}, status: 405, reason: "METHOD_NOT_ALLOWED", allow: "GET, PATCH"},
		"path length fallback":             {method: "POST", path: "/v1/session:caller", body: "a=b", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 405, reason: "METHOD_NOT_ALLOWED", allow: "GET"},
		"unknown parameter":                {method: "GET", path: documents + "?bogus=1", status: 400, reason: "UNKNOWN_PARAMETER", field: "bogus"},
		"unknown parameter where none is":  {method: "GET", path: one + "?view=FULL", status: 400, reason: "UNKNOWN_PARAMETER", field: "view"},
		"parameter bound by the path":      {method: "GET", path: documents + "?parent=regions/1", status: 400, reason: "UNKNOWN_PARAMETER", field: "parent"},
		"parameter bound by the body":      {method: "POST", path: documents + "?document.title=x", body: draft, status: 400, reason: "UNKNOWN_PARAMETER", field: "document.title"},
		"parameter beside a whole body":    {method: "POST", path: one + ":submit?requestId=r", body: "{}", status: 400, reason: "UNKNOWN_PARAMETER", field: "requestId"},
		"mask where there is no update":    {method: "POST", path: documents + "?updateMask=title", body: draft, status: 400, reason: "UNKNOWN_PARAMETER", field: "updateMask"},
		"map syntax":                       {method: "GET", path: documents + "?filter[a]=1", status: 400, reason: "UNKNOWN_PARAMETER", field: "filter[a]"},
		"parameter of the wrong type":      {method: "GET", path: documents + "?pageSize=many", status: 400, reason: "VALUE_INVALID", field: "page_size"},
		"parameter twice":                  {method: "GET", path: documents + "?pageSize=1&page_size=2", status: 400, reason: "DUPLICATE_PARAMETER", field: "page_size"},
		"parameter with two values":        {method: "GET", path: documents + "?pageSize=1&pageSize=2", status: 400, reason: "VALUE_INVALID", field: "page_size"},
		"query that does not parse":        {method: "GET", path: documents + "?a=%zz", status: 400, reason: "QUERY_INVALID"},
		"unknown field":                    {method: "POST", path: documents, body: `{"title":"示例","colour":"red"}`, status: 400, reason: "UNKNOWN_FIELD", field: "document.colour"},
		"unknown field below":              {method: "POST", path: documents, body: `{"operatorImpact":{"colour":1}}`, status: 400, reason: "UNKNOWN_FIELD", field: "document.operator_impact.colour"},
		"unknown field in a list":          {method: "POST", path: one + ":recordConsultation", body: `{"consultation":{"opinions":[{},{"colour":1}]}}`, status: 400, reason: "UNKNOWN_FIELD", field: "consultation.opinions.colour"},
		"unknown field of a whole body":    {method: "POST", path: one + ":submit", body: `{"colour":1}`, status: 400, reason: "UNKNOWN_FIELD", field: "colour"},
		"field of the wrong type":          {method: "POST", path: documents, body: `{"title":"示例","operatorImpact":{"touchesOperators":"yes"}}`, status: 400, reason: "VALUE_INVALID", field: "document.operator_impact.touches_operators"},
		"field twice":                      {method: "POST", path: documents, body: `{"title":"a","title":"b"}`, status: 400, reason: "VALUE_INVALID", field: "document"},
		"unknown enum value":               {method: "POST", path: one + ":recordCompetitionConclusion", body: `{"outcome":"FINE"}`, status: 400, reason: "VALUE_INVALID", field: "outcome"},
		"cut body":                         {method: "POST", path: documents, body: `{"title":`, status: 400, reason: "JSON_INVALID", field: "document"},
		"two bodies":                       {method: "POST", path: one + ":submit", body: `{}{}`, status: 400, reason: "JSON_INVALID", field: "body"},
		"body that is a list":              {method: "POST", path: documents, body: `[]`, status: 400, reason: "JSON_INVALID", field: "document"},
		"body that is null":                {method: "POST", path: documents, body: `null`, status: 400, reason: "JSON_INVALID", field: "document"},
		"form body":                        {method: "POST", path: documents, body: draft, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, reason: "CONTENT_TYPE_UNSUPPORTED"},
		"body without a type":              {method: "POST", path: documents, body: draft, headers: []string{"Content-Type", ""}, status: 415, reason: "CONTENT_TYPE_UNSUPPORTED"},
		"body in GBK":                      {method: "POST", path: documents, body: draft, headers: []string{"Content-Type", "application/json; charset=gbk"}, status: 415, reason: "CONTENT_TYPE_UNSUPPORTED"},
		"packed body":                      {method: "POST", path: documents, body: draft, headers: []string{"Content-Encoding", "gzip"}, status: 415, reason: "CONTENT_TYPE_UNSUPPORTED"},
		"body above 1 MiB":                 {method: "POST", path: documents, body: `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, reason: "TOO_LARGE"},
		"stale If-Match on an update":      {method: "PATCH", path: one, body: draft, headers: []string{"If-Match", `"e0"`}, status: 412, reason: "ETAG_STALE"},
		"stale If-Match on a verb":         {method: "POST", path: one + ":submit", body: `{}`, headers: []string{"If-Match", `"e0"`}, status: 412, reason: "ETAG_STALE"},
		"stale etag in the body":           {method: "POST", path: one + ":submit", body: `{"etag":"e0"}`, status: 412, reason: "ETAG_STALE"},
		"weak If-Match":                    {method: "POST", path: one + ":submit", body: `{}`, headers: []string{"If-Match", `W/"e1"`}, status: 412, reason: "ETAG_STALE"},
		"If-Match against the body":        {method: "POST", path: one + ":submit", body: `{"etag":"e0"}`, headers: []string{"If-Match", `"e1"`}, status: 400, reason: "ETAG_CONFLICT", field: "etag"},
		"list of If-Match":                 {method: "POST", path: one + ":submit", body: `{}`, headers: []string{"If-Match", `"e1", "e2"`}, status: 400, reason: "IF_MATCH_LIST", field: "if_match"},
		"If-Match where no etag is":        {method: "POST", path: documents, body: draft, headers: []string{"If-Match", `"e1"`}, status: 400, reason: "IF_MATCH_UNSUPPORTED", field: "if_match"},
		"path that is not UTF-8":           {method: "GET", path: "/v1/regions/%ff/documents", status: 404, reason: "ROUTE_NOT_FOUND"},
		"query that is not UTF-8":          {method: "GET", path: documents + "?filter=%ff", status: 400, reason: "QUERY_INVALID"},
		"name of a file that is not UTF-8": {method: "POST", path: one + "/revisions:upload?filename=%ff", status: 400, reason: "QUERY_INVALID"},
		"If-Match that is not ASCII":       {method: "POST", path: one + ":submit", headers: []string{"If-Match", "\"\xff\""}, status: 400, reason: "IF_MATCH_INVALID", field: "if_match"},
		"body that is not UTF-8":           {method: "POST", path: documents, body: "{\"title\":\"\xff\"}", status: 400, reason: "VALUE_INVALID", field: "document.title"},
		"odd path":                         {method: "GET", path: "/v1/regions/..%2F..%2Fx/documents", status: 404, reason: "ROUTE_NOT_FOUND"},
		"absent":                           {method: "GET", path: documents + "/d2", status: 404, reason: "RESOURCE_NOT_FOUND"},
		"nobody":                           {method: "GET", path: one, headers: []string{"Authorization", ""}, status: 401, reason: "TOKEN_MISSING"},
		"wrong role":                       {method: "POST", path: "/v1/regions", body: `{"displayName":"示例区"}`, status: 403, reason: "ROLE_REQUIRED"},
		"locked":                           {method: "POST", path: "/v1/session:signIn", body: `{"login":"a","password":"b"}`, status: 429, reason: "SIGN_IN_LOCKED"},
		"rule of the contract":             {method: "GET", path: documents + "?pageSize=-1", status: 400, reason: "INT32_GTE_LTE", field: "page_size"},
		"mask of an unknown field":         {method: "PATCH", path: one + "?updateMask=colour", body: draft, status: 400, reason: "FIELD_MASK_UNKNOWN_PATH", field: "update_mask"},
		"mask of what the server sets":     {method: "PATCH", path: one + "?updateMask=name,etag,state", body: draft, status: 400, reason: "FIELD_MASK_NOTHING_TO_CHANGE", field: "update_mask"},
		"mask twice":                       {method: "PATCH", path: one + "?updateMask=title&updateMask=parties", body: draft, status: 400, reason: "VALUE_INVALID", field: "update_mask"},
		"update of nothing":                {method: "PATCH", path: one, body: `{}`, status: 400, reason: "MASK_EMPTY", field: "update_mask"},
		"update without a body":            {method: "PATCH", path: one, body: ``, status: 400, reason: "MASK_EMPTY", field: "update_mask"},
		"update of what the server sets":   {method: "PATCH", path: one, body: `{"name":"x","etag":"e1","state":"DELIBERATED"}`, status: 400, reason: "FIELD_MASK_NOTHING_TO_CHANGE", field: "update_mask"},
		"material of an unknown kind":      {method: "GET", path: one + "/materials/poem:download", status: 404, reason: "RESOURCE_NOT_FOUND"},
		"parameter of a download":          {method: "GET", path: one + "/revisions/1:download?alt=media", status: 400, reason: "UNKNOWN_PARAMETER", field: "alt"},
		"unknown parameter of an upload":   {method: "POST", path: one + "/revisions:upload?filename=a.txt&name=b", status: 400, reason: "UNKNOWN_PARAMETER", field: "name"},
		"repeated parameter of an upload":  {method: "POST", path: one + "/revisions:upload?filename=a.txt&filename=b", status: 400, reason: "DUPLICATE_PARAMETER", field: "filename"},
		"packed upload":                    {method: "POST", path: one + "/revisions:upload?filename=a.txt", headers: []string{"Content-Encoding", "gzip"}, status: 415, reason: "CONTENT_ENCODING_UNSUPPORTED"},
		"upload without signing in":        {method: "POST", path: one + "/revisions:upload?filename=a.txt", body: "x", headers: []string{"Authorization", ""}, status: 401, reason: "TOKEN_MISSING"},
		"upload without a name":            {method: "POST", path: one + "/revisions:upload", body: "x", status: 400, reason: "STRING_MIN_LEN", field: "upload.filename"},
		"upload of a form without a file":  {method: "POST", path: one + "/revisions:upload", body: "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n", headers: []string{"Content-Type", "multipart/form-data; boundary=b"}, status: 400, reason: "FORM_INVALID"},
		"upload of a form that is no form": {method: "POST", path: one + "/revisions:upload", body: "x", headers: []string{"Content-Type", "multipart/form-data"}, status: 400, reason: "FORM_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.do(t, c.method, c.path, c.body, c.headers...)
			a.expect(t, c.status, c.reason)
			if c.field != "" && !slices.Contains(a.fields(), c.field) {
				t.Errorf("violations of %v, want %s\n%s", a.fields(), c.field, a.body)
			}
			if a.header.Get("Allow") != c.allow {
				t.Errorf("Allow: %q, want %q", a.header.Get("Allow"), c.allow)
			}
		})
	}
}

// TestNothingIsCalled shows that what the gateway refuses reaches no service.
func TestNothingIsCalled(t *testing.T) {
	h := newHarness(t)
	h.do(t, "GET", "/v1/regions/120105/documents?bogus=1", "").expect(t, 400, "UNKNOWN_PARAMETER")
	h.do(t, "PATCH", "/v1/"+document, `{"title":"示例","colour":1}`).expect(t, 400, "UNKNOWN_FIELD")
	if h.filing.calls != 0 {
		t.Errorf("%d calls", h.filing.calls)
	}
}

// TestPassed checks what a request becomes on its way to the service.
func TestPassed(t *testing.T) {
	h := newHarness(t)
	const one = "/v1/" + document
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		want               proto.Message
	}{
		"list": {
			method: "GET", path: "/v1/regions/120105/documents?pageSize=5&page_token=t&filter=state%20%3D%20DRAFTING",
			want: &filingv1.ListDocumentsRequest{Parent: "regions/120105", PageSize: 5, PageToken: "t", Filter: "state = DRAFTING"},
		},
		"request id beside a body": {
			method: "POST", path: "/v1/regions/120105/documents?requestId=r1", body: draft,
			want: &filingv1.CreateDocumentRequest{Parent: "regions/120105", Document: read(t, draft), RequestId: "r1"},
		},
		"snake case in a body": {
			method: "POST", path: "/v1/regions/120105/documents", body: `{"title":"示例办法","issuing_authority":"regions/120105/bureaus/g1","operator_impact":{"touches_operators":true}}`,
			want: &filingv1.CreateDocumentRequest{Parent: "regions/120105", Document: read(t, draft)},
		},
		"verb without a body": {
			method: "POST", path: one + ":submit", headers: []string{"Content-Type", ""},
			want: &filingv1.SubmitDocumentRequest{Name: document},
		},
		"verb with If-Match": {
			method: "POST", path: one + ":submit", body: `{"requestId":"r1"}`, headers: []string{"If-Match", `"e1"`},
			want: &filingv1.SubmitDocumentRequest{Name: document, Etag: "e1", RequestId: "r1"},
		},
		"verb with any If-Match": {
			method: "POST", path: one + ":submit", body: `{}`, headers: []string{"If-Match", `*`},
			want: &filingv1.SubmitDocumentRequest{Name: document},
		},
		"If-Match and the same etag": {
			method: "POST", path: one + ":submit", body: `{"etag":"e1"}`, headers: []string{"If-Match", `"e1"`},
			want: &filingv1.SubmitDocumentRequest{Name: document, Etag: "e1"},
		},
		"If-Match on a read": {
			method: "GET", path: one, headers: []string{"If-Match", `"e0"`},
			want: &filingv1.GetDocumentRequest{Name: document},
		},
		"name of the path over that of the body": {
			method: "PATCH", path: one + "?updateMask=title", body: `{"name":"regions/120105/documents/other",` + draft[1:],
			want: update(t, draft, "", "title"),
		},
		"mask in camel case": {
			method: "PATCH", path: one + "?updateMask=operatorImpact,title", body: draft, headers: []string{"If-Match", `"e1"`},
			want: update(t, draft, "e1", "operator_impact", "title"),
		},
		"mask beside a request id": {
			method: "PATCH", path: one + "?updateMask=title,parties&requestId=r", body: draft,
			want: withRequestID(update(t, draft, "", "title", "parties"), "r"),
		},
		"mask with the name in it": {
			method: "PATCH", path: one + "?updateMask=title,name,etag", body: draft,
			want: update(t, draft, "", "title"),
		},
		"one field": {
			method: "PATCH", path: one, body: `{"parties":["示例公司"]}`,
			want: update(t, `{"parties":["示例公司"]}`, "", "parties"),
		},
		"mask from the body": {
			method: "PATCH", path: one, body: `{"name":"x","etag":"e1","state":"DELIBERATED","emergency":null,` + draft[1:],
			want: update(t, draft, "e1", "emergency", "issuing_authority", "operator_impact", "title"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.do(t, c.method, c.path, c.body, c.headers...)
			if a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if got := h.filing.seen(); !proto.Equal(got, c.want) {
				t.Errorf("service got\n%v, want\n%v", got, c.want)
			}
		})
	}
}

// read makes a document from JSON.
func read(t *testing.T, body string) *filingv1.Document {
	t.Helper()
	d := &filingv1.Document{}
	if err := protojson.Unmarshal([]byte(body), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func update(t *testing.T, body, etag string, paths ...string) *filingv1.UpdateDocumentRequest {
	t.Helper()
	r := &filingv1.UpdateDocumentRequest{Document: read(t, body)}
	r.Document.Name, r.Document.Etag = document, etag
	r.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	return r
}

func withRequestID(r *filingv1.UpdateDocumentRequest, id string) *filingv1.UpdateDocumentRequest {
	r.RequestId = id
	return r
}
