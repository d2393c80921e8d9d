package sqlite

import (
	"context"
	"database/sql"
)

// upgradeBase brings the tables of a store that was made before its log was a
// feed up to those of baseSchema: each entry gets the position it would have,
// had the log been drained in the order of time. Entries of one resource stay in
// the order of their sequence, whatever the clocks said.
func upgradeBase(ctx context.Context, tx *sql.Tx) error {
	old, err := texts(ctx, tx, `SELECT name FROM pragma_table_info('journal')`)
	if err != nil {
		return failure(err)
	}
	for _, column := range old {
		if column == "feed" {
			return nil
		}
	}
	if len(old) == 0 { // a new store
		return nil
	}
	for _, q := range []string{
		`ALTER TABLE journal ADD COLUMN feed TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE journal ADD COLUMN position INTEGER NOT NULL DEFAULT 0`,
		// What docstore.FeedOf says.
		`UPDATE journal SET feed = CASE
			WHEN substr(resource, 1, 8) = 'regions/' AND instr(substr(resource, 9) || '/', '/') > 1
			THEN substr(resource, 1, 7 + instr(substr(resource, 9) || '/', '/')) ELSE 'global' END`,
		`UPDATE journal SET position = p.position FROM (
			SELECT resource, sequence, row_number() OVER (PARTITION BY feed ORDER BY latest, resource, sequence) AS position FROM (
				SELECT feed, resource, sequence, max(time) OVER (PARTITION BY resource ORDER BY sequence) AS latest FROM journal)
			) AS p WHERE p.resource = journal.resource AND p.sequence = journal.sequence`,
	} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return failure(err)
		}
	}
	return nil
}
