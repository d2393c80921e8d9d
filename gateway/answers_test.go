package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"fashen/gateway"
	"fashen/internal/rpc"
)

func TestJSON(t *testing.T) {
	h := newHarness(t)
	a := h.do(t, "GET", "/v1/"+document, "")
	a.expect(t, 200, "")
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	// Names in lower camel case, defaults written out, unset messages left out.
	if got["draftingUnit"] != "" || got["state"] != "STATE_UNSPECIFIED" || got["submissionCount"] != 0.0 || got["emergency"] != nil {
		t.Errorf("body: %s", a.body)
	}
	if a.header.Get("ETag") != `"e1"` || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", a.header)
	}
	if a := h.do(t, "GET", "/v1/regions/120105/documents", ""); a.header.Get("ETag") != "" {
		t.Errorf("a list has the ETag %s", a.header.Get("ETag"))
	}
	a = h.do(t, "GET", "/v1/regions/120105/jurisdictionProfiles:resolve?date.year=2026&date.month=5&date.day=12", "")
	a.expect(t, 200, "")
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got["effectiveDate"].(map[string]any)["day"] != 12.0 {
		t.Errorf("date of parameters: %s", a.body)
	}
}

// TestErrors drives each kind of error of a service to its HTTP form.
func TestErrors(t *testing.T) {
	h := newHarness(t)
	retry, err := status.New(codes.Unavailable, "dial tcp 10.0.0.1:1: refused").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err    error
		http   int
		status string
		reason string
	}{
		"refused transition": {rpc.Refused(rpc.Refusal{Code: "REVIEW_TIME_INSUFFICIENT", Law: "示例条", Message: "审核时间不足", Metadata: map[string]string{"earliest_date": "2026-05-20"}}), 400, "FAILED_PRECONDITION", "REVIEW_TIME_INSUFFICIENT"},
		"too large":          {rpc.New(codes.InvalidArgument, rpc.ReasonTooLarge, "过大"), 413, "INVALID_ARGUMENT", "TOO_LARGE"},
		"lost race":          {rpc.New(codes.Aborted, rpc.ReasonEtagStale, "已被修改"), 412, "ABORTED", "ETAG_STALE"},
		"other abort":        {rpc.New(codes.Aborted, "OTHER", "冲突"), 409, "ABORTED", "OTHER"},
		"exists":             {rpc.New(codes.AlreadyExists, rpc.ReasonRequestIDReused, "重复"), 409, "ALREADY_EXISTS", "REQUEST_ID_REUSED"},
		"panic of ours":      {rpc.New(codes.Internal, rpc.ReasonInternal, "系统内部错误"), 500, "INTERNAL", "INTERNAL"},
		"not for people":     {retry.Err(), 503, "UNAVAILABLE", "UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			h.filing.fail = c.err
			a := h.do(t, "GET", "/v1/"+document, "")
			a.expect(t, c.http, c.reason)
			if a.problem.Status != c.status || strings.Contains(a.body, "10.0.0.1") {
				t.Errorf("body: %s", a.body)
			}
			if name == "not for people" && a.header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if a.header.Get("ETag") != "" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("headers: %v", a.header)
			}
		})
	}
	h.filing.fail = rpc.Refused(
		rpc.Refusal{Code: "LEGALITY_REVIEW_MISSING", Law: "示例条", Message: "未经审核", Metadata: map[string]string{"earliest_date": "2026-05-20"}},
		rpc.Refusal{Code: "FCR_MISSING", Law: "示例条", Message: "未经审查"})
	body := h.do(t, "GET", "/v1/"+document, "").body
	for _, want := range []string{`"earliest_date":"2026-05-20"`, `"type":"FCR_MISSING"`, `"message":"未经审核"`, "google.rpc.PreconditionFailure"} {
		if !strings.Contains(strings.ReplaceAll(body, `": `, `":`), want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

func TestChallenge(t *testing.T) {
	h := newHarness(t)
	if a := h.do(t, "GET", "/v1/"+document, "", "Authorization", ""); a.header.Get("WWW-Authenticate") != `Bearer realm="fashen"` {
		t.Errorf("%v", a.header)
	}
	a := h.do(t, "GET", "/v1/"+document, "", "Authorization", "Bearer none")
	a.expect(t, 401, "TOKEN_INVALID")
	if a.header.Get("WWW-Authenticate") != `Bearer realm="fashen", error="invalid_token"` {
		t.Errorf("%v", a.header)
	}
}

// TestMetadata shows that a client cannot pose as a service or set metadata.
func TestMetadata(t *testing.T) {
	h := newHarness(t)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	a := h.do(t, "GET", "/v1/"+document, "",
		"X-Fashen-Service", "t", "Grpc-Metadata-X-Fashen-Service", "t", "Grpc-Metadata-Authorization", "t",
		"X-Forwarded-For", "192.0.2.1", "X-Request-Id", "mine", "Cookie", "a=b", "Grpc-Timeout", "1n",
		"If-Match", `"e1"`, "Traceparent", parent, "Accept-Language", "zh-CN")
	a.expect(t, 200, "")
	if a.header.Get("X-Trace-Id") != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("trace id %q", a.header.Get("X-Trace-Id"))
	}
	md := h.filing.metadata
	for _, transport := range []string{":authority", "content-type", "user-agent", "grpc-accept-encoding"} {
		delete(md, transport)
	}
	if len(md) != 4 || md.Get("x-fashen-client")[0] != "127.0.0.1" || md.Get("traceparent")[0] != parent || md.Get("accept-language")[0] != "zh-CN" || len(md.Get("authorization")) != 1 {
		t.Errorf("the service got %v", md)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Grpc-") {
			t.Errorf("the client got %s", name)
		}
	}
}

