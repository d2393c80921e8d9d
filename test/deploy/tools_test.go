package deploy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// toolsDir is where `make deploy-check` put Helm and the loader of Compose files;
// without it their tests have nothing to run.
const toolsDir = "FASHEN_DEPLOY_TOOLS"

// tool runs one of the tools in deploy/ and answers what it printed.
func tool(t *testing.T, name string, arguments ...string) []byte {
	t.Helper()
	dir := os.Getenv(toolsDir)
	if dir == "" {
		t.Skip(toolsDir + " is not set: make deploy-check")
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, name), arguments...)
	cmd.Dir = "../../deploy"
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, arguments, err, out.Bytes(), problems.Bytes())
	}
	return out.Bytes()
}

// Helm finds no fault with the chart, and renders what the other tests look at.
func TestHelm(t *testing.T) {
	t.Logf("%s", tool(t, "helm", "lint", "--strict", "helm"))
	rendered := tool(t, "helm", "template", "trial", "helm")
	ours, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs := documents(t, rendered)
	if len(theirs) == 0 || !reflect.DeepEqual(ours, theirs) {
		t.Errorf("Helm renders\n%s\nthe tests look at\n%v", rendered, ours)
	}
}

// The Compose file is one by the specification, with every reference resolved.
func TestComposeConfig(t *testing.T) {
	model := decode(t, tool(t, "cmd", "compose.yaml"))
	services, _ := model["services"].(object)
	if len(services) == 0 {
		t.Fatalf("no services in %v", model)
	}
	for name, s := range services {
		build, _ := at(s, "build", "dockerfile").(string)
		folder, _ := at(s, "build", "context").(string)
		if build == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, build)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The binary of the image serves as the image says: that build, that user, that
// environment, nothing else in its root, and the root read-only.
func TestImageRuns(t *testing.T) {
	if os.Getenv(toolsDir) == "" {
		t.Skip(toolsDir + " is not set: make deploy-check")
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("NOT run: another root and another user take root on Linux")
	}
	image := string(read(t, "../../deploy/Dockerfile"))
	find := func(pattern string) string {
		found := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(image)
		if found == nil {
			t.Fatalf("the image has no %s", pattern)
		}
		return found[1]
	}
	root := t.TempDir()
	// A read-only mount is made over root in a name space of its own; /data is the volume.
	if err := os.MkdirAll(filepath.Join(root, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(root, "data"), 65532, 65532); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(find(`^RUN (CGO_ENABLED=0 go build .*?) &&`), "/out/", root+"/"))
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	const script = `mount --bind "$0" "$0" && mount --bind "$0/data" "$0/data" && mount -o remount,ro,bind "$0" && exec chroot --userspec="$1" "$0" /fashen serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 --sample`
	served := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", script, root, find(`^USER (.*)$`))
	served.Env = strings.Fields(find(`^ENV (.*)$`))
	out, in := io.Pipe()
	var problems bytes.Buffer
	served.Stdout, served.Stderr = in, &problems
	served.Cancel = func() error { return served.Process.Signal(os.Interrupt) }
	served.WaitDelay = 20 * time.Second
	if err := served.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { err := served.Wait(); in.Close(); ended <- err }()

	address := addressIn(out)
	if address == "" {
		t.Fatalf("it does not serve: %v\n%s", <-ended, problems.Bytes())
	}
	res, err := http.Get(address + "/readyz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("ready: %v %v", res, err)
	}
	if res != nil {
		res.Body.Close()
	}
	status := string(read(t, fmt.Sprintf("/proc/%d/status", served.Process.Pid)))
	if !strings.Contains(status, "Uid:\t65532\t65532\t65532\t65532") {
		t.Errorf("it runs as\n%s", status)
	}
	if err := served.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v\n%s", err, problems.Bytes())
	}
	if _, err := os.Stat(filepath.Join(root, "data", "filing.db")); err != nil {
		t.Error(err)
	}
}

// addressIn reads what is printed at the start up to the address of the REST API,
// and lets the rest be printed.
func addressIn(out io.Reader) string {
	var seen []byte
	for part := make([]byte, 1024); ; {
		n, err := out.Read(part)
		seen = append(seen, part[:n]...)
		if found := regexp.MustCompile(`REST (http://\S+)\s`).FindSubmatch(seen); found != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return string(found[1])
		}
		if err != nil {
			return ""
		}
	}
}
