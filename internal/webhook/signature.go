package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Headers of a post, by the Standard Webhooks specification.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// ContentType is that of one event in the structured mode of CloudEvents 1.0.
const ContentType = "application/cloudevents+json; charset=utf-8"

// secretPrefix begins every secret as it is shown, so that scanners find those
// that leaked.
const secretPrefix = "whsec_"

// Secret signs posts: 32 bytes.
type Secret []byte

// DeriveSecret works out a secret from a key of the process and what names the
// secret, so that none is stored. Without the key it cannot be told from the names.
func DeriveSecret(key []byte, names ...string) Secret {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(names, "\x00")))
	return mac.Sum(nil)
}

// String is the secret as its owner is given it; it is shown once.
func (s Secret) String() string { return secretPrefix + base64.StdEncoding.EncodeToString(s) }

// Sign is the signature header of a post: one signature for each secret, so that
// whoever knows one of them can check it.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) string {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp(at) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// timestamp is a time in seconds since 1970, as the header has it.
func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
