package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/checkpoint"
)

const (
	checkpointService = "fashen.core.v1.CheckpointService/"
	created           = "fashen.filing.CreateDocument.done"
)

// checkpointRequests are the requests of the table about checkpoints.
var checkpointRequests = map[string]func(n names) proto.Message{
	checkpointService + "GetCheckpoint": func(n names) proto.Message {
		return &corev1.GetCheckpointRequest{Parent: n.region, Service: "filing"}
	},
	checkpointService + "GetInclusionProof": func(n names) proto.Message {
		return &corev1.GetInclusionProofRequest{Parent: n.region, Service: "filing", Position: 1, TreeSize: 1}
	},
	checkpointService + "GetConsistencyProof": func(n names) proto.Message {
		return &corev1.GetConsistencyProofRequest{Parent: n.region, Service: "filing", FromSize: 1, ToSize: 1}
	},
}

// checkpoint reads a checkpoint of filing's feed and checks it as a client does, with
// the public key it was given.
func (w *world) checkpoint(t *testing.T, login string) *corev1.Checkpoint {
	t.Helper()
	c := &corev1.Checkpoint{}
	w.must(t, login, checkpointService+"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: region, Service: "filing"}, c)
	public, err := app.CheckpointKey(w.config)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(c.GetNote()), note.VerifierList(verifier))
	if err != nil {
		t.Fatalf("%v\n%s", err, c.GetNote())
	}
	if !strings.HasPrefix(n.Text, fmt.Sprintf("fashen/filing/%s\n%d\n", region, c.GetSize())) || c.GetOrigin() != "fashen/filing/"+region {
		t.Fatalf("%q, beside %v", n.Text, c)
	}
	return c
}

// proves fails unless an event is in the tree of a checkpoint. It computes
// everything from what it was told, by the words of the guide.
func (w *world) proves(t *testing.T, c *corev1.Checkpoint, e *corev1.Event) {
	t.Helper()
	bare := proto.CloneOf(e.GetData())
	bare.Hash = nil
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(encoded)
	if !bytes.Equal(hash[:], e.GetData().GetHash()) {
		t.Errorf("the entry's hash is %x, computed %x", e.GetData().GetHash(), hash)
	}
	leaf := sha256.Sum256(append([]byte{0}, hash[:]...))
	p := &corev1.InclusionProof{}
	w.must(t, "drafter", checkpointService+"GetInclusionProof", &corev1.GetInclusionProofRequest{
		Parent: region, Service: "filing", Position: e.GetPosition(), TreeSize: c.GetSize(),
	}, p)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(p.GetPosition()-1), uint64(p.GetTreeSize()), leaf[:], p.GetHashes(), c.GetRootHash()); err != nil {
		t.Errorf("position %d in %d: %v", e.GetPosition(), c.GetSize(), err)
	}
	if !bytes.Equal(p.GetLeafHash(), leaf[:]) {
		t.Errorf("leaf hash %x, computed %x", p.GetLeafHash(), leaf)
	}
}

// A client keeps a checkpoint, and proves with it what it was told: that each event
// is in it, and that later ones continue it, a restart of the server between.
func TestCheckpointsOfAClient(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		s := w.follow(t, "drafter", &corev1.WatchRequest{Service: "filing", FromStart: true, Types: []string{created}})
		var events []*corev1.Event
		for range 3 {
			w.newDocument(t, true)
			events = append(events, s.event())
		}
		early := w.checkpoint(t, "drafter")
		for _, e := range events {
			w.proves(t, early, e)
		}
		if counsel := w.checkpoint(t, "counsel"); counsel.GetSize() < early.GetSize() {
			t.Errorf("counsel, who sees none of it, is told of %d entries, a drafter of %d", counsel.GetSize(), early.GetSize())
		}
		w.newDocument(t, true)
		s.event()
		late := w.checkpoint(t, "drafter")
		w.proves(t, late, events[0])
		p := &corev1.ConsistencyProof{}
		w.must(t, "drafter", checkpointService+"GetConsistencyProof", &corev1.GetConsistencyProofRequest{
			Parent: region, Service: "filing", FromSize: early.GetSize(), ToSize: late.GetSize(),
		}, p)
		err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(early.GetSize()), uint64(late.GetSize()), p.GetHashes(), early.GetRootHash(), late.GetRootHash())
		if err != nil {
			t.Errorf("%d to %d: %v", early.GetSize(), late.GetSize(), err)
		}
	})
}

