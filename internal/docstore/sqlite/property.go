package sqlite

import (
	"context"
	"errors"

	"fashen/internal/docstore"
)

// Property reads one property.
func (e *Engine) Property(ctx context.Context, key string) (string, error) {
	var value string
	err := failure(e.read.QueryRowContext(ctx, `SELECT value FROM properties WHERE key = ?`, key).Scan(&value))
	if errors.Is(err, docstore.ErrNotFound) {
		return "", nil
	}
	return value, err
}

// SetProperty writes one property.
func (e *Engine) SetProperty(ctx context.Context, key, value string) error {
	query, args := `INSERT INTO properties (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, []any{key, value}
	if value == "" {
		query, args = `DELETE FROM properties WHERE key = ?`, args[:1]
	}
	_, err := e.queue.exec(ctx, query, args...)
	return err
}
