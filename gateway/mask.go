package gateway

import (
	"slices"
	"strings"

	"fashen/internal/rpc"
)

// splitMask cuts the values of updateMask at their commas.
func splitMask(values []string) []string {
	var paths []string
	for _, value := range values {
		for path := range strings.SplitSeq(value, ",") {
			if path = strings.TrimSpace(path); path != "" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// maskPaths answers the fields an update changes, in snake case: those of
// updateMask, or the top-level fields in the body. A mask may not name a field
// that is unknown or not the client's to set; in a body such fields are what a
// client read before and sends back, and stay out of the mask.
func (c *call) maskPaths() ([]string, error) {
	var paths []string
	add := func(path string) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	var violations []rpc.FieldViolation
	for _, sent := range c.mask {
		fields, ok := fieldPath(c.route.rpc.body.Descriptor(), sent)
		if !ok {
			violations = append(violations, maskViolation("MASK_PATH_UNKNOWN", "没有字段 "+sent))
			continue
		}
		if !slices.ContainsFunc(fields, notSettable) {
			add(joinNames(fields))
			continue
		}
		violations = append(violations, maskViolation("MASK_PATH_READ_ONLY", "字段 "+sent+" 不能修改"))
	}
	if err := rpc.Fields(violations...); err != nil {
		return nil, err
	}
	if len(c.mask) == 0 {
		for _, field := range c.present {
			if settable(field) {
				add(string(field.Name()))
			}
		}
	}
	if len(paths) == 0 {
		return nil, rpc.Field("update_mask", "MASK_EMPTY", "没有要修改的字段")
	}
	return paths, nil
}

func maskViolation(reason, message string) rpc.FieldViolation {
	return rpc.FieldViolation{Field: "update_mask", Reason: reason, Message: message}
}
