package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"fashen/internal/rpc"
)

// Content security policies: answers of the API are never a page; the page that
// shows the API loads nothing from elsewhere.
const (
	policyAPI  = "default-src 'none'; frame-ancestors 'none'; sandbox"
	policyDocs = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// withHeaders sets what every answer carries, gives the request its trace, and
// writes the access log.
func (g *gateway) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		trace := setTrace(r)
		// The deadline of a call is the gateway's, not the client's.
		r.Header.Del("Grpc-Timeout")
		h := w.Header()
		h.Set("X-Trace-Id", trace)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policyAPI)
		recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		g.log.LogAttrs(r.Context(), slog.LevelDebug, "http",
			slog.String("trace", trace), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", recorder.status), slog.Int64("bytes", recorder.bytes),
			slog.Duration("took", time.Since(start)))
	})
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the size.
func (w *recorder) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// traceparent is version 00 of W3C Trace Context.
var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$`)

// setTrace keeps a valid traceparent of the client or makes one, and answers its
// trace id.
func setTrace(r *http.Request) string {
	if m := traceparent.FindStringSubmatch(r.Header.Get("traceparent")); m != nil &&
		strings.Trim(m[1], "0") != "" && strings.Trim(m[2], "0") != "" {
		return m[1]
	}
	var span [8]byte
	rand.Read(span[:]) // never fails: crypto/rand ends the process first
	trace := rpc.NewTraceID()
	r.Header.Set("traceparent", "00-"+trace+"-"+hex.EncodeToString(span[:])+"-01")
	return trace
}

// traceOf answers the id that setTrace settled on.
func traceOf(r *http.Request) string {
	if m := traceparent.FindStringSubmatch(r.Header.Get("traceparent")); m != nil {
		return m[1]
	}
	return ""
}

// originSet checks the allow-list: whole origins, no wildcard.
func originSet(origins []string) (map[string]bool, error) {
	set := make(map[string]bool, len(origins))
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
			origin != u.Scheme+"://"+u.Host || strings.Contains(origin, "*") {
			return nil, fmt.Errorf("gateway: %q is not an origin such as https://oa.example.cn", origin)
		}
		set[origin] = true
	}
	return set, nil
}

// withCORS lets the pages of allowed origins call the gateway. Tokens travel in
// the authorization header only, so credentials are never allowed.
func (g *gateway) withCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if !g.origins[origin] {
			if preflight {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Content-Disposition, X-Trace-Id, Retry-After, WWW-Authenticate")
		if preflight {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "authorization, content-type, if-match, traceparent, accept-language")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// setETag writes a strong ETag, if the value can be one (RFC 9110 section 8.8.3).
func setETag(h http.Header, etag string) {
	if etag == "" || !printable(etag) || strings.ContainsAny(etag, "\" ") {
		return
	}
	h.Set("ETag", `"`+etag+`"`)
}
