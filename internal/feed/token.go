package feed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"google.golang.org/grpc/codes"

	"fashen/internal/rpc"
)

// tokenLife is how long a resume token is good.
const tokenLife = 90 * 24 * time.Hour

// Reasons of errors about resume tokens.
const (
	ReasonTokenInvalid = "RESUME_TOKEN_INVALID"
	ReasonTokenExpired = "RESUME_TOKEN_EXPIRED"
	ReasonTokenAhead   = "RESUME_TOKEN_AHEAD"
)

// tokens makes resume tokens: a place in one feed and the time of issue, with a
// MAC over them and the feed's id. They are bound to the feed and not to the
// caller, whose rights are looked at anew with each event.
type tokens struct{ key []byte }

const macBytes = 16

func (t tokens) mac(feed string, payload []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte(feed))
	h.Write([]byte{0}) // no feed's id holds it
	h.Write(payload)
	return h.Sum(nil)[:macBytes]
}

func (t tokens) seal(feed string, position int64, issued time.Time) string {
	payload := binary.AppendVarint(binary.AppendVarint(nil, position), issued.Unix())
	return base64.RawURLEncoding.EncodeToString(append(t.mac(feed, payload), payload...))
}

// open answers the place a token tells.
func (t tokens) open(feed, token string, now time.Time) (int64, error) {
	invalid := rpc.Field("resume_token", ReasonTokenInvalid, "续传标记无效或不属于此事件流")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < macBytes {
		return 0, invalid
	}
	mac, payload := raw[:macBytes], raw[macBytes:]
	if !hmac.Equal(mac, t.mac(feed, payload)) {
		return 0, invalid
	}
	position, n := binary.Varint(payload)
	if n <= 0 || position < 0 {
		return 0, invalid
	}
	issued, m := binary.Varint(payload[n:])
	if m <= 0 || n+m != len(payload) {
		return 0, invalid
	}
	if now.Sub(time.Unix(issued, 0)) > tokenLife {
		return 0, rpc.New(codes.OutOfRange, ReasonTokenExpired, "续传标记已超过90天，请从头或从现在开始")
	}
	return position, nil
}
