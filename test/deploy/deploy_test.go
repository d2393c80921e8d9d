// Package deploy checks what deploy/ says against the program and against
// itself, without a container runtime or a cluster.
package deploy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// reference is the page of all settings, generated from the program.
func reference(t *testing.T) string { return string(read(t, "../../docs/configuration.md")) }

// Every variable and key that a deployment sets is a setting of the program.
func TestSettingsAreKnown(t *testing.T) {
	known := reference(t)
	for _, file := range []string{"Dockerfile", "compose.yaml", "helm/templates/deployment.yaml"} {
		for _, name := range regexp.MustCompile(`\bFASHEN_[A-Z_]+\b`).FindAllString(string(read(t, "../../deploy/"+file)), -1) {
			if !strings.Contains(known, "`"+name+"`") {
				t.Errorf("%s: no setting %s", file, name)
			}
		}
	}
	objects, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	settings := decode(t, []byte(fmt.Sprint(at(objects["ConfigMap/trial"], "data", "fashen.yaml"))))
	if settings["tls-ca"] != "/certificates/ca.crt" || settings["log-level"] != "info" {
		t.Errorf("settings %v", settings)
	}
	// Other settings roll the pods.
	sum := func(o map[string]object) any {
		return at(o["Deployment/trial-filing"], "spec", "template", "metadata", "annotations", "checksum/settings")
	}
	other, err := render(t, func(v object) { v["settings"].(object)["log-level"] = "debug" })
	if err != nil || sum(objects) == nil || sum(other) == sum(objects) {
		t.Errorf("checksum of the settings %v, of others %v, %v", sum(objects), sum(other), err)
	}
	for key := range settings {
		if !strings.Contains(known, "| `"+key+"` |") {
			t.Errorf("the chart sets %s, which is no setting", key)
		}
	}
}

