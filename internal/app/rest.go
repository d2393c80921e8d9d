package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	// answerBytes and answerTimeout bound one answer of a running server to a command.
	answerBytes   = 8 << 20
	answerTimeout = 2 * time.Minute
)

// addressREST is the address of a resource of a running server.
func addressREST(server string, parts ...string) (string, error) {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	at, err := url.JoinPath(server, append([]string{"v1"}, parts...)...)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(at, "http://") && !strings.HasPrefix(at, "https://") {
		return "", fmt.Errorf("%q is no address of a REST API", server)
	}
	return at, nil
}

// callREST asks a running server, which owns the stores.
func callREST(ctx context.Context, token, method, at string, body io.Reader, out proto.Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerBytes))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s: %s", answer.Status, bytes.TrimSpace(text))
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, out)
}
