package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/auth"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
	"fashen/internal/resource"
	"fashen/services/filing"
)

const (
	region   = "regions/120105"
	login    = "drafter"
	password = "Only-For-Load-1"
)

// stores makes filled stores, once for each size, and copies them for use.
type stores struct {
	dir string
	log io.Writer
}

// copy answers a fresh copy of the data folder with n documents.
func (s stores) copy(ctx context.Context, n int) (string, error) {
	pristine := filepath.Join(s.dir, fmt.Sprintf("filled-%d", n))
	if _, err := os.Stat(pristine); err != nil {
		start := time.Now()
		if err := fill(ctx, pristine+".part", n); err != nil {
			return "", fmt.Errorf("fill a store: %w", err)
		}
		if err := os.Rename(pristine+".part", pristine); err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(s.log, "filled a store with %d documents in %.1f s\n", n, time.Since(start).Seconds())
	}
	used, err := os.MkdirTemp(s.dir, fmt.Sprintf("used-%d-", n))
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(used, os.DirFS(pristine)); err != nil {
		return "", err
	}
	// CopyFS opens the keys to everybody, and then they are refused.
	keys, err := filepath.Glob(filepath.Join(used, "keys", "*.pem"))
	for _, key := range keys {
		err = firstOf(err, os.Chmod(key, 0o600))
	}
	return used, err
}

// sweep removes the copies and leaves what they were copied from.
func (s stores) sweep() error {
	used, err := filepath.Glob(filepath.Join(s.dir, "used-*"))
	for _, dir := range used {
		err = firstOf(err, os.RemoveAll(dir))
	}
	return err
}

// fill makes a data folder with the sample people and n documents. They are
// written through the collection of the service, journal and all.
func fill(ctx context.Context, dir string, n int) (err error) {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	w, err := startWorld(ctx, dir)
	if err != nil {
		return err
	}
	if err := w.stop(); err != nil {
		return err
	}
	engine, err := sqlite.Open(ctx, filepath.Join(dir, filing.Service+".db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	documents, err := docstore.NewCollection[*filingv1.Document](ctx, engine, filing.Collections()[0], docstore.Options{})
	if err != nil {
		return err
	}
	ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: w.person, Method: "/fashen.filing.v1.FilingService/CreateDocument"})
	for i := range n {
		d, viewers := sampleDocument(w, i)
		_, _, err := documents.Create(ctx, d, docstore.Change{To: d.GetState().String(), Grant: viewers})
		if err != nil {
			return err
		}
	}
	return journal.NewDrainer(engine, journal.Options{}).Drain(ctx)
}

// bureaus is the number of drafting units the documents are spread over.
const bureaus = 10

// sampleDocument is the i-th document: a tenth of them is the caller's bureau's,
// half of those still drafts and the others under review, which the reviewers
// and the general office see.
func sampleDocument(w *world, i int) (*filingv1.Document, []string) {
	name := region + "/documents/" + resource.NewID(time.Now())
	sum := strings.Repeat("0f", 32)
	file := func(filename string) *filingv1.File {
		return &filingv1.File{Filename: filename, MediaType: "text/plain; charset=utf-8", SizeBytes: 4096, Sha256: sum}
	}
	d := &filingv1.Document{
		Name: name, Title: fmt.Sprintf("示例办法第%06d号（示例）", i), IssuingAuthority: w.issuer,
		DraftingUnit: w.bureau, Drafter: w.person, State: filingv1.Document_DRAFTING,
		OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true}, VersionDigest: sum,
		Revisions: []*filingv1.Revision{{
			Name: name + "/revisions/1", File: file("draft.txt"), TextSha256: sum, ScreeningSha256: sum, Title: "示例办法（示例）",
			Counts: &corev1.ProvisionCounts{Articles: 20, Paragraphs: 40, Items: 10}, Packs: []string{"competition"}, Uploader: w.person,
			UploadTime: timestamppb.Now(),
		}},
	}
	for _, kind := range []filingv1.Material_Kind{
		filingv1.Material_DRAFTING_STATEMENT, filingv1.Material_LEGAL_BASIS, filingv1.Material_CONSULTATION_RECORD, filingv1.Material_OWN_LEGALITY_OPINION,
	} {
		d.Materials = append(d.Materials, &filingv1.Material{Kind: kind, File: file("material.txt"), Uploader: w.person, UploadTime: timestamppb.Now()})
	}
	if other := i % bureaus; other > 0 {
		d.DraftingUnit = fmt.Sprintf("%s/bureaus/example-%d", region, other)
		d.Drafter = fmt.Sprintf("%s/people/example-%d", region, other)
	}
	viewers := []string{d.GetDraftingUnit()}
	if i/bureaus%2 == 1 {
		d.State, d.SubmissionCount = filingv1.Document_UNDER_REVIEW, 1
		for _, role := range []corev1.Role{corev1.Role_ROLE_MARKET_REGULATOR, corev1.Role_ROLE_REVIEWER, corev1.Role_ROLE_GENERAL_OFFICE} {
			viewers = append(viewers, auth.RoleViewer(region, role))
		}
	}
	return d, viewers
}

// world is a process on a data folder and a drafter who is signed in.
type world struct {
	app  *app.App
	conn *grpc.ClientConn
	// token goes with every call of the drafter.
	token                  string
	person, bureau, issuer string
}

func startWorld(ctx context.Context, dir string) (_ *world, err error) {
	w := &world{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.stop())
		}
	}()
	c := config.Config{Store: config.StoreSQLite, DataDir: dir, GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Sample: true}
	// The lines are written, as they are in service, and go nowhere.
	//nolint:sloglint // DiscardHandler would spare the making of them
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	if w.app, err = app.Start(ctx, c, app.Options{Logger: logger}); err != nil {
		return nil, err
	}
	if w.conn, err = grpc.NewClient(w.app.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return nil, err
	}
	return w, w.signIn(ctx)
}

func (w *world) signIn(ctx context.Context) error {
	sessions := directoryv1.NewSessionServiceClient(w.conn)
	var s *directoryv1.Session
	var err error
	code := ""
	for _, i := range w.app.Codes {
		if i.Login == login {
			code = i.Code
		}
	}
	if code != "" {
		s, err = sessions.ActivateSignIn(ctx, &directoryv1.ActivateSignInRequest{Login: login, OneTimeCode: code, Password: password})
	} else {
		s, err = sessions.SignIn(ctx, &directoryv1.SignInRequest{Login: login, Password: password})
	}
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	w.token, w.person, w.bureau = "Bearer "+s.GetAccessToken(), s.GetPerson().GetName(), s.GetPerson().GetBureau()
	list, err := directoryv1.NewDirectoryServiceClient(w.conn).ListBureaus(w.as(ctx), &directoryv1.ListBureausRequest{Parent: region})
	if err != nil {
		return fmt.Errorf("list bureaus: %w", err)
	}
	for _, b := range list.GetBureaus() {
		if b.GetKind() == directoryv1.BureauKind_BUREAU_KIND_GOVERNMENT {
			w.issuer = b.GetName()
		}
	}
	return nil
}

// as makes calls the drafter's.
func (w *world) as(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, auth.MetadataUser, w.token)
}

func (w *world) stop() error {
	var errs []error
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.app != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		errs = append(errs, w.app.Stop(ctx))
	}
	w.conn, w.app = nil, nil
	return errors.Join(errs...)
}
