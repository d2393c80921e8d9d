// Verifying that an event stands in the log as it was told, against a checkpoint
// that the server signed (C2SP signed-note and tlog-checkpoint, RFC 6962).
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import { entryHash } from './entry.mjs';

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
const leafHash = (entry) => sha256(LEAF, entry);
const nodeHash = (left, right) => sha256(NODE, left, right);

// Proves that the conclusion is in the log, and that the log has only grown since
// the checkpoint before. The server cannot take back what it signed: keep
// checkpoints where its administrators cannot write.
export async function verify({ api, region, state, logKey }) {
  const feed = { service: 'counsel' };
  const { note } = await api.call('GET', `${region}/events:checkpoint`, { query: feed });
  const now = openNote(note, logKey, `fashen/counsel/${region}`);

  if (state.checkpoint) {
    const before = openNote(state.checkpoint, logKey, now.origin);
    if (before.size > now.size) throw new Error(`the log had ${before.size} entries and has ${now.size}`);
    const proof = await api.call('GET', `${region}/events:consistencyProof`, {
      query: { ...feed, fromSize: before.size, toSize: now.size },
    });
    if (!isConsistent(before, now, hashes(proof))) throw new Error('the log was rewritten');
  }

  const { position, entry } = state;
  const told = Buffer.from(entry.hash, 'base64');
  if (!entryHash(entry).equals(told)) throw new Error('the event is not what its hash says');
  const proof = await api.call('GET', `${region}/events:inclusionProof`, {
    query: { ...feed, position, treeSize: now.size },
  });
  if (!isIncluded(Number(position) - 1, now, leafHash(told), hashes(proof))) {
    throw new Error('the event is not in the log');
  }
  console.log(`verified: event ${position} is in the log of ${now.size} entries, root ${now.root.toString('hex').slice(0, 12)}…`);
  await state.keep({ checkpoint: note });
}

const hashes = (proof) => proof.hashes.map((hash) => Buffer.from(hash, 'base64'));

// Reads a signed note: it must bear the signature of the key, and be of the log
// that was asked for. A key is `name+id+base64`, an id the beginning of a hash of
// name and key.
export function openNote(note, key, origin) {
  const [name, id, encoded] = splitKey(key);
  const end = note.lastIndexOf('\n\n') + 1;
  const text = note.slice(0, end);
  const signed = note.slice(end).split('\n').some((line) => {
    if (!line.startsWith(`— ${name} `)) return false;
    const signature = Buffer.from(line.slice(`— ${name} `.length), 'base64');
    return signature.subarray(0, 4).equals(id) && verifySignature(null, Buffer.from(text), ed25519(encoded), signature.subarray(4));
  });
  const [first, size, root] = text.split('\n');
  if (!signed || first !== origin) throw new Error("the checkpoint is not the log's");
  return { origin: first, size: Number(size), root: Buffer.from(root, 'base64') };
}

function splitKey(key) {
  const [name, id, ...rest] = key.split('+');
  const encoded = Buffer.from(rest.join('+'), 'base64');
  const own = sha256(`${name}\n`, encoded).subarray(0, 4);
  // The first byte names the algorithm: 1 is Ed25519.
  if (encoded.length !== 33 || encoded[0] !== 1 || own.toString('hex') !== id) throw new Error(`${key} is no key of checkpoints`);
  return [name, own, encoded.subarray(1)];
}

const ed25519 = (x) => createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') } });

// Whether a leaf is in a tree (RFC 9162, 2.1.3.2).
export function isIncluded(index, { size, root }, leaf, path) {
  if (index < 0 || index >= size) return false;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      [node, last] = up(node, last);
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
}

// Whether one tree is the beginning of another (RFC 9162, 2.1.4.2).
export function isConsistent(before, now, path) {
  if (before.size === now.size) return path.length === 0 && before.root.equals(now.root);
  if (before.size < 1 || before.size > now.size) return false;
  let [node, last] = [before.size - 1, now.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  const [start, ...rest] = node === 0 ? [before.root, ...path] : path;
  if (!start) return false;
  let [old, fresh] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [old, fresh] = [nodeHash(sibling, old), nodeHash(sibling, fresh)];
      [node, last] = up(node, last);
    } else {
      fresh = nodeHash(fresh, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && old.equals(before.root) && fresh.equals(now.root);
}

const half = (n) => Math.floor(n / 2);

// A left node at the end of its level stands for the one above, until it is a
// right one.
function up(node, last) {
  while (node !== 0 && node % 2 === 0) [node, last] = [half(node), half(last)];
  return [node, last];
}
