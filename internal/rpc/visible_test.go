package rpc_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

func TestNamed(t *testing.T) {
	const pattern = "regions/{region}/documents/{document}"
	signedIn := auth.WithCaller(t.Context(), auth.Caller{Person: "regions/120105/people/p1", Region: "regions/120105"})
	for _, c := range []struct {
		ctx    context.Context
		name   string
		code   codes.Code
		reason string
	}{
		{signedIn, "regions/120105/documents/a", codes.OK, ""},
		{signedIn, "regions/120106/documents/a", codes.NotFound, rpc.ReasonNotFound},
		{signedIn, "regions/120105/cases/a", codes.InvalidArgument, "RESOURCE_NAME_INVALID"},
		{signedIn, "", codes.InvalidArgument, "RESOURCE_NAME_INVALID"},
		{t.Context(), "regions/120105/documents/a", codes.Unauthenticated, rpc.ReasonTokenMissing},
	} {
		_, err := rpc.Named(c.ctx, pattern, c.name)
		expect(t, err, c.code, c.reason)
	}
}

func TestVisible(t *testing.T) {
	who := auth.Caller{Person: "regions/1/people/p1", Bureau: "regions/1/bureaus/b2", Predecessors: []string{"regions/1/bureaus/b1"}}
	for viewer, want := range map[string]codes.Code{
		"regions/1/people/p1":      codes.OK,
		"regions/1/bureaus/b1":     codes.OK,
		"regions/1/bureaus/b2":     codes.OK,
		"regions/1/bureaus/b3":     codes.NotFound,
		"regions/1/roles/reviewer": codes.NotFound,
	} {
		err := rpc.Visible(who, docstore.Meta{Viewers: []string{"regions/1/bureaus/other", viewer}}, "regions/1/documents/x")
		if status.Code(err) != want {
			t.Errorf("a document for %s: %v, want %v", viewer, err, want)
		}
	}
	if err := rpc.Visible(who, docstore.Meta{}, "x"); status.Code(err) != codes.NotFound {
		t.Errorf("a document for nobody: %v", err)
	}
}

func TestFresh(t *testing.T) {
	meta := docstore.Meta{Etag: "e2"}
	for etag, want := range map[string]error{"": nil, "e2": nil, "e1": docstore.ErrConflict} {
		if err := rpc.Fresh(etag, meta); !errors.Is(err, want) {
			t.Errorf("Fresh(%q) = %v, want %v", etag, err, want)
		}
	}
}

func TestMaskFields(t *testing.T) {
	bureau := &directoryv1.Bureau{Name: "n", DisplayName: "示例局", Uscc: "u"}
	for _, c := range []struct {
		paths  []string
		want   map[string]bool
		reason string
	}{
		{nil, map[string]bool{"display_name": true}, ""},
		{[]string{"*"}, map[string]bool{"display_name": true, "kind": true}, ""},
		{[]string{"kind"}, map[string]bool{"kind": true}, ""},
		{[]string{"kind", "uscc"}, nil, "FIELD_NOT_CHANGEABLE"},
		{[]string{"*", "kind"}, nil, "FIELD_NOT_CHANGEABLE"},
	} {
		got, err := rpc.MaskFields(bureau, &fieldmaskpb.FieldMask{Paths: c.paths}, "display_name", "kind")
		if rpc.Reason(err) != c.reason || !maps.Equal(got, c.want) {
			t.Errorf("MaskFields(%q) = %v, %v, want %v, %q", c.paths, got, err, c.want, c.reason)
		}
	}
}

func TestFilterError(t *testing.T) {
	_, wrong := resource.ParseFilter("nonsense", nil)
	expect(t, rpc.Filter(wrong), codes.InvalidArgument, "FILTER_FIELD_UNKNOWN")
	if rpc.Filter(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestUnreachable(t *testing.T) {
	for code, want := range map[codes.Code]bool{
		codes.Unavailable: true, codes.DeadlineExceeded: true, codes.Canceled: true, codes.Internal: true,
		codes.NotFound: false, codes.FailedPrecondition: false, codes.PermissionDenied: false,
	} {
		if got := rpc.Unreachable(status.Error(code, "x")) != nil; got != want {
			t.Errorf("Unreachable(%v) = %v, want %v", code, got, want)
		}
	}
}
