// Package resource knows resource names and ids (AIP-122) and the filters of
// lists (AIP-160).
package resource

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// maxID is the longest id in a name (AIP-122).
const maxID = 63

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an id: a ULID in lower case, 26 characters that sort by time to
// the millisecond, with 80 random bits. Ids of one millisecond are in no order.
func NewID(now time.Time) string {
	// base32 works on 20 bytes; the 16 of the ULID stand at their end, so that
	// the first 6 letters are zeros that are cut off.
	var b [20]byte
	binary.BigEndian.PutUint64(b[2:], uint64(now.UnixMilli()))
	rand.Read(b[10:]) // never fails: crypto/rand ends the process first
	var out [32]byte
	crockford.Encode(out[:], b[:])
	return string(out[6:])
}

// Match tells whether a name has the shape of a pattern such as
// `regions/{region}/documents/{document}`, and answers the ids in its braces, in
// order. An id is 1 to 63 lower-case letters, digits and dashes and does not
// begin with a dash.
func Match(pattern, name string) (vars []string, ok bool) {
	for {
		want, patternRest, patternMore := strings.Cut(pattern, "/")
		have, nameRest, nameMore := strings.Cut(name, "/")
		if patternMore != nameMore {
			return nil, false
		}
		if strings.HasPrefix(want, "{") {
			if !ValidID(have) {
				return nil, false
			}
			vars = append(vars, have)
		} else if want != have {
			return nil, false
		}
		if !patternMore {
			return vars, true
		}
		pattern, name = patternRest, nameRest
	}
}

// ValidID tells whether a string may be an id in a name.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > maxID || id[0] == '-' {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Region answers the region a name lives in, `regions/120105` of
// `regions/120105/documents/x`; empty when the name is in no region.
func Region(name string) string {
	rest, ok := strings.CutPrefix(name, "regions/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	if !ValidID(id) {
		return ""
	}
	return name[:len("regions/")+len(id)]
}