// What the image and the chart say of user, ports and folders is the same.
func TestImageAndChartAgree(t *testing.T) {
	image := string(read(t, "../../deploy/Dockerfile"))
	for _, want := range []string{"CGO_ENABLED=0", "FROM scratch", "USER 65532:65532", "FASHEN_DATA=/data", "FASHEN_HTTP=:8080", "FASHEN_GRPC=:9090"} {
		if !strings.Contains(image, want) {
			t.Errorf("the image has no %s", want)
		}
	}
	objects, err := render(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range processes {
		t.Run(service, func(t *testing.T) { checkPods(t, objects, service) })
	}
}

// checkPods looks at the objects of one service.
func checkPods(t *testing.T, objects map[string]object, service string) {
	t.Helper()
	deployment, offer := objects["Deployment/trial-"+service], objects["Service/trial-"+service]
	budget, policy := objects["PodDisruptionBudget/trial-"+service], objects["NetworkPolicy/trial-"+service]
	pod := at(deployment, "spec", "template", "spec")
	container := at(pod, "containers", 0)
	store, port, address := any("fashen-mongodb"), any("grpc"), any("None")
	if service == "gateway" {
		store, port, address = nil, "http", nil
	}
	for what, got := range map[string]struct{ got, want any }{
		"what it runs":   {at(container, "env", 0), object{"name": "FASHEN_SERVICES", "value": service}},
		"user":           {at(pod, "securityContext", "runAsUser"), 65532},
		"not root":       {at(pod, "securityContext", "runAsNonRoot"), true},
		"group of files": {at(pod, "securityContext", "fsGroup"), 65532},
		"read-only root": {at(container, "securityContext", "readOnlyRootFilesystem"), true},
		"no privileges":  {at(container, "securityContext", "allowPrivilegeEscalation"), false},
		"capabilities":   {at(container, "securityContext", "capabilities", "drop", 0), "ALL"},
		"image":          {at(container, "image"), "fashen:0.1.0"},
		"ready":          {at(container, "readinessProbe", "httpGet"), object{"path": "/readyz", "port": "metrics"}},
		"alive":          {at(container, "livenessProbe", "httpGet"), object{"path": "/healthz", "port": "metrics"}},
		"store":          {at(container, "env", 2, "valueFrom", "secretKeyRef", "name"), store},
		"certificate":    {at(pod, "volumes", 1, "secret", "secretName"), "fashen-" + service + "-tls"},
		"in place":       {at(container, "volumeMounts", 1, "mountPath"), "/certificates"},
		"key":            {at(pod, "volumes", 2, "secret", "secretName"), "fashen-signing-key"},
		"mode of key":    {at(pod, "volumes", 2, "secret", "defaultMode"), 0o440},
		"key in place":   {at(container, "volumeMounts", 2, "mountPath"), "/data/keys"},
		"signed":         {at(container, "volumeMounts", 3, "mountPath"), "/data/checkpoints"},
		"reader of PDF":  {at(container, "volumeMounts", 4, "mountPath"), "/data/pdf"},
		"budget":         {at(budget, "spec", "maxUnavailable"), 1},
		"port":           {at(offer, "spec", "ports", 0, "targetPort"), port},
		"address":        {at(offer, "spec", "clusterIP"), address},
		"let in":         {at(policy, "spec", "ingress", 0, "ports", 0, "port"), port},
	} {
		if !reflect.DeepEqual(got.got, got.want) {
			t.Errorf("%s: %v, want %v", what, got.got, got.want)
		}
	}
	environment := at(container, "env").([]any)
	peers := fmt.Sprint(at(environment, len(environment)-1, "value"))
	for _, peer := range processes[:3] {
		if name := fmt.Sprint(at(objects["Service/trial-"+peer], "metadata", "name")); !strings.Contains(peers, peer+"=dns:///"+name+":9090") {
			t.Errorf("%s is not among the peers %s", peer, peers)
		}
	}
	labels, _ := at(deployment, "spec", "selector", "matchLabels").(object)
	if labels["app.kubernetes.io/component"] != service {
		t.Errorf("pods of %v", labels)
	}
	for what, chosen := range map[string]any{
		"pods": at(deployment, "spec", "template", "metadata", "labels"), "service": at(offer, "spec", "selector"),
		"budget": at(budget, "spec", "selector", "matchLabels"), "policy": at(policy, "spec", "podSelector", "matchLabels"),
	} {
		chosen, _ := chosen.(object)
		for key, value := range labels {
			if chosen[key] != value {
				t.Errorf("%s: label %s is %v, want %v", what, key, chosen[key], value)
			}
		}
	}
}

// The chart names its secrets and refuses to be installed without them; it
// opens metrics to nobody unless it is told to whom.
func TestChartValues(t *testing.T) {
	for _, name := range []string{"mongodb", "signingKey"} {
		_, err := render(t, func(v object) { v[name].(object)["existingSecret"] = "" })
		if err == nil || !strings.Contains(err.Error(), name+".existingSecret") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	_, err := render(t, func(v object) { v["tls"].(object)["existingSecrets"].(object)["counsel"] = "" })
	if err == nil || !strings.Contains(err.Error(), "tls.existingSecrets.counsel") {
		t.Errorf("without a certificate: %v", err)
	}
	objects, err := render(t, func(v object) { v["mongodb"].(object)["existingSecrets"].(object)["filing"] = "own" })
	if got := at(objects["Deployment/trial-filing"], "spec", "template", "spec", "containers", 0, "env", 2, "valueFrom", "secretKeyRef", "name"); err != nil || got != "own" {
		t.Errorf("the store's secret of filing: %v, %v", got, err)
	}
	ingress := func(change func(object)) []any {
		objects, err := render(t, change)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := at(objects["NetworkPolicy/trial-filing"], "spec", "ingress").([]any)
		return list
	}
	if got := ingress(nil); len(got) != 1 || strings.Contains(fmt.Sprint(got), "metrics") {
		t.Errorf("by default %v", got)
	}
	prometheus := []any{object{"podSelector": object{"matchLabels": object{"app": "prometheus"}}}}
	if got := ingress(func(v object) { v["networkPolicy"].(object)["metrics"] = prometheus }); len(got) != 2 ||
		at(got, 1, "ports", 0, "port") != "metrics" || !strings.Contains(fmt.Sprint(at(got, 1, "from")), "prometheus") {
		t.Errorf("with Prometheus %v", got)
	}
	if got := ingress(func(v object) { v["networkPolicy"].(object)["enabled"] = false }); got != nil {
		t.Errorf("switched off %v", got)
	}
}

// Compose starts three members, and each service once they are one replica set and
// there are certificates.
func TestCompose(t *testing.T) {
	file := decode(t, read(t, "../../deploy/compose.yaml"))
	for _, member := range []string{"mongo1", "mongo2", "mongo3"} {
		if at(file, "services", member, "image") != at(file, "services", "replica-set", "image") ||
			at(file, "services", "replica-set", "depends_on", member, "condition") != "service_healthy" {
			t.Errorf("member %s", member)
		}
		for _, port := range []any{at(file, "services", member, "ports")} {
			if port != nil {
				t.Errorf("%s is published: %v", member, port)
			}
		}
	}
	for _, service := range processes {
		s := at(file, "services", service)
		uri, peers := fmt.Sprint(at(s, "environment", "FASHEN_MONGODB_URI")), fmt.Sprint(at(s, "environment", "FASHEN_PEERS"))
		for _, member := range []string{"mongo1", "mongo2", "mongo3"} {
			if strings.Contains(uri, member) != (service != "gateway") {
				t.Errorf("%s is told of %s: %s", service, member, uri)
			}
		}
		for _, peer := range processes[:3] {
			if !strings.Contains(peers, peer+"=dns:///"+peer+":9090") {
				t.Errorf("%s does not know %s", service, peer)
			}
		}
		for what, got := range map[string]struct{ got, want any }{
			"what it runs":   {at(s, "environment", "FASHEN_SERVICES"), service},
			"certificate":    {at(s, "environment", "FASHEN_TLS_CERT"), "/certificates/" + service + ".crt"},
			"key":            {at(s, "environment", "FASHEN_TLS_KEY"), "/certificates/" + service + ".key"},
			"authority":      {at(s, "environment", "FASHEN_TLS_CA"), "/certificates/ca.crt"},
			"order":          {at(s, "depends_on", "replica-set", "condition"), "service_completed_successfully"},
			"certificates":   {at(s, "depends_on", "certificates", "condition"), "service_completed_successfully"},
			"read-only root": {at(s, "read_only"), true},
			"user":           {at(s, "user"), "65532:65532"},
			"published":      {at(s, "ports") != nil, service == "gateway"},
		} {
			if got.got != got.want {
				t.Errorf("%s: %s: %v, want %v", service, what, got.got, got.want)
			}
		}
		if command := fmt.Sprint(at(file, "services", "certificates", "entrypoint")); !strings.Contains(command, " "+service) {
			t.Errorf("no certificate is made for %s", service)
		}
	}
	for _, network := range []string{"store", "inside"} {
		if at(file, "networks", network, "internal") != true {
			t.Errorf("network %s is open", network)
		}
	}
}

// processes are what runs in a container of its own; the gateway is the last.
var processes = []string{"directory", "counsel", "filing", "competition", "gateway"}

// The certificates of the script prove a process to another, on both sides.
func TestCertificatesScript(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("the script is NOT run: openssl is not on PATH")
	}
	folder := t.TempDir()
	for range 2 { // what is there stays
		if out, err := exec.CommandContext(t.Context(), "../../deploy/certificates.sh", append([]string{folder}, processes...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(read(t, filepath.Join(folder, "ca.crt"))) {
		t.Fatal("no authority")
	}
	for _, process := range processes {
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, process+".crt"), filepath.Join(folder, process+".key"))
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: authorities, DNSName: process, KeyUsages: []x509.ExtKeyUsage{use}})
			if err != nil {
				t.Errorf("%s: %v", process, err)
			}
		}
	}
}
