package docstore

import (
	"cmp"
	"slices"
)

// MergePositions brings the positions that several scans found into the order
// of the list, each document once, and cuts them to limit.
func MergePositions(all []Position, descending bool, limit int) []Position {
	slices.SortFunc(all, func(a, b Position) int {
		if descending {
			a, b = b, a
		}
		return cmp.Or(CompareValues(a.Value, b.Value), cmp.Compare(a.Name, b.Name))
	})
	all = slices.CompactFunc(all, func(a, b Position) bool { return a.Name == b.Name })
	return all[:min(limit, len(all))]
}

// CompareValues orders two index values of one kind: strings by their bytes,
// integers by size.
func CompareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	}
	return 0
}
