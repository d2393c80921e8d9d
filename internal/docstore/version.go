package docstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Properties of a store.
const (
	propertySchema = "schema"
	propertyImport = "import"
)

// Errors of a store that cannot be served as it is.
var (
	// ErrNewerSchema says that a newer server wrote the store.
	ErrNewerSchema = errors.New("数据由更新版本的程序写入，请使用该版本或更新版本启动 (a newer server wrote the store; start that version or a later one)")
	// ErrImportUnfinished says that the store holds a part of an archive.
	ErrImportUnfinished = errors.New("向该库的导入没有完成，请清空后重新导入 (an import into the store did not finish; empty it and import again)")
)

// Migration brings a store of the version before up to version To.
type Migration struct {
	// To is 2 or more; the migrations of a service are numbered without gaps.
	To int
	// Name says what changes, for the log and the journal: lower case and dashes.
	Name string
	// Run changes the store, through collections that it opens. It may have been
	// cut off half-way, and another process may run it at the same time: what is
	// done already it leaves alone. Its context holds an origin, so that the
	// journal tells what it changed.
	Run func(ctx context.Context, e Engine) error
}

// SchemaVersion is the version a store is of; 1 for those written before
// versions were kept, and for an empty one.
func SchemaVersion(ctx context.Context, e Engine) (int, error) {
	text, err := e.Property(ctx, propertySchema)
	if err != nil || text == "" {
		return 1, err
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%w: the version of the schema is %q", ErrUnavailable, text)
	}
	return version, nil
}

func setSchemaVersion(ctx context.Context, e Engine, version int) error {
	return e.SetProperty(ctx, propertySchema, strconv.Itoa(version))
}

// Prepare makes a store fit to be served, before its collections are opened:
// one that an import left unfinished is refused, one of a newer version too, and
// one of an older version is migrated step by step, each step recorded as it is
// done. service is who the journal names, `services/{service}`.
func Prepare(ctx context.Context, e Engine, service string, migrations []Migration) error {
	if err := CheckImported(ctx, e); err != nil {
		return err
	}
	for i, m := range migrations {
		if m.To != i+2 {
			return fmt.Errorf("docstore: migration %s of %s goes to version %d, not %d", m.Name, service, m.To, i+2)
		}
	}
	latest := len(migrations) + 1
	version, err := SchemaVersion(ctx, e)
	if err != nil {
		return err
	}
	if version > latest {
		return fmt.Errorf("%w: %s is of version %d, this server knows %d", ErrNewerSchema, service, version, latest)
	}
	stored, err := e.Stored(ctx)
	if err != nil {
		return err
	}
	if len(stored) == 0 {
		return setSchemaVersion(ctx, e, latest)
	}
	for _, m := range migrations[version-1:] {
		origin := WithOrigin(ctx, Origin{Actor: "services/" + service, Method: "migration/" + m.Name})
		if err := m.Run(origin, e); err != nil {
			return fmt.Errorf("migrate %s to version %d (%s): %w", service, m.To, m.Name, err)
		}
		if err := setSchemaVersion(ctx, e, m.To); err != nil {
			return err
		}
	}
	return nil
}

// BeginImport marks a store that is being filled from an archive, so that no
// server serves a part of it.
func BeginImport(ctx context.Context, e Engine) error {
	return e.SetProperty(ctx, propertyImport, "unfinished")
}

// EndImport takes the mark away, when the store is whole and of a version.
func EndImport(ctx context.Context, e Engine, version int) error {
	if err := setSchemaVersion(ctx, e, version); err != nil {
		return err
	}
	return e.SetProperty(ctx, propertyImport, "")
}

// CheckImported refuses a store that an import left unfinished.
func CheckImported(ctx context.Context, e Engine) error {
	mark, err := e.Property(ctx, propertyImport)
	if err == nil && mark != "" {
		err = ErrImportUnfinished
	}
	return err
}
