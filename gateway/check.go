package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc/codes"

	"fashen/internal/rpc"
)

// check refuses what the generated handler would let pass: query parameters the
// operation does not have, bodies of another kind, unknown fields. It leaves the
// request ready for that handler.
func (c *call) check(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r)
	if err != nil {
		return err
	}
	if err := c.checkQuery(query); err != nil {
		return err
	}
	if err := c.checkIfMatch(r); err != nil {
		return err
	}
	return c.checkBody(w, r)
}

// parseQuery refuses what does not parse instead of dropping it.
func parseQuery(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	for key, values := range query {
		if !utf8.ValidString(key) || !utf8.ValidString(strings.Join(values, "")) {
			err = errors.New("not UTF-8")
		}
	}
	if err != nil {
		return nil, rpc.New(codes.InvalidArgument, "QUERY_INVALID", "查询参数无法解析，须为 UTF-8")
	}
	return query, nil
}

// checkQuery refuses unknown, repeated and unreadable parameters by name.
func (c *call) checkQuery(query url.Values) error {
	var violations []rpc.FieldViolation
	seen := make(map[string]bool, len(query))
	for _, key := range sortedKeys(query) {
		path, ok := c.route.rpc.queryField(key)
		switch {
		case !ok:
			violations = append(violations, rpc.FieldViolation{Field: key, Reason: "UNKNOWN_PARAMETER", Message: "没有这个查询参数"})
			continue
		case seen[path]:
			violations = append(violations, rpc.FieldViolation{Field: path, Reason: "DUPLICATE_PARAMETER", Message: "查询参数重复"})
			continue
		}
		seen[path] = true
		scratch := c.route.rpc.request.New().Interface()
		if runtime.PopulateQueryParameters(scratch, url.Values{key: query[key]}, utilities.NewDoubleArray(nil)) != nil {
			violations = append(violations, rpc.FieldViolation{Field: path, Reason: "VALUE_INVALID", Message: "查询参数的值类型不符"})
			continue
		}
		if c.route.rpc.mask != nil && path == string(c.route.rpc.mask.Name()) {
			c.mask = splitMask(query.Get(key))
		}
	}
	return rpc.Fields(violations...)
}

// checkIfMatch reads the precondition. One that cannot be honoured is refused
// where ignoring it could lose an update.
func (c *call) checkIfMatch(r *http.Request) error {
	match, err := ifMatch(r)
	if err != nil {
		return err
	}
	if match != "" && len(c.route.rpc.etag) == 0 && r.Method != http.MethodGet {
		return rpc.Field("if_match", "IF_MATCH_UNSUPPORTED", "此操作不支持 If-Match")
	}
	c.match = match
	return nil
}

// ifMatch reads the etag of If-Match; empty for none and for "*". A weak etag
// never matches (RFC 9110 section 13.1.1); a list cannot be passed on.
func ifMatch(r *http.Request) (string, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return "", nil
	}
	value := strings.TrimSpace(values[0])
	switch {
	case strings.HasPrefix(value, "W/"):
		return "", rpc.New(codes.Aborted, rpc.ReasonEtagStale, "弱 ETag 不能用于 If-Match")
	case len(values) > 1 || strings.Contains(value, ","):
		return "", rpc.Field("if_match", "IF_MATCH_LIST", "If-Match 只能有一个 ETag")
	case value == "*":
		return "", nil
	}
	etag := strings.Trim(value, `"`)
	if etag == "" || !printable(etag) {
		return "", rpc.Field("if_match", "IF_MATCH_INVALID", "If-Match 须为一个 ETag")
	}
	return etag, nil
}

// checkBody reads the body whole, within its limit, and checks every field of it.
func (c *call) checkBody(w http.ResponseWriter, r *http.Request) error {
	if c.route.rpc.body == nil {
		return nil
	}
	raw, err := readBody(w, r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	r.ContentLength = int64(len(raw))
	if len(raw) == 0 {
		return nil
	}
	if err := checkContentType(r); err != nil {
		return err
	}
	prefix := ""
	if c.route.rpc.resource != nil {
		prefix = string(c.route.rpc.resource.Name())
	}
	c.present, err = checkJSON(raw, c.route.rpc.body, prefix)
	return err
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxJSON {
		return nil, errTooLarge(maxJSON)
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, errTooLarge(maxJSON)
	}
	if err != nil {
		return nil, errBodyCut()
	}
	return raw, nil
}

// checkContentType wants JSON in UTF-8 as it is. A page of another origin cannot
// send it without asking first (CORS).
func checkContentType(r *http.Request) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" ||
		(params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8")) ||
		r.Header.Get("Content-Encoding") != "" {
		return errNotJSON()
	}
	return nil
}

// splitMask cuts updateMask at its commas.
func splitMask(value string) []string {
	return strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })
}

func sortedKeys(query url.Values) []string {
	keys := make([]string, 0, len(query))
	for key := range query {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
