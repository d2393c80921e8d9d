// Package webhook posts events to addresses that others chose: it signs them by
// the Standard Webhooks specification, connects to no address that is not allowed,
// and says when to try again. It keeps nothing.
package webhook