func TestTraceIsMade(t *testing.T) {
	h := newHarness(t)
	for _, sent := range []string{"", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		a := h.do(t, "GET", "/v1/"+document, "", "Traceparent", sent)
		id := a.header.Get("X-Trace-Id")
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || !strings.Contains(h.filing.metadata.Get("traceparent")[0], id) {
			t.Errorf("sent %q, trace id %q, service got %v", sent, id, h.filing.metadata.Get("traceparent"))
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/v1/" + document, "/v1/nothing", "/openapi.json", "/docs", "/docs/page.js", "/healthz"} {
		header := h.do(t, "GET", path, "").header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Vary": "Origin",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %s %q", path, name, header.Get(name))
			}
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %q", path, policy)
		}
		if strings.HasPrefix(path, "/v1/") && header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q", path, header.Get("Cache-Control"))
		}
	}
}

func TestCORS(t *testing.T) {
	h := newHarness(t)
	preflight := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,if-match", "Authorization", ""}
	for _, c := range []struct {
		origin    string
		allowed   bool
		preflight int
	}{
		{"https://oa.example.cn", true, http.StatusNoContent},
		{"https://OA.example.cn", false, http.StatusForbidden},
		{"https://oa.example.cn.evil.example", false, http.StatusForbidden},
		{"http://oa.example.cn", false, http.StatusForbidden},
		{"null", false, http.StatusForbidden},
	} {
		want := ""
		if c.allowed {
			want = c.origin
		}
		a := h.do(t, "OPTIONS", "/v1/"+document, "", append(preflight, "Origin", c.origin)...)
		if a.status != c.preflight || a.header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%s: %d %v", c.origin, a.status, a.header)
		}
		if c.allowed && (!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "if-match") || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH")) {
			t.Errorf("%v", a.header)
		}
		for _, path := range []string{"/v1/" + document, "/v1/nothing"} {
			a = h.do(t, "GET", path, "", "Origin", c.origin)
			if a.header.Get("Access-Control-Allow-Origin") != want || a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %v", c.origin, path, a.header)
			}
		}
	}
	if a := h.do(t, "OPTIONS", "/v1/"+document, ""); a.status != http.StatusNoContent || a.header.Get("Allow") != "GET, PATCH" {
		t.Errorf("OPTIONS: %d %v", a.status, a.header)
	}
}

func TestHealth(t *testing.T) {
	h := newHarness(t)
	h.do(t, "GET", "/healthz", "", "Authorization", "").expect(t, 200, "")
	a := h.do(t, "GET", "/readyz", "", "Authorization", "")
	if a.status != 200 || !strings.Contains(a.body, `"fashen.filing.v1.FilingService":"SERVING"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if err := h.server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := h.do(t, "GET", "/readyz", ""); a.status != 503 || !strings.Contains(a.body, `"status":"NOT_SERVING"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.do(t, "GET", "/healthz", "").expect(t, 200, "")
	h.do(t, "GET", "/v1/"+document, "").expect(t, 503, "UNAVAILABLE")
}

func TestDocsPage(t *testing.T) {
	h := newHarness(t)
	page := h.do(t, "GET", "/docs", "", "Authorization", "")
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", page.status, page.header)
	}
	// Everything the page loads is served here, and nothing is inline.
	for _, link := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		if a := h.do(t, "GET", link[1], ""); a.status != 200 {
			t.Errorf("%s: %d", link[1], a.status)
		}
	}
	if regexp.MustCompile(`<script>|<style|style=|onclick|https?://`).MatchString(page.body) {
		t.Error("the page holds something its policy forbids")
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := gateway.New(gateway.Options{Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("no connections")
	}
	for _, origin := range []string{"*", "null", "https://*.example.cn", "https://oa.example.cn/", "https://a@b", "oa.example.cn", "ftp://oa.example.cn"} {
		refused := false
		newHarness(t, func(o *gateway.Options) {
			probe := *o
			probe.AllowedOrigins = []string{origin}
			_, err := gateway.New(probe)
			refused = err != nil
		})
		if !refused {
			t.Errorf("origin %q passed", origin)
		}
	}
}
