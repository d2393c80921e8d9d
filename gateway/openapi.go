package gateway

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	openapigen "fashen/gen/openapi"
)

// The page that shows the API, and what the generated description lacks.
var (
	//go:embed docs/index.html
	docsPage []byte
	//go:embed docs/page.js
	docsScript []byte
	//go:embed docs/page.css
	docsStyle []byte
	//go:embed openapi_extra.json
	extra []byte
)

// node is an object of a JSON document.
type node = map[string]any

// openAPI completes the generated OpenAPI 2.0 description: transfers of files, the
// shape of errors, who may call, updateMask and If-Match.
func openAPI(routes []*route) ([]byte, error) {
	var doc, more node
	if err := json.Unmarshal([]byte(openapigen.Document()), &doc); err != nil {
		return nil, fmt.Errorf("gateway: reading the generated OpenAPI: %w", err)
	}
	if err := json.Unmarshal(extra, &more); err != nil {
		return nil, fmt.Errorf("gateway: reading the OpenAPI of file transfers: %w", err)
	}
	bindings := make(map[string]*binding, len(routes))
	for _, rt := range routes {
		method := rt.rpc.method
		bindings[string(method.Parent().Name())+"_"+string(method.Name())] = rt.rpc
	}
	for _, item := range child(doc, "paths") {
		for _, operation := range item.(node) {
			if operation, ok := operation.(node); ok {
				// Further bindings of one RPC are numbered.
				id, _ := operation["operationId"].(string)
				completeOperation(operation, bindings[strings.TrimRight(id, "0123456789")])
			}
		}
	}
	for key, value := range more {
		if object, ok := value.(node); ok && doc[key] != nil {
			for name, entry := range object {
				child(doc, key)[name] = entry
			}
			continue
		}
		doc[key] = value
	}
	merged, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("gateway: writing the OpenAPI: %w", err)
	}
	return merged, nil
}

// completeOperation adds what the gateway does to every operation of its kind.
func completeOperation(operation node, b *binding) {
	if answer, ok := child(operation, "responses")["default"].(node); ok {
		answer["description"] = "An error (AIP-193)."
		answer["schema"] = node{"$ref": "#/definitions/fashen.gateway.Error"}
	}
	if b == nil {
		return
	}
	parameters, _ := operation["parameters"].([]any)
	if b.mask != nil {
		for _, parameter := range parameters {
			// What a resource must have, an update need not repeat.
			delete(child(parameter.(node), "schema"), "required")
		}
		parameters = append(parameters, node{"$ref": "#/parameters/updateMask"})
	}
	if len(b.etag) > 0 {
		parameters = append(parameters, node{"$ref": "#/parameters/ifMatch"})
	}
	operation["parameters"] = parameters
	access, _ := proto.GetExtension(b.method.Options(), corev1.E_Access).(*corev1.Access)
	if access.GetAnyone() {
		operation["security"] = []any{}
	}
	roles := make([]string, len(access.GetRoles()))
	for i, role := range access.GetRoles() {
		roles[i] = role.String()
	}
	operation["x-fashen-roles"] = roles
}

func child(parent node, key string) node {
	object, _ := parent[key].(node)
	return object
}

// static answers the same bytes always.
func static(contentType string, body []byte) func(http.ResponseWriter, *http.Request, *call) error {
	return func(w http.ResponseWriter, _ *http.Request, _ *call) error {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Security-Policy", policyDocs)
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body)
		return nil
	}
}
