package docstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

const (
	defaultPage        = 50
	defaultPageBytes   = 3 << 20
	defaultHistoryPage = 100
	maxPage            = 1000
	macBytes           = 16
)

func pageLimit(size, whenZero int) (int, error) {
	switch {
	case size == 0:
		return whenZero, nil
	case size < 0 || size > maxPage:
		return 0, fmt.Errorf("docstore: page size %d is not 1 to %d", size, maxPage)
	}
	return size, nil
}

// tokens makes page tokens: a position with a MAC over it and the list it
// belongs to.
type tokens struct{ key []byte }

func newTokens(key []byte) tokens {
	if len(key) == 0 {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails, see its documentation
	}
	return tokens{key: key}
}

func (t tokens) mac(binding, payload []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(binding)))
	h.Write(n[:])
	h.Write(binding)
	h.Write(payload)
	return h.Sum(nil)[:macBytes]
}

func (t tokens) seal(binding []byte, at Position) string {
	payload := encodePosition(at)
	return base64.RawURLEncoding.EncodeToString(append(t.mac(binding, payload), payload...))
}

func (t tokens) open(binding []byte, token string) (Position, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < macBytes {
		return Position{}, ErrPageToken
	}
	mac, payload := raw[:macBytes], raw[macBytes:]
	if !hmac.Equal(mac, t.mac(binding, payload)) {
		return Position{}, ErrPageToken
	}
	return decodePosition(payload)
}

// A position is one byte for the kind of its value, the value (a varint, or a
// string after its length), then the name.
const (
	positionString = 's'
	positionInt    = 'i'
)

func encodePosition(at Position) []byte {
	var b []byte
	switch v := at.Value.(type) {
	case int64:
		b = binary.AppendVarint([]byte{positionInt}, v)
	case string:
		b = binary.AppendUvarint([]byte{positionString}, uint64(len(v)))
		b = append(b, v...)
	}
	return append(b, at.Name...)
}

func decodePosition(b []byte) (Position, error) {
	if len(b) == 0 {
		return Position{}, ErrPageToken
	}
	switch kind, rest := b[0], b[1:]; kind {
	case positionInt:
		v, n := binary.Varint(rest)
		if n > 0 {
			return Position{Value: v, Name: string(rest[n:])}, nil
		}
	case positionString:
		size, n := binary.Uvarint(rest)
		if n > 0 && size <= uint64(len(rest)-n) {
			end := n + int(size)
			return Position{Value: string(rest[n:end]), Name: string(rest[end:])}, nil
		}
	}
	return Position{}, ErrPageToken
}