// Who may not follow a feed reads no checkpoint of it, and what cannot be is refused
// with its reason.
func TestCheckpointsRefused(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.newDocument(t, true)
		size := w.checkpoint(t, "drafter").GetSize()
		inclusion := func(position, size int64) proto.Message {
			return &corev1.GetInclusionProofRequest{Parent: region, Service: "filing", Position: position, TreeSize: size}
		}
		consistency := func(from, to int64) proto.Message {
			return &corev1.GetConsistencyProofRequest{Parent: region, Service: "filing", FromSize: from, ToSize: to}
		}
		for name, c := range map[string]struct {
			method string
			in     proto.Message
			code   codes.Code
			reason string
		}{
			"no such service":        {"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: region, Service: "astrology"}, codes.InvalidArgument, "SERVICE_UNKNOWN"},
			"another region":         {"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: elsewhere, Service: "filing"}, codes.NotFound, "RESOURCE_NOT_FOUND"},
			"beyond the end":         {"GetInclusionProof", inclusion(1, size+100), codes.OutOfRange, "TREE_SIZE_AHEAD"},
			"beyond the end, two":    {"GetConsistencyProof", consistency(1, 1<<40), codes.OutOfRange, "TREE_SIZE_AHEAD"},
			"position after size":    {"GetInclusionProof", inclusion(2, 1), codes.InvalidArgument, "POSITION_AHEAD"},
			"from the later":         {"GetConsistencyProof", consistency(2, 1), codes.InvalidArgument, "SIZE_AHEAD"},
			"no position":            {"GetInclusionProof", inclusion(0, 1), codes.InvalidArgument, ""},
			"a size less than none":  {"GetConsistencyProof", consistency(-1, 1), codes.InvalidArgument, ""},
			"proof in another place": {"GetInclusionProof", &corev1.GetInclusionProofRequest{Parent: elsewhere, Service: "filing", Position: 1, TreeSize: 1}, codes.NotFound, "RESOURCE_NOT_FOUND"},
		} {
			f := w.try(t, "drafter", checkpointService+c.method, c.in, &corev1.Checkpoint{})
			if f == nil || f.code != c.code || c.reason != "" && f.reason != c.reason {
				t.Errorf("%s: %v, want %v %s", name, f, c.code, c.reason)
			}
		}
		key := w.keyFor(t, w.connect(t, labour), "filing")
		for service, want := range map[string]string{"filing": "", "counsel": "API_KEY_SCOPE"} {
			f := w.call(t.Context(), key.GetToken(), checkpointService+"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: region, Service: service}, &corev1.Checkpoint{})
			if got := reasonOf(f); got != want {
				t.Errorf("a key for filing, of %s: %q, want %q", service, got, want)
			}
		}
		for _, parent := range []string{region, "global"} {
			w.must(t, "secauditor", checkpointService+"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: parent, Service: "directory"}, &corev1.Checkpoint{})
		}
	})
}

func reasonOf(f *failure) string {
	if f == nil {
		return ""
	}
	return f.reason
}

// exported is a file of all checkpoints, signed while the server runs.
func (w *world) exported(t *testing.T) string {
	t.Helper()
	all, err := app.Checkpoints(t.Context(), w.config, slog.New(slog.DiscardHandler))
	if err != nil || len(all) < 3 {
		t.Fatalf("%d checkpoints, %v", len(all), err)
	}
	path := filepath.Join(t.TempDir(), "checkpoints.txt")
	var file bytes.Buffer
	for _, c := range all {
		fmt.Fprintln(&file, c.Note)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems are what is found wrong with the stores of a world.
func (w *world) problems(t *testing.T, path string) []string {
	t.Helper()
	public, err := app.CheckpointKey(w.config)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	err = app.CheckCheckpoints(t.Context(), w.config, nil, path, public, func(_ string, r checkpoint.Report) {
		for _, p := range r.Problems {
			kinds = append(kinds, string(p.Kind)+" "+p.Resource)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// Checkpoints are exported and compared while the server runs. A store that is set
// back to an earlier state is found out, and its feed is signed no more.
func TestCheckpointsTellASetBackStore(t *testing.T) {
	w := alone(t, onSQLite(t), "grpc", "2026-05-12")
	w.newDocument(t, true)
	if got := w.problems(t, w.exported(t)); len(got) > 0 {
		t.Errorf("untouched, while it serves: %v", got)
	}
	earlier := filepath.Join(t.TempDir(), "earlier")
	if err := app.Backup(t.Context(), w.config, earlier, whole(t)); err != nil {
		t.Fatal(err)
	}
	w.newDocument(t, true)
	w.checkpoint(t, "drafter")
	w.stop(t)
	path := w.exported(t)
	copyFile(t, filepath.Join(earlier, "filing.db"), filepath.Join(w.config.DataDir, "filing.db"))
	if got, want := w.problems(t, path), []string{"TAIL_CUT fashen/filing/" + region}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.start(t)
	w.reach(t, "grpc")
	f := w.try(t, "drafter", checkpointService+"GetCheckpoint", &corev1.GetCheckpointRequest{Parent: region, Service: "filing"}, &corev1.Checkpoint{})
	if f == nil || f.code != codes.DataLoss || f.reason != "FEED_CUT" {
		t.Errorf("a feed that was cut: %v", f)
	}
	w.must(t, "drafter", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region}, &filingv1.ListDocumentsResponse{})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}
