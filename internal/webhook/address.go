package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxURL bounds a URL, in bytes.
const maxURL = 2000

// Networks are the networks, not public ones, to which posts are allowed.
type Networks []netip.Prefix

// ParseNetworks reads networks such as `10.20.0.0/16`; it answers the first that is
// none.
func ParseNetworks(networks []string) (_ Networks, bad string) {
	var out Networks
	for _, text := range networks {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, text
		}
		out = append(out, n.Masked())
	}
	return out, ""
}

// special are the networks that no public host is in, beside those that
// [netip.Addr] knows, from the registries of special-purpose addresses (RFC 6890).
var special = parse(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // shared between a carrier and its customers
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays of 6to4, withdrawn
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, and broadcast
	"2001::/23",       // protocol assignments, Teredo among them
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: an IPv4 address inside
	"3fff::/20",       // documentation
)

// global is all of IPv6 that hosts of the internet are given addresses from. What
// lies outside is special, translated or not handed out.
var global = netip.MustParsePrefix("2000::/3")

func parse(networks ...string) Networks {
	out := make(Networks, len(networks))
	for i, n := range networks {
		out[i] = netip.MustParsePrefix(n)
	}
	return out
}

// public tells whether an address is one of the open internet.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && (a.Is4() || global.Contains(a)) && !special.contain(a)
}

func (n Networks) contain(a netip.Addr) bool {
	return slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(a) })
}

// allow tells whether posts to an address are allowed. In clear text they are in
// the named networks alone.
func (n Networks) allow(a netip.Addr, plain bool) bool {
	a = a.Unmap().WithZone("")
	return n.contain(a) || !plain && public(a)
}

// Reasons why a URL cannot be.
var (
	ErrURL      = errors.New("应当是完整的网址，形如 https://host[:port]/path，不超过2000字节")
	ErrUserInfo = errors.New("网址中不得包含用户名或口令")
	ErrFragment = errors.New("网址中不得包含 # 及其后的部分")
	ErrPort     = errors.New("端口应为1至65535")
	ErrScheme   = errors.New("应当使用https；http 仅可用于运维人员放行的网段")
	ErrAddress  = errors.New("该地址属于内部或者保留网段，未经运维人员放行")
)

// CheckURL tells what is wrong with a URL, as far as its text tells. What a host's
// name leads to is looked at whenever it is connected to.
func (n Networks) CheckURL(text string) error {
	// What a reader does not see or takes for something else is refused.
	if len(text) > maxURL || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return ErrURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return ErrURL
	}
	plain := u.Scheme == "http"
	if plain && len(n) == 0 || !plain && u.Scheme != "https" {
		return ErrScheme
	}
	if u.User != nil {
		return ErrUserInfo
	}
	if strings.Contains(text, "#") {
		return ErrFragment
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
			return ErrPort
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !n.allow(a, plain) {
		return ErrAddress
	}
	return nil
}

// Host is what may be told of a URL to those who need not know it: the rest of it
// may hold a token of the host.
func Host(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Host
	}
	return ""
}
