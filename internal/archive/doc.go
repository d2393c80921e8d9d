// Package archive moves whole stores between engines, as one file that says what
// is in it.
//
// An archive is a zip. For each service it holds one member for each collection,
// `{service}/documents/{collection}`, one for the log, `{service}/journal`, and
// one for files, `{service}/blobs`: records of storage.v1.ArchiveRecord, each
// after its length as a varint, a file's bytes after its record. The last member,
// `manifest.json`, counts the records of each and gives its SHA-256, so that an
// archive that was cut off or changed is refused before anything of it is used.
//
// Both ways are streams: what is held in memory does not grow with the store.
package archive
