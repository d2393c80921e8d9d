// Package checkpoint signs the state of feeds, so that whoever keeps what was
// signed can prove later that nothing before it was changed, removed or added.
//
// The entries of a feed, by position, are the leaves of a Merkle tree of RFC 6962
// with SHA-256; the leaf of an entry is its hash as it was written, 32 bytes. A
// checkpoint is the size and root of the tree in a signed note of C2SP, which
// other tools read too. The key is kept outside the database.
//
// A tree is kept beside its entries as tiles of 256 hashes, each written once,
// when it is whole: to advance costs the new entries, a proof a few tiles. The
// same entries make the same tiles, so that any number of processes may write
// them, and lost or damaged ones are made again.
package checkpoint
