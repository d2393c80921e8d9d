package docstoretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"fashen/internal/docstore"
)

func testBlobs(t *testing.T, open Opener) {
	cases := map[string]func(t *testing.T, b docstore.BlobStore){
		"RoundTrip": blobRoundTrip,
		"Wrong":     wrongBlob,
		"Large":     largeBlob,
		"Race":      blobRace,
		"List":      blobList,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			e, _ := open(t)
			run(t, e.Blobs())
		})
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func readBlob(t *testing.T, b docstore.BlobStore, sum string) []byte {
	t.Helper()
	r, size, err := b.Open(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got, err := io.ReadAll(r)
	if err != nil || int64(len(got)) != size {
		t.Fatalf("%d bytes of %d: %v", len(got), size, err)
	}
	return got
}

func blobRoundTrip(t *testing.T, b docstore.BlobStore) {
	for _, size := range []int{0, 1, 255 << 10, 255<<10 + 1, 1 << 20, 1<<20 + 1, 3<<20 - 1} {
		content := bytes.Repeat([]byte("示例文本\x00"), size/13+1)[:size]
		for range 2 { // the second time is no error
			if err := b.Put(t.Context(), sumOf(content), int64(size), bytes.NewReader(content)); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
		}
		if got := readBlob(t, b, sumOf(content)); !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back otherwise", size)
		}
	}
	if _, _, err := b.Open(t.Context(), sumOf([]byte("nothing"))); !errors.Is(err, docstore.ErrNotFound) {
		t.Errorf("open of nothing: %v", err)
	}
}

// failing reads some bytes, then fails.
type failing struct{ left int }

var errRead = errors.New("the caller went away")

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errRead
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

func wrongBlob(t *testing.T, b docstore.BlobStore) {
	content := bytes.Repeat([]byte("x"), 2<<20)
	sum := sumOf(content)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		sum  string
		size int64
		r    io.Reader
		want error
	}{
		"another hash": {t.Context(), sumOf([]byte("y")), 2 << 20, bytes.NewReader(content), docstore.ErrMismatch},
		"too short":    {t.Context(), sum, 2<<20 + 1, bytes.NewReader(content), docstore.ErrMismatch},
		"too long":     {t.Context(), sum, 2<<20 - 1, bytes.NewReader(content), docstore.ErrMismatch},
		"over limit":   {t.Context(), sum, docstore.MaxBlobBytes + 1, strings.NewReader(""), docstore.ErrTooLarge},
		"broken off":   {t.Context(), sum, 2 << 20, &failing{left: 3 << 19}, errRead},
		"cancelled":    {cancelled, sum, 2 << 20, bytes.NewReader(content), context.Canceled},
	} {
		if err := b.Put(c.ctx, c.sum, c.size, c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", what, err, c.want)
		}
		if _, _, err := b.Open(t.Context(), c.sum); !errors.Is(err, docstore.ErrNotFound) {
			t.Errorf("%s: something is left: %v", what, err)
		}
	}
	if err := b.Put(t.Context(), sum, 2<<20, bytes.NewReader(content)); err != nil {
		t.Errorf("the right content afterwards: %v", err)
	}
}

// noise is a reader of pseudo-random bytes, always the same.
func noise() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// largeBlob streams 50 MB in and out within little memory.
func largeBlob(t *testing.T, b docstore.BlobStore) {
	const limit = 40 << 20
	hash := sha256.New()
	if _, err := io.CopyN(hash, noise(), docstore.MaxBlobBytes); err != nil {
		t.Fatal(err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	// Garbage is collected early, so that what is seen is what is held.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	peak := watchHeap(t)
	if err := b.Put(t.Context(), sum, docstore.MaxBlobBytes, io.LimitReader(noise(), docstore.MaxBlobBytes)); err != nil {
		t.Fatal(err)
	}
	r, size, err := b.Open(t.Context(), sum)
	if err != nil || size != docstore.MaxBlobBytes {
		t.Fatalf("open: %d bytes, %v", size, err)
	}
	defer func() { _ = r.Close() }()
	hash.Reset()
	if n, err := io.Copy(hash, r); err != nil || n != size || hex.EncodeToString(hash.Sum(nil)) != sum {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	if grown := peak(); grown > limit {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// watchHeap answers how much the live heap grew at most, as seen after each
// collection of garbage.
func watchHeap(t *testing.T) (peak func() uint64) {
	t.Helper()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	top := before.HeapAlloc
	type sentinel struct{ _ [64]byte }
	var arm func()
	stopped := make(chan struct{})
	seen := make(chan uint64, 1024)
	arm = func() {
		runtime.AddCleanup(&sentinel{}, func(struct{}) {
			select {
			case <-stopped:
				return
			default:
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			select {
			case seen <- m.HeapAlloc:
			default:
			}
			arm()
		}, struct{}{})
	}
	arm()
	return func() uint64 {
		close(stopped)
		runtime.ReadMemStats(&now)
		for {
			select {
			case h := <-seen:
				top = max(top, h)
			default:
				return top - before.HeapAlloc
			}
		}
	}
}

// blobRace: several callers store the same content at once.
func blobRace(t *testing.T, b docstore.BlobStore) {
	content := bytes.Repeat([]byte("z"), 1<<20+7)
	errs := make(chan error)
	const callers = 4
	for range callers {
		go func() { errs <- b.Put(t.Context(), sumOf(content), int64(len(content)), bytes.NewReader(content)) }()
	}
	for range callers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(readBlob(t, b, sumOf(content)), content) {
		t.Error("came back otherwise")
	}
}

func blobList(t *testing.T, b docstore.BlobStore) {
	want := map[string]int64{}
	for _, content := range []string{"", "甲", "乙", "丙丙"} {
		want[sumOf([]byte(content))] = int64(len(content))
		if err := b.Put(t.Context(), sumOf([]byte(content)), int64(len(content)), strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	after := ""
	for range 2 {
		page, err := b.List(t.Context(), after, 2)
		if err != nil || len(page) != 2 {
			t.Fatalf("page of %d, %v", len(page), err)
		}
		for _, blob := range page {
			if size, ok := want[blob.SHA256]; !ok || size != blob.Size || blob.SHA256 <= after {
				t.Errorf("%+v after %q", blob, after)
			}
			delete(want, blob.SHA256)
			after = blob.SHA256
		}
	}
	if page, err := b.List(t.Context(), after, 2); err != nil || len(page) != 0 || len(want) != 0 {
		t.Errorf("at the end %v, %v; missing %v", page, err, want)
	}
}
