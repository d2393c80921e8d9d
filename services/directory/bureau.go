package directory

import (
	"fmt"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// maxMergers bounds a chain of successors and the number of predecessors whose
// rights one bureau inherits; a token must hold their names.
const maxMergers = 20

// checkBureau checks a bureau as it is about to be stored.
func checkBureau(b *directoryv1.Bureau) error {
	var bad []rpc.FieldViolation
	if n := utf8.RuneCountInString(b.GetDisplayName()); n < 1 || n > 60 {
		bad = append(bad, rpc.FieldViolation{Field: "bureau.display_name", Reason: "NAME_LENGTH", Message: "单位名称应为1至60个字"})
	}
	if message, ok := checkUSCC(b.GetUscc()); !ok {
		bad = append(bad, rpc.FieldViolation{Field: "bureau.uscc", Reason: "USCC_INVALID", Message: message})
	}
	if _, defined := directoryv1.BureauKind_name[int32(b.GetKind())]; !defined || b.GetKind() == directoryv1.BureauKind_BUREAU_KIND_UNSPECIFIED {
		bad = append(bad, rpc.FieldViolation{Field: "bureau.kind", Reason: "KIND_INVALID", Message: "单位类别无效"})
	}
	return rpc.Fields(bad...)
}

// updatableBureauFields are the fields a mask may name.
func updatableBureauFields() []string { return []string{"display_name", "kind", "successor"} }

// bureauPaths are the fields to change: those of the mask, all of them for `*`,
// those that are set in the request without a mask (AIP-134).
func bureauPaths(from *directoryv1.Bureau, mask []string) ([]string, error) {
	if len(mask) == 1 && mask[0] == "*" {
		return updatableBureauFields(), nil
	}
	if len(mask) == 0 {
		var paths []string
		if from.GetDisplayName() != "" {
			paths = append(paths, "display_name")
		}
		if from.GetKind() != 0 {
			paths = append(paths, "kind")
		}
		if from.GetSuccessor() != "" {
			paths = append(paths, "successor")
		}
		return paths, nil
	}
	for _, p := range mask {
		switch p {
		case "display_name", "kind", "successor":
		case "uscc":
			return nil, rpc.Field("update_mask", "FIELD_IMMUTABLE", "统一社会信用代码不可更改：代码变更的单位应当另行登记，并以继任单位相连")
		default:
			return nil, rpc.Field("update_mask", "FIELD_NOT_UPDATABLE", fmt.Sprintf("字段%q不能更改", p))
		}
	}
	return mask, nil
}

// changeBureau copies the named fields and checks the result.
func changeBureau(b, from *directoryv1.Bureau, paths []string) error {
	for _, p := range paths {
		switch p {
		case "display_name":
			b.DisplayName = from.GetDisplayName()
		case "kind":
			b.Kind = from.GetKind()
		case "successor":
			b.Successor = from.GetSuccessor()
		}
	}
	return checkBureau(b)
}

// bureauDetails are the new values of the named fields.
func bureauDetails(from *directoryv1.Bureau, paths []string) []*corev1.Detail {
	var details []*corev1.Detail
	for _, p := range paths {
		switch p {
		case "display_name":
			details = append(details, docstore.Detail(p, from.GetDisplayName()))
		case "kind":
			details = append(details, docstore.Detail(p, from.GetKind()))
		case "successor":
			details = append(details, docstore.Detail(p, from.GetSuccessor()))
		}
	}
	return details
}
