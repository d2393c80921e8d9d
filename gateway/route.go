package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/oidc"
	"fashen/internal/rpc"
)

// route is one method on one path shape.
type route struct {
	method string
	// segments of the path; "*" stands for one id.
	segments []string
	// verb follows a colon in the last segment; empty for none.
	verb string
	// rpc is what the generated handler calls; nil where serve answers.
	rpc *binding
	// serve answers routes that are not generated.
	serve func(http.ResponseWriter, *http.Request, *call) error
}

// call is what the gateway knows of one request.
type call struct {
	route *route
	// ids are the path segments under "*", in order.
	ids []string
	// metadata is all that the service is sent.
	metadata metadata.MD
	// match is the etag of If-Match; empty when any version will do.
	match string
	// mask is the updateMask parameter; empty when there is none.
	mask []string
	// present are the top-level fields of the body.
	present []protoreflect.FieldDescriptor
}

type callKey struct{}

// callFrom gives the call that serveRoute put into the context.
func callFrom(ctx context.Context) (*call, bool) {
	c, ok := ctx.Value(callKey{}).(*call)
	return c, ok
}

// path gives the shape as OpenAPI would, with "*" for ids.
func (rt *route) path() string {
	p := "/" + strings.Join(rt.segments, "/")
	if rt.verb != "" {
		p += ":" + rt.verb
	}
	return p
}

// match tells whether the path has the route's shape, and answers its ids. Ids
// never hold a colon (internal/resource), so that a verb is never part of one.
func (rt *route) match(segments []string, verb string) (ids []string, ok bool) {
	if len(segments) != len(rt.segments) || verb != rt.verb {
		return nil, false
	}
	for i, want := range rt.segments {
		if want == "*" {
			if segments[i] == "" {
				return nil, false
			}
			ids = append(ids, segments[i])
		} else if segments[i] != want {
			return nil, false
		}
	}
	return ids, true
}

// splitPath cuts "/v1/a/b:verb" into its segments and its verb.
func splitPath(path string) (segments []string, verb string) {
	segments = strings.Split(strings.TrimPrefix(path, "/"), "/")
	last := len(segments) - 1
	segments[last], verb, _ = strings.Cut(segments[last], ":")
	return segments, verb
}

// find answers the route of a request, or the methods the path has. A path that is
// not UTF-8 names nothing.
func (g *gateway) find(method, path string) (rt *route, ids []string, allowed []string) {
	if !utf8.ValidString(path) {
		return nil, nil, nil
	}
	segments, verb := splitPath(path)
	for _, candidate := range g.routes {
		ids, ok := candidate.match(segments, verb)
		if !ok {
			continue
		}
		if candidate.method == method {
			return candidate, ids, nil
		}
		if !slices.Contains(allowed, candidate.method) {
			allowed = append(allowed, candidate.method)
		}
	}
	return nil, nil, allowed
}

// serveRoute finds the route, checks the request against it, and hands it on.
func (g *gateway) serveRoute(w http.ResponseWriter, r *http.Request) {
	rt, ids, allowed := g.find(r.Method, r.URL.Path)
	switch {
	case rt == nil && len(allowed) == 0:
		g.writeError(w, r, errNoRoute())
		return
	case rt == nil:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		g.writeError(w, r, errWrongMethod(r.Method))
		return
	}
	md, err := g.passedOn(r)
	if err != nil {
		g.writeError(w, r, err)
		return
	}
	c := &call{route: rt, ids: ids, metadata: md}
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	if rt.serve != nil {
		if err := rt.serve(w, r, c); err != nil {
			g.writeError(w, r, err)
		}
		return
	}
	if err := c.check(w, r); err != nil {
		g.writeError(w, r, err)
		return
	}
	g.json.ServeHTTP(w, r)
}

// passedOn picks what a service may learn from the headers, and tells it the
// client's address. Nothing else passes: a client cannot pose as a service or set
// metadata.
func (g *gateway) passedOn(r *http.Request) (metadata.MD, error) {
	md := metadata.Pairs("traceparent", r.Header.Get("traceparent"))
	if client := g.proxies.client(r); client != "" {
		md.Set(rpc.MetadataClient, client)
	}
	authorization := r.Header.Get("authorization")
	if authorization == "" && g.browser != nil {
		var err error
		if authorization, err = g.browser.authorization(r); err != nil {
			return nil, err
		}
	}
	for name, v := range map[string]string{"authorization": authorization, "accept-language": r.Header.Get("accept-language")} {
		if v != "" && printable(v) {
			md.Set(name, v)
		}
	}
	return md, nil
}

// printable tells whether a header may be gRPC metadata: ASCII without controls.
func printable(v string) bool {
	for i := range len(v) {
		if v[i] < 0x20 || v[i] > 0x7e {
			return false
		}
	}
	return true
}

// buildRoutes reads the http rules of every service and adds the gateway's own.
func (g *gateway) buildRoutes() ([]*route, error) {
	var routes []*route
	for _, s := range g.services {
		methods := s.descriptor.Methods()
		for i := range methods.Len() {
			of, err := rpcRoutes(methods.Get(i))
			if err != nil {
				return nil, err
			}
			routes = append(routes, of...)
		}
	}
	own, err := g.ownRoutes(routes)
	return append(routes, own...), err
}

