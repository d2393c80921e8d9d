package rpc

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
)

// Named answers the caller of a request about a resource, after checking that
// the name has the form of the pattern and lies in the caller's region. Another
// region is as absent as a resource that does not exist.
func Named(ctx context.Context, pattern, name string) (auth.Caller, error) {
	who, ok := auth.CallerFrom(ctx)
	if !ok {
		return who, New(codes.Unauthenticated, ReasonTokenMissing, "请先登录")
	}
	if _, ok := resource.Match(pattern, name); !ok {
		return who, Field("name", "RESOURCE_NAME_INVALID", "资源名应当形如 "+pattern)
	}
	if resource.Region(name) != who.Region {
		return who, NotFound(name)
	}
	return who, nil
}

// Visible answers NOT_FOUND unless the caller is among the viewers.
func Visible(who auth.Caller, meta docstore.Meta, name string) error {
	if among(who.Viewers(), meta) {
		return nil
	}
	return NotFound(name)
}

// Insider answers PERMISSION_DENIED where the caller sees a document only because the
// bureau is asked for its opinion. Rules call it after [Visible].
func Insider(who auth.Caller, meta docstore.Meta) error {
	if among(who.Insiders(), meta) {
		return nil
	}
	return New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "被征求意见的单位只能查看送审稿及其说明、依据")
}

func among(viewers []string, meta docstore.Meta) bool {
	return slices.ContainsFunc(viewers, func(v string) bool { return slices.Contains(meta.Viewers, v) })
}

// Fresh answers a conflict when the caller names another version than the one
// that is there. Rules call it after [Visible], so that a stale etag tells a
// stranger nothing.
func Fresh(etag string, meta docstore.Meta) error {
	if etag != "" && etag != meta.Etag {
		return docstore.ErrConflict
	}
	return nil
}
