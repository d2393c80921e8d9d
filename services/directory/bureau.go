package directory

import (
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

// changeBureau copies the named fields, checks the result, and answers the new
// values for the journal.
func changeBureau(b, from *directoryv1.Bureau, fields map[string]bool) ([]*corev1.Detail, error) {
	var details []*corev1.Detail
	if fields["display_name"] {
		b.DisplayName = from.GetDisplayName()
		details = append(details, docstore.Detail("display_name", b.DisplayName))
	}
	if fields["kind"] {
		b.Kind = from.GetKind()
		details = append(details, docstore.Detail("kind", b.Kind))
	}
	if fields["successor"] {
		b.Successor = from.GetSuccessor()
		details = append(details, docstore.Detail("successor", b.Successor))
	}
	return details, checkBureau(b)
}
