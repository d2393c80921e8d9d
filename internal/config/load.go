package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// configFlag names the file, so it cannot be in it.
const configFlag = "config"

// Annotations of flags.
const (
	secretAnnotation = "fashen-secret"
	sourceAnnotation = "fashen-source"
)

// secret marks a setting whose value is never shown.
func secret(f *pflag.FlagSet, flag string) { annotate(f.Lookup(flag), secretAnnotation, "true") }

func annotate(flag *pflag.Flag, key, value string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[key] = []string{value}
}

func annotation(flag *pflag.Flag, key string) string {
	return strings.Join(flag.Annotations[key], "")
}

// variable is the name of a setting in the environment.
func variable(flag *pflag.Flag) string {
	return "FASHEN_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// Load completes parsed flags, bound by Flags: a setting without a flag is taken
// from its variable, else from the file, and all are checked. The error joins
// every problem, each with the place the value came from: the flag, the
// variable, or file, line and key. more are checked beside [Config.Check].
func (c *Config) Load(f *pflag.FlagSet, more ...func(Config) error) error {
	own := pflag.NewFlagSet("own", pflag.ContinueOnError)
	new(Config).Flags(own)
	var settings []*pflag.Flag
	f.VisitAll(func(flag *pflag.Flag) {
		if own.Lookup(flag.Name) != nil {
			settings = append(settings, flag)
		}
	})
	errs := fromEnvironment(f, settings)
	if c.File != "" {
		errs = append(errs, fromFile(f, own, c.File)...)
	}
	problems := unjoin(c.Check())
	for _, check := range more {
		problems = append(problems, unjoin(check(*c))...)
	}
	for _, err := range problems {
		if p, ok := errors.AsType[*Problem](err); ok {
			if source := annotation(f.Lookup(p.Flag), sourceAnnotation); source != "" {
				err = fmt.Errorf("%s: %s", source, p.Text)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// unjoin is the errors that errors.Join joined.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// fromEnvironment sets each flag that was not given from FASHEN_{FLAG}, dashes
// being underscores: --mongodb-uri from FASHEN_MONGODB_URI.
func fromEnvironment(f *pflag.FlagSet, settings []*pflag.Flag) (errs []error) {
	for _, flag := range settings {
		name := variable(flag)
		value, ok := os.LookupEnv(name)
		if !ok || flag.Changed {
			continue
		}
		if err := f.Set(flag.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, hidden(flag, err)))
		}
		annotate(flag, sourceAnnotation, name)
	}
	return errs
}

// hidden keeps the value of a secret out of an error.
func hidden(flag *pflag.Flag, err error) error {
	if annotation(flag, secretAnnotation) != "" {
		return errors.New("the value cannot be read")
	}
	return err
}

// fromFile sets each flag that was given neither as such nor in the environment
// from the file's key of the same name. Keys that are no setting are refused.
func fromFile(f, own *pflag.FlagSet, path string) (errs []error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("--%s: %w", configFlag, err)}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return []error{fmt.Errorf("%s: %w", path, err)}
	}
	if len(document.Content) == 0 {
		return nil // an empty file
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s:%d: settings are lines of `key: value`", path, top.Line)}
	}
	seen := map[string]int{}
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		at := fmt.Sprintf("%s:%d: %s", path, key.Line, key.Value)
		flag := f.Lookup(key.Value)
		switch {
		case own.Lookup(key.Value) == nil || flag == nil || key.Value == configFlag:
			errs = append(errs, fmt.Errorf("%s: no such setting", at))
			continue
		case seen[key.Value] != 0:
			errs = append(errs, fmt.Errorf("%s: set on line %d already", at, seen[key.Value]))
			continue
		}
		seen[key.Value] = key.Line
		texts, err := scalars(flag, value)
		if err == nil && !flag.Changed {
			annotate(flag, sourceAnnotation, at)
			err = set(flag, texts)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, hidden(flag, err)))
		}
	}
	return errs
}

// scalars are the texts of a value: one, or those of a list.
func scalars(flag *pflag.Flag, value *yaml.Node) ([]string, error) {
	nodes := []*yaml.Node{value}
	if _, list := flag.Value.(pflag.SliceValue); list && value.Kind == yaml.SequenceNode {
		nodes = value.Content
	}
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return nil, fmt.Errorf("a %s is wanted", flag.Value.Type())
		}
		texts[i] = n.Value
	}
	return texts, nil
}

func set(flag *pflag.Flag, texts []string) error {
	flag.Changed = true
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.Replace(texts)
	}
	return flag.Value.Set(texts[0])
}
