package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// idleAfter is how long a started process is left alone before its memory is read.
const idleAfter = 3 * time.Second

func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/fashen") //nolint:gosec // a path of our own
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the command: %w", err)
	}
	return nil
}

// started is what one start of the process showed.
type started struct {
	// ready is the time from the start of the process to the answer SERVING.
	ready time.Duration
	// residentKiB is the resident memory after a rest; 0 when it cannot be told.
	residentKiB int
}

// address finds the gRPC address in what the process prints.
var address = regexp.MustCompile(`gRPC (\S+)`)

// startOnce starts the process on a store, waits until it serves, lets it rest,
// and stops it.
func startOnce(ctx context.Context, binary, data string) (s started, err error) {
	//nolint:gosec // what was just built, on a path of our own
	cmd := exec.CommandContext(ctx, binary, "serve", "--data", data,
		"--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "warn")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer func() {
		signalErr := cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out)
		err = errors.Join(err, signalErr, cmd.Wait())
	}()
	target, err := printedAddress(out)
	if err != nil {
		return s, err
	}
	if err := serving(ctx, target); err != nil {
		return s, err
	}
	s.ready = time.Since(begin)
	select {
	case <-time.After(idleAfter):
	case <-ctx.Done():
		return s, ctx.Err()
	}
	s.residentKiB = residentKiB(cmd.Process.Pid)
	return s, nil
}

func printedAddress(out io.Reader) (string, error) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			return m[1], nil
		}
	}
	return "", fmt.Errorf("the process printed no address: %w", firstOf(lines.Err(), io.ErrUnexpectedEOF))
}

func serving(ctx context.Context, target string) error {
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("health is %v", answer.GetStatus())
	}
	return nil
}

// residentKiB reads VmRSS, where there is a /proc.
func residentKiB(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for text := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(text, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}
