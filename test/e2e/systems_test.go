package e2e

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// systemRequests are the requests of the table about systems and their keys.
var systemRequests = map[string]func(n names) proto.Message{
	systemService + "CreateSystem": func(n names) proto.Message {
		return &directoryv1.CreateSystemRequest{Parent: n.region, System: &directoryv1.System{
			DisplayName: "示例办公系统", Bureau: n.region + "/bureaus/" + absentID,
		}}
	},
	systemService + "GetSystem":   func(n names) proto.Message { return &directoryv1.GetSystemRequest{Name: n.system} },
	systemService + "ListSystems": func(n names) proto.Message { return &directoryv1.ListSystemsRequest{Parent: n.region} },
	systemService + "SetSystemRoles": func(n names) proto.Message {
		return &directoryv1.SetSystemRolesRequest{Name: n.system, Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}
	},
	systemService + "DisableSystem": func(n names) proto.Message { return &directoryv1.DisableSystemRequest{Name: n.retired} },
	systemService + "CreateApiKey": func(n names) proto.Message {
		return &directoryv1.CreateApiKeyRequest{Parent: n.system, ApiKey: &directoryv1.ApiKey{
			DisplayName: "示例密钥", Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, Services: []string{"filing"},
			ExpireTime: timestamppb.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		}}
	},
	systemService + "GetApiKey":    func(n names) proto.Message { return &directoryv1.GetApiKeyRequest{Name: n.apiKey} },
	systemService + "ListApiKeys":  func(n names) proto.Message { return &directoryv1.ListApiKeysRequest{Parent: n.system} },
	systemService + "RevokeApiKey": func(n names) proto.Message { return &directoryv1.RevokeApiKeyRequest{Name: n.apiKey} },
}

// connect adds a system that drafts for a bureau.
func (w *world) connect(t *testing.T, bureau string) string {
	t.Helper()
	y := &directoryv1.System{}
	w.must(t, "sysadmin", systemService+"CreateSystem", &directoryv1.CreateSystemRequest{
		Parent: region, System: &directoryv1.System{DisplayName: "示例办公系统", Bureau: w.bureau[bureau]},
	}, y)
	w.must(t, "secadmin", systemService+"SetSystemRoles", &directoryv1.SetSystemRolesRequest{
		Name: y.GetName(), Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER},
	}, y)
	return y.GetName()
}

// keyFor makes a key of a system that drafts, good for services and a day.
func (w *world) keyFor(t *testing.T, system string, services ...string) *directoryv1.ApiKey {
	t.Helper()
	k := &directoryv1.ApiKey{}
	w.must(t, "secadmin", systemService+"CreateApiKey", &directoryv1.CreateApiKeyRequest{Parent: system, ApiKey: &directoryv1.ApiKey{
		DisplayName: "示例密钥", Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, Services: services,
		ExpireTime: timestamppb.New(w.clock.time().Add(24 * time.Hour)),
	}}, k)
	return k
}

// An office system drafts and submits with its key as the bureau's staff would,
// under its own name, and only within the key's scope, until the key is revoked.
func TestSystemSubmitsWithItsKey(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		system := w.connect(t, labour)
		key := w.keyFor(t, system, "filing")
		d := &filingv1.Document{}
		f := w.call(t.Context(), key.GetToken(), filingService+"CreateDocument", &filingv1.CreateDocumentRequest{
			Parent: region, Document: &filingv1.Document{
				Title: "示例区见习补贴管理办法", IssuingAuthority: w.bureau[government],
				OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
			},
		}, d)
		if f != nil {
			t.Fatalf("create: %v", f)
		}
		if d.GetDraftingUnit() != w.bureau[labour] || d.GetDrafter() != system {
			t.Errorf("drafted by %s of %s", d.GetDrafter(), d.GetDraftingUnit())
		}
		up := &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "draft.docx"}
		if _, f := w.uploadRevision(t.Context(), key.GetToken(), up, bytes.NewReader(draft(t, "1200"))); f != nil {
			t.Errorf("upload: %v", f)
		}
		history := &filingv1.ListDocumentHistoryResponse{}
		w.must(t, "drafter", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName()}, history)
		for _, e := range history.GetHistory() {
			if e.GetActor() != system || e.GetOnBehalfOf() != "" {
				t.Errorf("on record is %s for %q", e.GetActor(), e.GetOnBehalfOf())
			}
		}
		if len(history.GetHistory()) != 2 {
			t.Errorf("%d entries on record, want 2", len(history.GetHistory()))
		}

		f = w.call(t.Context(), key.GetToken(), systemService+"GetSystem", &directoryv1.GetSystemRequest{Name: system}, &directoryv1.System{})
		if f == nil || f.reason != "API_KEY_SCOPE" {
			t.Errorf("out of scope: %v", f)
		}
		w.must(t, "secadmin", systemService+"RevokeApiKey", &directoryv1.RevokeApiKeyRequest{Name: key.GetName()}, &directoryv1.ApiKey{})
		w.ends(t, "after the revocation", func() *failure {
			return w.call(t.Context(), key.GetToken(), filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, d)
		})
	})
}