// ownRoutes are the routes without an http rule.
func (g *gateway) ownRoutes(rpcs []*route) ([]*route, error) {
	description, err := openAPI(rpcs)
	if err != nil {
		return nil, err
	}
	const document = "/v1/regions/*/documents/*"
	type own struct {
		method, path string
		serve        func(http.ResponseWriter, *http.Request, *call) error
	}
	table := []own{
		{http.MethodPost, document + "/revisions:upload", g.uploadRevision},
		{http.MethodGet, document + "/revisions/*:download", g.downloadRevision},
		{http.MethodGet, document + "/revisions/*:annotate", made(g, g.filing.AnnotateRevision)},
		{http.MethodGet, document + "/revisions/*:redline", made(g, g.filing.RedlineRevision)},
		{http.MethodGet, "/v1/regions/*/cases/*/opinions/*:download", made(g, g.letters.DownloadOpinion)},
		{http.MethodGet, "/v1/regions/*/cases/*/opinions/*:annotate", made(g, g.letters.AnnotateOpinion)},
		{http.MethodGet, "/v1/regions/*/cases/*:downloadNotice", made(g, g.letters.DownloadNotice)},
		{http.MethodGet, "/v1/regions/*/cases/*/letters/*:download", made(g, g.letters.DownloadLetter)},
		{http.MethodGet, "/v1/regions/*/jurisdictionProfiles/*:previewLetter", made(g, g.letters.PreviewLetter)},
		{http.MethodPost, document + "/materials/*:upload", g.uploadMaterial},
		{http.MethodGet, document + "/materials/*:download", g.downloadMaterial},
		{http.MethodPost, "/v1/regions/*/matters/*/files/*:upload", g.uploadMatterFile},
		{http.MethodGet, "/v1/regions/*/matters/*/files/*:download", g.downloadMatterFile},
		{http.MethodGet, "/v1/regions/*/events:watch", g.watch},
		{http.MethodGet, "/v1/global/events:watch", g.watch},
		{http.MethodGet, "/openapi.json", static("application/json", description)},
		{http.MethodGet, "/docs", static("text/html; charset=utf-8", docsPage)},
		{http.MethodGet, "/docs/page.js", static("text/javascript; charset=utf-8", docsScript)},
		{http.MethodGet, "/docs/page.css", static("text/css; charset=utf-8", docsStyle)},
		{http.MethodGet, "/verify", g.showVerification},
		{http.MethodPost, "/verify", g.verify},
		{http.MethodGet, "/verify/page.css", static("text/css; charset=utf-8", verifyStyle)},
		{http.MethodGet, "/healthz", g.alive},
		{http.MethodGet, "/readyz", g.ready},
	}
	if b := g.browser; b != nil {
		table = append(table, []own{
			{http.MethodGet, startPath, shown(b.start)},
			{http.MethodGet, oidc.CallbackPath, shown(b.finish)},
			{http.MethodPost, refreshPath, b.refresh},
			{http.MethodPost, signOutPath, b.signOut},
		}...)
	}
	var routes []*route
	for _, entry := range table {
		segments, verb := splitPath(entry.path)
		routes = append(routes, &route{method: entry.method, segments: segments, verb: verb, serve: entry.serve})
	}
	return routes, nil
}

// rpcRoutes makes the routes of one RPC; none when it has no http rule.
func rpcRoutes(method protoreflect.MethodDescriptor) ([]*route, error) {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil, nil
	}
	access, _ := proto.GetExtension(method.Options(), corev1.E_Access).(*corev1.Access)
	if access.GetServiceOnly() || access.GetServiceItself() || access.GetGatewayOnly() {
		return nil, fmt.Errorf("gateway: %s is for services only and must have no http rule", method.FullName())
	}
	var routes []*route
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		verb, template := methodAndTemplate(r)
		segments, custom, bound := parseTemplate(template)
		rpc, err := newBinding(method, r.GetBody(), bound)
		if err != nil {
			return nil, err
		}
		routes = append(routes, &route{method: verb, segments: segments, verb: custom, rpc: rpc})
	}
	return routes, nil
}

func methodAndTemplate(r *annotations.HttpRule) (method, template string) {
	switch p := r.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	}
	return r.GetCustom().GetKind(), r.GetCustom().GetPath()
}

// parseTemplate cuts "/v1/{name=regions/*/documents/*}:submit" into its segments
// and verb, and names the request fields its variables set.
func parseTemplate(template string) (segments []string, verb string, bound []string) {
	var plain strings.Builder
	rest := template
	for {
		before, after, found := strings.Cut(rest, "{")
		plain.WriteString(before)
		if !found {
			break
		}
		variable, tail, _ := strings.Cut(after, "}")
		name, shape, has := strings.Cut(variable, "=")
		if !has {
			shape = "*"
		}
		bound = append(bound, name)
		plain.WriteString(shape)
		rest = tail
	}
	segments, verb = splitPath(plain.String())
	return segments, verb, bound
}
