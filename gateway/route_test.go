package gateway

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// withRoutes is a gateway with its routes and without connections.
func withRoutes(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{filing: filingv1.NewFilingServiceClient(nil), letters: counselv1.NewLetterServiceClient(nil)}
	for _, c := range contracts() {
		g.services = append(g.services, service{contract: c})
	}
	routes, err := g.buildRoutes()
	if err != nil {
		t.Fatal(err)
	}
	g.routes = routes
	return g
}

// TestEveryRPCIsReachedOrForServices holds the contract against the routes: an RPC
// has a route, or is a stream that a transfer carries, or is for services only.
func TestEveryRPCIsReachedOrForServices(t *testing.T) {
	g := withRoutes(t)
	routed := map[protoreflect.FullName]bool{}
	for _, rt := range g.routes {
		if rt.rpc != nil {
			routed[rt.rpc.method.FullName()] = true
		}
	}
	for _, s := range g.services {
		for i := range s.descriptor.Methods().Len() {
			method := s.descriptor.Methods().Get(i)
			access, _ := proto.GetExtension(method.Options(), corev1.E_Access).(*corev1.Access)
			streams := method.IsStreamingClient() || method.IsStreamingServer()
			if want := !streams && !access.GetServiceOnly() && !access.GetGatewayOnly(); routed[method.FullName()] != want {
				t.Errorf("%s: routed %v, want %v", method.FullName(), !want, want)
			}
		}
	}
}

// TestRoutesAreDistinct: a path and method lead to one route only.
func TestRoutesAreDistinct(t *testing.T) {
	g := withRoutes(t)
	for i, a := range g.routes {
		for _, b := range g.routes[i+1:] {
			if a.method != b.method || a.verb != b.verb || len(a.segments) != len(b.segments) {
				continue
			}
			same := true
			for j := range a.segments {
				same = same && (a.segments[j] == b.segments[j] || a.segments[j] == "*" || b.segments[j] == "*")
			}
			if same {
				t.Errorf("%s %s and %s", a.method, a.path(), b.path())
			}
		}
	}
}

// TestOpenAPI: what is described is what is routed, every reference leads
// somewhere, and names of operations are unique.
func TestOpenAPI(t *testing.T) {
	g := withRoutes(t)
	var routed []string
	var rpcs []*route
	for _, rt := range g.routes {
		if strings.HasPrefix(rt.path(), "/v1/") {
			routed = append(routed, rt.method+" "+rt.path())
		}
		if rt.rpc != nil {
			rpcs = append(rpcs, rt)
		}
	}
	raw, err := openAPI(rpcs)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Roles       []string `json:"x-fashen-roles"`
			Parameters  []map[string]any
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\{[^}]*\}`)
	var described, ids []string
	for path, operations := range doc.Paths {
		for method, operation := range operations {
			described = append(described, strings.ToUpper(method)+" "+variable.ReplaceAllString(path, "*"))
			ids = append(ids, operation.OperationID)
		}
	}
	slices.Sort(routed)
	slices.Sort(described)
	if !slices.Equal(routed, described) {
		t.Errorf("routed\n%v\ndescribed\n%v", routed, described)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(described) {
		t.Error("operation ids repeat")
	}
	update := doc.Paths["/v1/regions/{region}/documents/{document}"]["patch"]
	if !strings.Contains(string(raw), "fashen.gateway.Error") || len(update.Roles) == 0 ||
		!slices.ContainsFunc(update.Parameters, func(p map[string]any) bool { return p["$ref"] == "#/parameters/updateMask" }) ||
		!slices.ContainsFunc(update.Parameters, func(p map[string]any) bool { return p["$ref"] == "#/parameters/ifMatch" }) {
		t.Errorf("the update lacks mask, precondition or roles: %+v", update)
	}
	checkReferences(t, raw)
}

func checkReferences(t *testing.T, raw []byte) {
	t.Helper()
	var whole node
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"\$ref":"#/([^"]*)"`).FindAllSubmatch(raw, -1) {
		at := whole
		for part := range strings.SplitSeq(string(m[1]), "/") {
			at = child(at, part)
		}
		if at == nil {
			t.Errorf("%s leads nowhere", m[1])
		}
	}
}

// TestServiceOnlyIsNotExposed: an http rule on an RPC for services, or on a stream,
// fails the start.
func TestServiceOnlyIsNotExposed(t *testing.T) {
	file := protodesc.ToFileDescriptorProto(filingv1.File_fashen_filing_v1_filing_service_proto)
	for _, method := range file.GetService()[0].GetMethod() {
		if method.GetName() == "SetDocumentViewer" || method.GetName() == "DownloadRevision" {
			proto.SetExtension(method.Options, annotations.E_Http, &annotations.HttpRule{
				Pattern: &annotations.HttpRule_Get{Get: "/v1/{name=regions/*/documents/*}:x"},
			})
		}
	}
	changed, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	methods := changed.Services().Get(0).Methods()
	for _, name := range []protoreflect.Name{"SetDocumentViewer", "DownloadRevision"} {
		if routes, err := rpcRoutes(methods.ByName(name)); err == nil {
			t.Errorf("%s has the routes %v", name, routes)
		}
	}
}
