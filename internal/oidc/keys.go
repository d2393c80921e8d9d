package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const (
	// keysLife is how long fetched keys are used: a key the issuer took back is
	// trusted no longer.
	keysLife = 15 * time.Minute
	// fetchPause lies between two fetches, so that tokens with made-up key ids do
	// not make us call the issuer for each.
	fetchPause = 10 * time.Second
	// maxKeysBytes bounds what the issuer answers.
	maxKeysBytes = 1 << 20
)

// algorithms are asymmetric ones: with any other, a key that all may read signs.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

func algorithmNames() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, string(a))
	}
	return names
}

// downKey is where VerifySignature leaves word that the issuer could not be asked.
type downKey struct{}

// keys are the issuer's public keys, fetched when they are needed.
type keys struct {
	options Options

	// fetching lets one fetch at a time through.
	fetching sync.Mutex

	mu      sync.RWMutex
	set     []jose.JSONWebKey
	at      oauth2.Endpoint
	fetched time.Time
	// tried is when the issuer was last asked, and failed what became of it.
	tried  time.Time
	failed error
}

func newKeys(o Options) *keys { return &keys{options: o} }

// VerifySignature is [gooidc.KeySet].
func (k *keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSigned(token, algorithms())
	if err != nil {
		return nil, fmt.Errorf("read a token: %w", err)
	}
	id := signed.Signatures[0].Header.KeyID
	if id == "" {
		return nil, errors.New("the token names no key")
	}
	key, known := k.known(id)
	if !known {
		if err := k.fetch(ctx); err != nil {
			if down, ok := ctx.Value(downKey{}).(*error); ok {
				*down = err
			}
			return nil, err
		}
		if key, known = k.known(id); !known {
			return nil, fmt.Errorf("the issuer has no key %q", id)
		}
	}
	return signed.Verify(key)
}

// known finds a key among those that are fresh.
func (k *keys) known(id string) (jose.JSONWebKey, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.options.Now().Sub(k.fetched) >= keysLife {
		return jose.JSONWebKey{}, false
	}
	i := slices.IndexFunc(k.set, func(key jose.JSONWebKey) bool { return key.KeyID == id && key.IsPublic() })
	if i < 0 {
		return jose.JSONWebKey{}, false
	}
	return k.set[i], true
}

// fetch asks the issuer for its keys, unless it was just asked; then the answer is
// that of then.
func (k *keys) fetch(ctx context.Context) error {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	k.mu.RLock()
	tried, failed := k.tried, k.failed
	k.mu.RUnlock()
	if !tried.IsZero() && k.options.Now().Sub(tried) < fetchPause {
		return failed
	}
	// Others wait for this answer too, whatever becomes of this call.
	set, at, err := k.ask(gooidc.ClientContext(context.WithoutCancel(ctx), k.options.Client))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.failed = k.options.Now(), err
	if err == nil {
		k.set, k.at, k.fetched = set, at, k.tried
	}
	return err
}

// endpoints are where the issuer lets people sign in and trades codes.
func (k *keys) endpoints(ctx context.Context) (oauth2.Endpoint, error) {
	k.mu.RLock()
	at, fresh := k.at, k.options.Now().Sub(k.fetched) < keysLife
	k.mu.RUnlock()
	if !fresh {
		if err := k.fetch(ctx); err != nil {
			return at, err
		}
		k.mu.RLock()
		at = k.at
		k.mu.RUnlock()
	}
	for _, endpoint := range []string{at.AuthURL, at.TokenURL} {
		u, err := url.Parse(endpoint)
		if err == nil {
			err = checkSecure(u)
		}
		if err != nil {
			return at, err
		}
	}
	return at, nil
}

// ask finds out by discovery where the keys and endpoints are, and reads the keys.
func (k *keys) ask(ctx context.Context) ([]jose.JSONWebKey, oauth2.Endpoint, error) {
	provider, err := gooidc.NewProvider(ctx, k.options.URL)
	if err != nil {
		return nil, oauth2.Endpoint{}, fmt.Errorf("discover %s: %w", k.options.URL, err)
	}
	set, err := k.askKeys(ctx, provider)
	return set, provider.Endpoint(), err
}

func (k *keys) askKeys(ctx context.Context, provider *gooidc.Provider) ([]jose.JSONWebKey, error) {
	var at struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&at); err != nil {
		return nil, fmt.Errorf("discover %s: %w", k.options.URL, err)
	}
	if err := CheckURL(at.Keys); err != nil {
		return nil, fmt.Errorf("keys of %s: %w", k.options.URL, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Keys, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for keys: %w", err)
	}
	answer, err := k.options.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for keys: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for keys: %s", answer.Status)
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxKeysBytes)).Decode(&list); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var set []jose.JSONWebKey
	for _, raw := range list.Keys {
		var key jose.JSONWebKey
		// Keys of kinds we do not know are for others.
		if json.Unmarshal(raw, &key) == nil && key.Valid() && (key.Use == "" || key.Use == "sig") {
			set = append(set, key)
		}
	}
	return set, nil
}
