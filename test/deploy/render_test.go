package deploy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const chart = "../../deploy/helm"

// object is a decoded YAML mapping.
type object = map[string]any

func decode(t *testing.T, text []byte) object {
	t.Helper()
	var o object
	if err := yaml.Unmarshal(text, &o); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return o
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// functions are those of Helm that the chart uses, so that it is rendered
// without Helm. What they do is what Helm's do for the values given here.
func functions(all *template.Template) template.FuncMap {
	indent := func(n int, text string) string {
		pad := strings.Repeat(" ", n)
		return pad + strings.ReplaceAll(text, "\n", "\n"+pad)
	}
	return template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := all.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"required": func(message string, value any) (any, error) {
			if value == nil || value == "" {
				return nil, fmt.Errorf("%s", message)
			}
			return value, nil
		},
		"default": func(other, value any) any {
			if truth, _ := template.IsTrue(value); truth {
				return value
			}
			return other
		},
		"toYaml": func(v any) (string, error) {
			b, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(b), "\n"), err
		},
		"merge": func(into, from object) object {
			out := maps.Clone(from)
			maps.Copy(out, into)
			return out
		},
		"dict": func(pairs ...any) object {
			o := object{}
			for i := 0; i+1 < len(pairs); i += 2 {
				o[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return o
		},
		"sha256sum":  func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) },
		"list":       func(items ...any) []any { return items },
		"indent":     indent,
		"nindent":    func(n int, text string) string { return "\n" + indent(n, text) },
		"quote":      func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	}
}

// documents are the objects of a text, by kind and name.
func documents(t *testing.T, text []byte) map[string]object {
	t.Helper()
	out := map[string]object{}
	for all := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := all.Decode(&o); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if o != nil {
			out[fmt.Sprint(o["kind"], "/", at(o, "metadata", "name"))] = o
		}
	}
}

// render answers the objects of the chart by kind and name, with changed values.
func render(t *testing.T, change func(values object)) (map[string]object, error) {
	t.Helper()
	values := decode(t, read(t, filepath.Join(chart, "values.yaml")))
	if change != nil {
		change(values)
	}
	meta := decode(t, read(t, filepath.Join(chart, "Chart.yaml")))
	data := object{
		"Values":  values,
		"Release": object{"Name": "trial", "Service": "Helm"},
		"Chart":   object{"Name": meta["name"], "Version": meta["version"], "AppVersion": meta["appVersion"]},
	}
	all := template.New("chart")
	if _, err := all.Funcs(functions(all)).ParseGlob(filepath.Join(chart, "templates", "*")); err != nil {
		t.Fatal(err)
	}
	out := map[string]object{}
	for _, one := range all.Templates() {
		if !strings.HasSuffix(one.Name(), ".yaml") {
			continue
		}
		var b bytes.Buffer
		if err := one.Execute(&b, data); err != nil {
			return nil, err
		}
		maps.Copy(out, documents(t, b.Bytes()))
	}
	return out, nil
}

// at follows keys and positions into a decoded value; nil where there is none.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(object)
			v = o[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}
