// Package deploy checks what deploy/ says against the program and against
// itself, without a container runtime or a cluster.
package deploy

import (
	"fmt"
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
	settings := decode(t, []byte(fmt.Sprint(at(objects["ConfigMap"], "data", "fashen.yaml"))))
	if settings["store"] != "mongodb" || settings["log-level"] != "info" {
		t.Errorf("settings %v", settings)
	}
	// Other settings roll the pods.
	sum := func(o map[string]object) any {
		return at(o["Deployment"], "spec", "template", "metadata", "annotations", "checksum/settings")
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
	pod := at(objects["Deployment"], "spec", "template", "spec")
	container := at(pod, "containers", 0)
	for what, got := range map[string]struct{ got, want any }{
		"user":           {at(pod, "securityContext", "runAsUser"), 65532},
		"not root":       {at(pod, "securityContext", "runAsNonRoot"), true},
		"group of files": {at(pod, "securityContext", "fsGroup"), 65532},
		"read-only root": {at(container, "securityContext", "readOnlyRootFilesystem"), true},
		"no privileges":  {at(container, "securityContext", "allowPrivilegeEscalation"), false},
		"capabilities":   {at(container, "securityContext", "capabilities", "drop", 0), "ALL"},
		"image":          {at(container, "image"), "fashen:0.1.0"},
		"ready":          {at(container, "readinessProbe", "httpGet", "path"), "/readyz"},
		"alive":          {at(container, "livenessProbe", "httpGet", "path"), "/healthz"},
		"store":          {at(container, "env", 0, "valueFrom", "secretKeyRef", "name"), "fashen-mongodb"},
		"key":            {at(pod, "volumes", 1, "secret", "secretName"), "fashen-signing-key"},
		"mode of key":    {at(pod, "volumes", 1, "secret", "defaultMode"), 0o440},
		"key in place":   {at(container, "volumeMounts", 1, "mountPath"), "/data/keys"},
		"signed":         {at(container, "volumeMounts", 2, "mountPath"), "/data/checkpoints"},
		"budget":         {at(objects["PodDisruptionBudget"], "spec", "maxUnavailable"), 1},
	} {
		if !reflect.DeepEqual(got.got, got.want) {
			t.Errorf("%s: %v, want %v", what, got.got, got.want)
		}
	}
	labels := at(objects["Deployment"], "spec", "selector", "matchLabels")
	for kind, path := range map[string][]any{
		"Deployment": {"spec", "template", "metadata", "labels"}, "Service": {"spec", "selector"},
		"PodDisruptionBudget": {"spec", "selector", "matchLabels"}, "NetworkPolicy": {"spec", "podSelector", "matchLabels"},
	} {
		chosen, _ := at(objects[kind], path...).(object)
		for key, value := range labels.(object) {
			if chosen[key] != value {
				t.Errorf("%s: label %s is %v, want %v", kind, key, chosen[key], value)
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
	ingress := func(change func(object)) []any {
		objects, err := render(t, change)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := at(objects["NetworkPolicy"], "spec", "ingress").([]any)
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

// Compose starts three members, and fashen once they are one replica set.
func TestCompose(t *testing.T) {
	file := decode(t, read(t, "../../deploy/compose.yaml"))
	uri := fmt.Sprint(at(file, "services", "fashen", "environment", "FASHEN_MONGODB_URI"))
	for _, member := range []string{"mongo1", "mongo2", "mongo3"} {
		if !strings.Contains(uri, member) || at(file, "services", member, "image") != at(file, "services", "replica-set", "image") ||
			at(file, "services", "replica-set", "depends_on", member, "condition") != "service_healthy" {
			t.Errorf("member %s", member)
		}
		for _, port := range []any{at(file, "services", member, "ports")} {
			if port != nil {
				t.Errorf("%s is published: %v", member, port)
			}
		}
	}
	for what, got := range map[string]struct{ got, want any }{
		"order":          {at(file, "services", "fashen", "depends_on", "replica-set", "condition"), "service_completed_successfully"},
		"read-only root": {at(file, "services", "fashen", "read_only"), true},
		"user":           {at(file, "services", "fashen", "user"), "65532:65532"},
		"closed network": {at(file, "networks", "store", "internal"), true},
	} {
		if got.got != got.want {
			t.Errorf("%s: %v, want %v", what, got.got, got.want)
		}
	}
}
