package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// masked stands for a secret that is set.
const masked = `"******"`

// Print writes the settings in effect as a file that could be read again, but
// for secrets, each with where it came from. The flags have been through Load.
func Print(w io.Writer, f *pflag.FlagSet) error {
	var b strings.Builder
	for _, s := range new(Config).sections() {
		fmt.Fprintf(&b, "# %s\n", s.title)
		s.flags.VisitAll(func(own *pflag.Flag) {
			flag := f.Lookup(own.Name)
			if flag == nil || flag.Name == configFlag {
				return
			}
			source := annotation(flag, sourceAnnotation)
			switch {
			case source != "":
			case flag.Changed:
				source = "--" + flag.Name
			default:
				source = "default"
			}
			fmt.Fprintf(&b, "%s: %s # %s\n", flag.Name, shown(flag), source)
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown is a value as the file would have it.
func shown(flag *pflag.Flag) string {
	if annotation(flag, secretAnnotation) != "" && flag.Value.String() != "" {
		return masked
	}
	var value any = flag.Value.String()
	switch v := flag.Value.(type) {
	case pflag.SliceValue:
		value = v.GetSlice()
	default:
		if flag.Value.Type() != "string" {
			return flag.Value.String()
		}
	}
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		return fmt.Sprintf("%q", value)
	}
	node.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(node)
	if err != nil {
		return fmt.Sprintf("%q", value)
	}
	return strings.TrimSpace(string(text))
}

// Reference writes the page of all settings, docs/configuration.md.
func Reference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, s := range new(Config).sections() {
		fmt.Fprintf(&b, "\n## %s\n\n| Key | Variable | Default | What it is |\n| --- | --- | --- | --- |\n", s.title)
		s.flags.VisitAll(func(flag *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(flag)
			if annotation(flag, secretAnnotation) != "" {
				usage += "; secret"
			}
			def := ""
			if v := flag.DefValue; v != "" && v != "[]" {
				def = "`" + v + "`"
			}
			key := "`" + flag.Name + "`"
			if flag.Name == configFlag {
				key = "`--" + configFlag + "` alone"
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", key, variable(flag), def, usage)
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const referenceHead = `# Configuration

<!-- Written by ` + "`fashen config reference`" + `; a test fails when it is not up to date. -->

A setting is a flag of ` + "`fashen serve`" + ` and of the commands that open a store, ` + "`--{key}`" + `; else an environment
variable; else a line ` + "`key: value`" + ` of the YAML file that ` + "`--config`" + ` or ` + "`FASHEN_CONFIG`" + ` names; else the default.
Lists are written ` + "`[a, b]`" + ` in the file, and with commas elsewhere. A key that is no setting is refused.

    fashen config check --config fashen.yaml    # settings in effect, and every problem with its place

Secrets are masked in what it prints. Give them by environment or by a file that only the server can read, since flags
show in the process list.
`
