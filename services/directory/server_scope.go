package directory

import (
	"context"

	"google.golang.org/grpc/codes"

	"fashen/internal/auth"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// Shapes of the names of the directory.
const (
	regionPattern     = "regions/{region}"
	bureauPattern     = "regions/{region}/bureaus/{bureau}"
	personPattern     = "regions/{region}/people/{person}"
	systemPattern     = "regions/{region}/systems/{system}"
	apiKeyPattern     = systemPattern + "/apiKeys/{api_key}"
	webhookPattern    = systemPattern + "/webhooks/{webhook}"
	deliveryPattern   = webhookPattern + "/deliveries/{delivery}"
	delegationPattern = "regions/{region}/delegations/{delegation}"
	profilePattern    = "regions/{region}/jurisdictionProfiles/{jurisdiction_profile}"
	calendarPattern   = "calendars/{calendar}"
)

// callerOf tells who calls. The interceptors let nobody through to a method
// that needs a caller without one.
func callerOf(ctx context.Context) (auth.Caller, error) {
	caller, ok := auth.CallerFrom(ctx)
	if !ok {
		return auth.Caller{}, rpc.New(codes.Unauthenticated, rpc.ReasonTokenMissing, "请先登录")
	}
	return caller, nil
}

// personOf tells which person calls; what concerns a sign-in is not for systems,
// which have none.
func personOf(ctx context.Context) (auth.Caller, error) {
	caller, err := callerOf(ctx)
	if err == nil && caller.IsSystem() {
		err = rpc.New(codes.PermissionDenied, "PERSON_REQUIRED", "该方法仅供登录人员使用，不接受接口密钥")
	}
	return caller, err
}

// inPerson tells which person calls, and refuses a delegate: who acts in another's
// place delegates nothing further and ends no session of theirs.
func inPerson(ctx context.Context) (auth.Caller, error) {
	caller, err := personOf(ctx)
	if err == nil && caller.Delegate != "" {
		err = rpc.New(codes.PermissionDenied, "DELEGATE_FORBIDDEN", "代理他人期间不能进行此操作，请以本人身份办理")
	}
	return caller, err
}

// checkShape refuses what is no name of a pattern.
func checkShape(field, pattern, name string) error {
	if _, ok := resource.Match(pattern, name); !ok {
		return rpc.Field(field, "RESOURCE_NAME_INVALID", "资源名称应为"+pattern+"的形式")
	}
	return nil
}

// own checks the shape of a name and that it lies in the caller's region; what
// lies elsewhere does not exist for the caller.
func own(ctx context.Context, field, pattern, name string) (auth.Caller, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return auth.Caller{}, err
	}
	if err := checkShape(field, pattern, name); err != nil {
		return auth.Caller{}, err
	}
	if resource.Region(name) != caller.Region {
		return auth.Caller{}, rpc.NotFound(name)
	}
	return caller, nil
}

// readFilter reads a filter with string fields only.
func readFilter(filter string, fields ...string) (map[string]any, error) {
	allowed := make(map[string]resource.FieldKind, len(fields))
	for _, f := range fields {
		allowed[f] = resource.String
	}
	equal, err := resource.ParseFilter(filter, allowed)
	return equal, rpc.Filter(err)
}
