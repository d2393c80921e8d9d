//go:build unix

package sweep

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSweep sweeps 1,000 Word files of some 4,000 characters with one worker and
// with two, and spins as many goroutines beside, to tell what the machine gives at that
// time. cpu/wall is how many cores were busy; files/s is the speed. Collecting garbage as
// the command does: GOGC=800 GOMEMLIMIT=1GiB.
func BenchmarkSweep(b *testing.B) {
	const files = 1000
	folder := b.TempDir()
	paragraphs := []string{"示例区示例办法"}
	for n := 1; n <= 60; n++ {
		text := strings.Repeat("有关部门应当依照法律、法规的规定办理，并及时向社会公布办理的结果。", 2)
		if n%10 == 0 {
			text = "对在本区登记注册、纳税满三年的企业给予最高50万元奖励。"
		}
		paragraphs = append(paragraphs, fmt.Sprintf("第%d条 %s", n, text))
	}
	data := docx(b, paragraphs...)
	for i := range files {
		write(b, folder, fmt.Sprintf("%02d/%04d.docx", i%20, i), data)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("spin=%d", workers), func(b *testing.B) {
			busy, start := cpu(b), time.Now()
			for b.Loop() {
				var all sync.WaitGroup
				for range workers {
					all.Go(func() {
						block := make([]byte, 64<<10)
						for range 10_000 {
							sha256.Sum256(block)
						}
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(cpu(b)-busy)/float64(time.Since(start)), "cpu/wall")
		})
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			busy, start := cpu(b), time.Now()
			for b.Loop() {
				n := 0
				must(b, Folder(b.Context(), folder, options(workers), func(r Result) error {
					if r.Failure != "" {
						b.Fatal(r.Failure)
					}
					n++
					return nil
				}))
				if n != files {
					b.Fatalf("%d files", n)
				}
			}
			wall := time.Since(start)
			b.ReportMetric(float64(cpu(b)-busy)/float64(wall), "cpu/wall")
			b.ReportMetric(files*float64(b.N)/wall.Seconds(), "files/s")
		})
	}
}

// cpu is the processor time this process has taken.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
