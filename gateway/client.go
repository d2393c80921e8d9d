package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// trusted are the networks of proxies whose word on their client is believed.
type trusted []netip.Prefix

func trustedProxies(networks []string) (trusted, error) {
	var all trusted
	for _, network := range networks {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return nil, fmt.Errorf("gateway: trusted proxies: %w", err)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

func (t trusted) holds(address netip.Addr) bool {
	for _, prefix := range t {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// client is the address of who calls: of the connection, or, where that is a
// trusted proxy's, the last one of X-Forwarded-For that is not. What stands before
// it there anybody can write.
func (t trusted) client(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && t.holds(address); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap()
	}
	return address.WithZone("").String()
}
