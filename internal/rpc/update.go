package rpc

import (
	"errors"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"fashen/internal/resource"
)

// MaskFields tells which of the changeable fields an update asks for (AIP-134):
// those of the mask; every one for `*`; those that are set without a mask. Any
// other path is refused.
func MaskFields(message proto.Message, mask *fieldmaskpb.FieldMask, changeable ...string) (map[string]bool, error) {
	fields := map[string]bool{}
	if slices.Equal(mask.GetPaths(), []string{"*"}) {
		for _, f := range changeable {
			fields[f] = true
		}
		return fields, nil
	}
	for _, path := range mask.GetPaths() {
		if !slices.Contains(changeable, path) {
			return nil, Field("update_mask", "FIELD_NOT_CHANGEABLE", "字段 "+quote(path)+" 不能用更新修改")
		}
		fields[path] = true
	}
	if len(mask.GetPaths()) > 0 {
		return fields, nil
	}
	m := message.ProtoReflect()
	for _, f := range changeable {
		if fd := m.Descriptor().Fields().ByName(protoreflect.Name(f)); fd != nil && m.Has(fd) {
			fields[f] = true
		}
	}
	return fields, nil
}

// Filter turns the error of [resource.ParseFilter] into that of the `filter`
// field.
func Filter(err error) error {
	var bad *resource.FilterError
	if errors.As(err, &bad) {
		return Field("filter", bad.Reason, bad.Message)
	}
	return err
}

// Unreachable answers the error of a call to another service if it says that
// the service did not answer, and nil if it says anything about the request.
func Unreachable(err error) error {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Internal:
		return err
	}
	return nil
}
