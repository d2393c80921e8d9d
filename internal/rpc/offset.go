package rpc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"fashen/internal/docstore"
)

// Offsets makes and reads page tokens of lists that are held in one piece, so that a
// page is a stretch of the list: the token is the first index of the next page, bound
// to the list by a MAC under the key.
type Offsets []byte

const offsetMacBytes = 16

func (o Offsets) mac(list string, payload []byte) []byte {
	h := hmac.New(sha256.New, o)
	h.Write([]byte("offset\x00" + list + "\x00"))
	h.Write(payload)
	return h.Sum(nil)[:offsetMacBytes]
}

// Seal makes the token of the page that begins at an index of a list.
func (o Offsets) Seal(list string, offset int) string {
	payload := binary.AppendUvarint(nil, uint64(offset))
	return base64.RawURLEncoding.EncodeToString(append(o.mac(list, payload), payload...))
}

// Open reads a token; 0 for an empty one.
func (o Offsets) Open(list, token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= offsetMacBytes {
		return 0, FromStore(docstore.ErrPageToken, list)
	}
	mac, payload := raw[:offsetMacBytes], raw[offsetMacBytes:]
	offset, n := binary.Uvarint(payload)
	if !hmac.Equal(mac, o.mac(list, payload)) || n != len(payload) {
		return 0, FromStore(docstore.ErrPageToken, list)
	}
	return int(offset), nil
}

// Stretch is one page of a list: the items from the token's index on, as many as
// asked for or 50, and the token of what follows.
func Stretch[T any](o Offsets, list string, all []T, pageSize int32, token string) (page []T, next string, err error) {
	from, err := o.Open(list, token)
	if err != nil {
		return nil, "", err
	}
	if pageSize == 0 {
		pageSize = 50
	}
	from = min(from, len(all))
	to := min(from+int(pageSize), len(all))
	if to < len(all) {
		next = o.Seal(list, to)
	}
	return all[from:to], next, nil
}
