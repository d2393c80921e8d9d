package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
)

// AccessOf answers the access rule a method declares; nil when it declares none.
func AccessOf(method protoreflect.MethodDescriptor) *corev1.Access {
	options := method.Options()
	if options == nil || !proto.HasExtension(options, corev1.E_Access) {
		return nil
	}
	access, _ := proto.GetExtension(options, corev1.E_Access).(*corev1.Access)
	return access
}

// authorize tells who calls and whether the method may be called, by the
// method's access rule. The context it answers holds the caller, if any.
func (c *chain) authorize(ctx context.Context, m *method) (context.Context, error) {
	if m.access == nil {
		return ctx, New(codes.PermissionDenied, ReasonNoAccessRule, "该方法未声明访问规则，拒绝一切调用")
	}
	if m.access.GetAnyone() {
		return ctx, c.limiters.signIns.take(c.clientOf(ctx))
	}
	if m.access.GetServiceItself() {
		return c.serviceItself(ctx)
	}
	if m.access.GetGatewayOnly() {
		return ctx, cmp.Or(c.fromGateway(ctx), c.limiters.signIns.take(c.clientOf(ctx)))
	}
	caller, err := c.authenticate(ctx)
	if err != nil {
		return ctx, err
	}
	if caller.Vouched != "" && (caller.Via == "" || len(m.access.GetRoles()) > 0) {
		return ctx, New(codes.Unauthenticated, ReasonTokenInvalid, "服务凭证无效")
	}
	ctx = auth.WithCaller(ctx, caller)
	if m.service != sharedService {
		if err := Reach(caller, m.service); err != nil {
			return ctx, err
		}
	}
	switch {
	case m.access.GetSignedIn():
		return ctx, nil
	case m.access.GetServiceOnly():
		if caller.Via == "" {
			return ctx, New(codes.PermissionDenied, ReasonServiceOnly, "该方法仅供系统内部服务调用")
		}
		return ctx, nil
	case caller.HasAny(m.access.GetRoles()...):
		return ctx, nil
	}
	return ctx, New(codes.PermissionDenied, ReasonRoleRequired, "当前角色无权进行此操作")
}

// serviceItself lets in a service that calls in its own name.
func (c *chain) serviceItself(ctx context.Context) (context.Context, error) {
	service, err := c.service(ctx)
	switch {
	case err != nil:
		return ctx, cmp.Or(c.limiters.unauthenticated.take(c.clientOf(ctx)), err)
	case service == "":
		if _, err := c.authenticate(ctx); err != nil {
			return ctx, err
		}
	case service != servicePrefix+GatewayService:
		return auth.WithCaller(ctx, auth.Caller{Person: service, Via: service}), nil
	}
	return ctx, New(codes.PermissionDenied, ReasonServiceOnly, "该方法仅供系统内部服务调用")
}

// servicePrefix begins the name of a service as an actor.
const servicePrefix = "services/"

// fromGateway refuses whoever does not prove to be the gateway.
func (c *chain) fromGateway(ctx context.Context) error {
	service, err := c.service(ctx)
	if err != nil || service != servicePrefix+GatewayService {
		return New(codes.PermissionDenied, ReasonServiceOnly, "该方法仅供网关调用")
	}
	return nil
}

// sharedService is the package of RPCs that are about other services: they name
// the one they are about, and the method itself asks [Reach].
const sharedService = "core"

// Reach answers PERMISSION_DENIED where the caller's key is not good for a service.
func Reach(caller auth.Caller, service string) error {
	if caller.Reaches(service) {
		return nil
	}
	return New(codes.PermissionDenied, ReasonKeyScope, "该接口密钥的使用范围不包含此服务", "service", service)
}

// authenticate tells who calls and which service passed the call on, and counts
// the call.
func (c *chain) authenticate(ctx context.Context) (auth.Caller, error) {
	caller, err := c.user(ctx)
	var service string
	if err == nil {
		service, err = c.service(ctx)
	}
	if status.Code(err) == codes.Unauthenticated {
		if limited := c.limiters.unauthenticated.take(c.clientOf(ctx)); limited != nil {
			return caller, limited
		}
	}
	if err != nil {
		return caller, err
	}
	if service != "" && service != servicePrefix+GatewayService {
		caller.Via = service
		return caller, nil
	}
	return caller, c.limiters.callers.take(sideOf(caller))
}

// user checks the token of a person or the key of a system.
func (c *chain) user(ctx context.Context) (auth.Caller, error) {
	values := metadata.ValueFromIncomingContext(ctx, auth.MetadataUser)
	if len(values) == 0 {
		return auth.Caller{}, New(codes.Unauthenticated, ReasonTokenMissing, "请先登录")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "bearer") {
		return auth.Caller{}, New(codes.Unauthenticated, ReasonTokenInvalid, "登录凭证无效，请重新登录")
	}
	caller, err := c.options.Verifier.Caller(ctx, strings.TrimSpace(token))
	return caller, TokenFailure(err)
}

type signedInKey struct{}

// StillSignedIn answers UNAUTHENTICATED once the token a stream was opened with
// has ended or is revoked. Streams that stay open ask before they tell more.
func StillSignedIn(ctx context.Context) error {
	check, ok := ctx.Value(signedInKey{}).(func() error)
	if !ok {
		return New(codes.Unauthenticated, ReasonTokenMissing, "请先登录")
	}
	return check()
}

// service checks the calling service's token; empty when there is none. Over TCP
// it counts only from a process with a certificate: a token that leaked is of no use
// to others.
func (c *chain) service(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, auth.MetadataService)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		if from, ok := peer.FromContext(ctx); !ok || !proven(from.AuthInfo) {
			return "", New(codes.Unauthenticated, ReasonServiceCertificate, "服务凭证须经内存连接或者出示有效证书的连接使用")
		}
		service, err := c.options.Verifier.Service(values[0])
		if err != nil {
			err = fail(codes.Unauthenticated, err, ReasonServiceToken, "服务凭证无效", nil)
		}
		return service, err
	}
	return "", New(codes.Unauthenticated, ReasonServiceToken, "服务凭证无效")
}

// tokenFailures are the errors of a verifier, and what a client gets for them.
var tokenFailures = []struct {
	err             error
	reason, message string
}{
	{auth.ErrExpiredToken, ReasonTokenExpired, "登录已过期，请重新登录"},
	{auth.ErrRevokedToken, ReasonTokenRevoked, "登录已失效，请重新登录"},
	{auth.ErrUnknownPerson, ReasonPersonUnknown, "该登录名尚未在本系统登记，请联系系统管理员"},
	{auth.ErrInvalidToken, ReasonTokenInvalid, "登录凭证无效，请重新登录"},
}

// TokenFailure turns an error of a verifier into the one a client gets: what is
// wrong with the credential, or UNAVAILABLE where that could not be found out. nil
// stays nil.
func TokenFailure(err error) error {
	if err == nil {
		return nil
	}
	for _, f := range tokenFailures {
		if errors.Is(err, f.err) {
			return fail(codes.Unauthenticated, err, f.reason, f.message, nil)
		}
	}
	return fail(codes.Unavailable, err, ReasonUnavailable, "暂时无法核验登录凭证，请稍后重试", nil)
}

// TokenError is the way back: the error of a verifier behind what another process
// answered.
func TokenError(err error) error {
	for _, f := range tokenFailures {
		if Reason(err) == f.reason {
			return fmt.Errorf("%w: %w", f.err, err)
		}
	}
	return err
}
