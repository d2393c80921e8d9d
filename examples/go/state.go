package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// state is all that is remembered from one run to the next. A system would keep
// it in its own record of the matter.
type state struct {
	file string
	// Document is the document, once created.
	Document string `json:"document,omitempty"`
	// ResumeToken is the place in the feed of counsel up to which events were
	// handled.
	ResumeToken string `json:"resumeToken,omitempty"`
	// Position is the place of the conclusion in the feed, once it came, and Entry
	// what it said: a JournalEntry, as JSON.
	Position int64           `json:"position,omitempty"`
	Entry    json.RawMessage `json:"entry,omitempty"`
	// Checkpoint is the newest signed note that was verified.
	Checkpoint string `json:"checkpoint,omitempty"`
}

func readState(file string) (*state, error) {
	s := &state{file: file}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return s, nil
}

// keep writes the state whole or not at all.
func (s *state) keep() error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(s.file+".new", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(s.file+".new", s.file)
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", s.file, err)
	}
	return nil
}
