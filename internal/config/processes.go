package config

import (
	"net"
	"slices"
	"strings"
	"time"
)

// maxDrain bounds the time in which a stopping process serves on.
const maxDrain = time.Minute

// Runs tells whether this process runs a service, or the gateway.
func (c *Config) Runs(service string) bool {
	return len(c.Services) == 0 || slices.Contains(c.Services, service)
}

// Peer are the addresses of a service that other processes run.
func (c *Config) Peer(service string) []string {
	var out []string
	for _, peer := range c.Peers {
		if name, address, _ := strings.Cut(peer, "="); name == service {
			out = append(out, address)
		}
	}
	return out
}

// PeerNames are the services that peers are given for, each once.
func (c *Config) PeerNames() []string {
	var out []string
	for _, peer := range c.Peers {
		if name, _, _ := strings.Cut(peer, "="); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// checkProcesses checks what several processes need.
func (c *Config) checkProcesses(problem func(flag, format string, args ...any)) {
	for _, peer := range c.Peers {
		name, address, found := strings.Cut(peer, "=")
		if !found || name == "" || !validTarget(address) {
			problem("peers", "%q is not name=host:port", peer)
		}
	}
	tls := []struct{ flag, file string }{{"tls-cert", c.TLSCert}, {"tls-key", c.TLSKey}, {"tls-ca", c.TLSCA}}
	some := slices.ContainsFunc(tls, func(f struct{ flag, file string }) bool { return f.file != "" })
	for _, f := range tls {
		switch {
		case f.file != "":
		case some:
			problem(f.flag, "needed beside the other files of certificates")
		case len(c.Services) > 0:
			problem(f.flag, "needed with --services: processes of one system prove themselves to one another by certificates")
		}
	}
	if c.Drain < 0 || c.Drain > maxDrain {
		problem("drain", "%v is not between 0 and %v", c.Drain, maxDrain)
	}
}

// validTarget takes host:port, also with a scheme of gRPC before it.
func validTarget(address string) bool {
	if at := strings.LastIndex(address, "/"); at >= 0 {
		address = address[at+1:]
	}
	host, port, err := net.SplitHostPort(address)
	return err == nil && host != "" && port != ""
}
