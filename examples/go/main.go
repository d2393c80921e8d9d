// Command fashen-client hands one document in for legality review over gRPC, as
// a bureau's office automation would: it submits, waits on the feed of events,
// fetches the signed opinion, and verifies the checkpoint of the log it is in.
//
// It may be stopped and started again at any moment. What was done is found
// again by its request id, and what happened meanwhile by the resume token.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// client is a connection and what the command line says.
type client struct {
	region, id string
	state      *state
	log        note.Verifier

	directory directoryv1.DirectoryServiceClient
	filing    filingv1.FilingServiceClient
	counsel   counselv1.CounselServiceClient
	feed      corev1.FeedServiceClient
	proofs    corev1.CheckpointServiceClient
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := flag.String("address", "localhost:9090", "gRPC `address`")
	plaintext := flag.Bool("plaintext", false, "without TLS, for a server on this machine")
	authority := flag.String("ca", "", "PEM `file` of the authority behind the server's certificate; the system's when empty")
	region := flag.String("region", "regions/120105", "`name` of the region")
	id := flag.String("id", "", "your own `number` of the matter; the same number is the same document")
	logKey := flag.String("checkpoint-key", "", "public `key` of checkpoints, as 'fashen key checkpoint' prints it; handed over by people, not by the server")
	stateFile := flag.String("state", "state.json", "`file` that remembers where the matter stands")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: FASHEN_API_KEY=fsk_… fashen-client -id NUMBER -checkpoint-key KEY [flags] SUBMISSION.json DRAFT.docx")
		flag.PrintDefaults()
	}
	flag.Parse()
	key := os.Getenv("FASHEN_API_KEY")
	if flag.NArg() != 2 || *id == "" || key == "" {
		flag.Usage()
		return errors.New("the number, the key and two files are needed")
	}
	verifier, err := note.NewVerifier(*logKey)
	if err != nil {
		return fmt.Errorf("-checkpoint-key: %w", err)
	}
	matter, err := readSubmission(flag.Arg(0), flag.Arg(1))
	if err != nil {
		return err
	}
	kept, err := readState(*stateFile)
	if err != nil {
		return err
	}
	conn, err := dial(*address, *plaintext, *authority, key)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c := &client{
		region: *region, id: *id, state: kept, log: verifier,
		directory: directoryv1.NewDirectoryServiceClient(conn),
		filing:    filingv1.NewFilingServiceClient(conn),
		counsel:   counselv1.NewCounselServiceClient(conn),
		feed:      corev1.NewFeedServiceClient(conn),
		proofs:    corev1.NewCheckpointServiceClient(conn),
	}
	return c.hand(ctx, matter)
}

// hand takes the matter from the draft to the verified opinion.
func (c *client) hand(ctx context.Context, s *submission) error {
	d, err := c.submit(ctx, s)
	if err != nil {
		return err
	}
	review, err := c.await(ctx, d.GetReviewCase())
	if err != nil {
		return err
	}
	if err := c.opinion(ctx, review); err != nil {
		return err
	}
	return c.verify(ctx)
}

// dial connects with the key on every call. A key never travels in clear text to
// another machine.
func dial(address string, plaintext bool, authority, key string) (*grpc.ClientConn, error) {
	if plaintext {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if host != "localhost" && !net.ParseIP(host).IsLoopback() {
			return nil, fmt.Errorf("%s is another machine: without TLS the key could be read on the way", address)
		}
		return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(apiKey{key, false}))
	}
	roots := (*x509.CertPool)(nil)
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return nil, err
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", authority)
		}
	}
	secure := credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	return grpc.NewClient(address, grpc.WithTransportCredentials(secure), grpc.WithPerRPCCredentials(apiKey{key, true}))
}

// apiKey sends the key of the system with each call.
type apiKey struct {
	value  string
	secure bool
}

// GetRequestMetadata is the header of each call.
func (k apiKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + k.value}, nil
}

// RequireTransportSecurity keeps the key off connections in clear text.
func (k apiKey) RequireTransportSecurity() bool { return k.secure }
