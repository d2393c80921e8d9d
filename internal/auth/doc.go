// Package auth knows who is calling: callers and what they may see, the tokens
// that carry them, and the secrets people sign in with.
//
// It stores nothing and talks to nobody. The directory service decides who may
// sign in and mints tokens with a [Signer]; the rpc interceptors check them with
// a [Verifier] and put a [Caller] into the context.
package auth
