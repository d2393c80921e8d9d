package filing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// Findings are one stored part, so that a page of them is a stretch of a list.
// The token of the next page is its first index, bound to the draft by a MAC.

const offsetMacBytes = 16

func (s *Server) offsetMac(list string, payload []byte) []byte {
	h := hmac.New(sha256.New, s.tokenKey)
	h.Write([]byte("findings\x00" + list + "\x00"))
	h.Write(payload)
	return h.Sum(nil)[:offsetMacBytes]
}

// sealOffset makes the token of the page that begins at an index of a list.
func (s *Server) sealOffset(list string, offset int) string {
	payload := binary.AppendUvarint(nil, uint64(offset))
	return base64.RawURLEncoding.EncodeToString(append(s.offsetMac(list, payload), payload...))
}

// openOffset reads a token; 0 for an empty one.
func (s *Server) openOffset(list, token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= offsetMacBytes {
		return 0, rpc.FromStore(docstore.ErrPageToken, list)
	}
	mac, payload := raw[:offsetMacBytes], raw[offsetMacBytes:]
	offset, n := binary.Uvarint(payload)
	if !hmac.Equal(mac, s.offsetMac(list, payload)) || n != len(payload) {
		return 0, rpc.FromStore(docstore.ErrPageToken, list)
	}
	return int(offset), nil
}
