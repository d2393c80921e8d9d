package directory

import (
	"crypto/subtle"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

// Rules of systems and their keys. They are pure: times come in.

// maxKeyLife is how long a key may be good: a year, and time to change it.
const maxKeyLife = 400 * 24 * time.Hour

// forSystems tells the roles a program may use. A legality opinion is a reviewer's
// and legal advice counsel's, in person, and the three administrators answer for
// what they do.
func forSystems(r corev1.Role) bool {
	switch r {
	case corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_MARKET_REGULATOR, corev1.Role_ROLE_GENERAL_OFFICE:
		return true
	}
	return false
}

// setSystemRoles replaces the roles a system may use, in the order of the enum.
func setSystemRoles(y *directoryv1.System, roles []corev1.Role) error {
	if err := checkActive(y); err != nil {
		return err
	}
	for _, r := range roles {
		if !forSystems(r) {
			return rpc.Field("roles", "ROLE_NEEDS_PERSON", "合法性审核、法律顾问和系统、安全保密、审计管理只能由人员办理，不得授予其他系统")
		}
	}
	y.Roles = slices.Clone(roles)
	slices.Sort(y.Roles)
	return nil
}

func checkActive(y *directoryv1.System) error {
	if y.GetState() != directoryv1.System_DISABLED {
		return nil
	}
	return rpc.Refused(rpc.Refusal{
		Code: "SYSTEM_DISABLED", Message: y.GetDisplayName() + "已停用",
		Metadata: map[string]string{"system": y.GetName()},
	})
}

// checkKey refuses a key that may more than its system, or that has no end.
func checkKey(y *directoryv1.System, k *directoryv1.ApiKey, now time.Time) error {
	if err := checkActive(y); err != nil {
		return err
	}
	for _, r := range k.GetRoles() {
		if !slices.Contains(y.GetRoles(), r) {
			return rpc.Field("api_key.roles", "ROLE_NOT_GRANTED", "密钥的角色不得超出系统的角色")
		}
	}
	expires := k.GetExpireTime()
	if !expires.IsValid() || !now.Before(expires.AsTime()) || expires.AsTime().Sub(now) > maxKeyLife {
		return rpc.Field("api_key.expire_time", "EXPIRE_TIME_INVALID", "到期时间应当在现在之后，且不超过400天")
	}
	return nil
}

// goodFor tells whether a key that was presented with a secret is good, and if
// not, why.
func goodFor(k *storagev1.ApiKey, y *directoryv1.System, secretHash []byte, now time.Time) error {
	switch {
	case subtle.ConstantTimeCompare(k.GetSecretHash(), secretHash) != 1:
		return auth.ErrInvalidToken
	case k.GetRevokeTime() != nil, y.GetState() == directoryv1.System_DISABLED:
		return auth.ErrRevokedToken
	case !now.Before(k.GetExpireTime().AsTime()):
		return auth.ErrExpiredToken
	}
	return nil
}

// keyRoles are those of a key that its system still has.
func keyRoles(k *storagev1.ApiKey, y *directoryv1.System) []corev1.Role {
	return slices.DeleteFunc(slices.Clone(k.GetRoles()), func(r corev1.Role) bool {
		return !slices.Contains(y.GetRoles(), r)
	})
}

// useHour is the hour in which a key is used; a key is written down as used once
// an hour at most, and not on every call.
func useHour(now time.Time) *timestamppb.Timestamp { return timestamppb.New(now.Truncate(time.Hour)) }

// served is what of a kept key may be told.
func served(k *storagev1.ApiKey) *directoryv1.ApiKey {
	return &directoryv1.ApiKey{
		Name:        k.GetName(),
		DisplayName: k.GetDisplayName(),
		Roles:       k.GetRoles(),
		Services:    k.GetServices(),
		ExpireTime:  k.GetExpireTime(),
		RevokeTime:  k.GetRevokeTime(),
		LastUseTime: k.GetLastUseTime(),
		CreateTime:  k.GetCreateTime(),
	}
}
