//go:build office

package policytext

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkReadDocxBesideOffice reads a draft of 50 pages to its outline and has
// LibreOffice convert the same file to text, and reports how many times longer
// that takes: from a cold start, as a converter is run, and without what starting
// alone costs.
func BenchmarkReadDocxBesideOffice(b *testing.B) {
	dir := b.TempDir()
	data := longDraft(b)
	convert := func(name string, data []byte) time.Duration {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		said, err := exec.CommandContext(b.Context(), "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"),
			"--headless", "--convert-to", "txt:Text (encoded):UTF8", "--outdir", filepath.Join(dir, "out"), path).CombinedOutput()
		if err != nil {
			b.Fatalf("soffice: %v\n%s", err, said)
		}
		return time.Since(start)
	}
	convert("profile.docx", wordFile{body: text("甲")}.bytes(b)) // makes the profile
	starting := convert("short.docx", wordFile{body: text("甲")}.bytes(b))
	office := convert("long.docx", data)
	for b.Loop() {
		mustRead(b, data)
	}
	own := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(office.Seconds()*1000, "office-ms")
	b.ReportMetric(float64(office)/float64(own), "times-faster")
	b.ReportMetric(float64(office-starting)/float64(own), "times-faster-once-started")
}
