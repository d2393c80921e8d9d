package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Letters that cannot be mistaken for one another when read aloud or typed from
// paper (Crockford's alphabet).
var letters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewOneTimeCode makes a code for a first sign-in: 80 random bits as four groups
// of four letters, such as `7Q2M-0HXA-…`.
func NewOneTimeCode() string {
	s := random(10)
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// NormalizeCode brings a code that a person typed into the form NewOneTimeCode
// made: case, spaces and dashes do not matter, nor O for 0, I and L for 1.
func NormalizeCode(typed string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '-', '\t', '\n', '\r', '　':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if n > 0 && n%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// NewRefreshToken makes 256 random bits as 52 letters.
func NewRefreshToken() string { return random(32) }

// NewSystemSecret makes the secret of an API key: 256 random bits, lower case.
func NewSystemSecret() string { return strings.ToLower(random(32)) }

// NewSessionID makes the id of a sign-in: 80 random bits, lower case.
func NewSessionID() string { return strings.ToLower(random(10)) }

// HashToken is how a refresh token or the secret of an API key is stored and
// compared: its SHA-256. Random tokens need no slow hash.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails: crypto/rand ends the process first
	return letters.EncodeToString(b)
}
