import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { isConsistent, isIncluded, openNote } from './checkpoint.mjs';

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();

// The definitions of RFC 6962, 2.1, word for word.
const leaves = Array.from({ length: 40 }, (_, n) => sha256(Buffer.of(0), sha256(Buffer.of(n))));
const split = (n) => 2 ** Math.floor(Math.log2(n - 1));
const root = (d) => (d.length === 1 ? d[0] : sha256(Buffer.of(1), root(d.slice(0, split(d.length))), root(d.slice(split(d.length)))));
function path(m, d) {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k ? [...path(m, d.slice(0, k)), root(d.slice(k))] : [...path(m - k, d.slice(k)), root(d.slice(0, k))];
}
function proof(m, d, whole) {
  if (m === d.length) return whole ? [] : [root(d)];
  const k = split(d.length);
  return m <= k
    ? [...proof(m, d.slice(0, k), whole), root(d.slice(k))]
    : [...proof(m - k, d.slice(k), false), root(d.slice(0, k))];
}
const tree = (size) => ({ size, root: root(leaves.slice(0, size)) });
const other = sha256(Buffer.from('another'));

test('a leaf of a tree is in it, and nowhere else', () => {
  for (let size = 1; size <= leaves.length; size++) {
    for (let n = 0; n < size; n++) {
      const hashes = path(n, leaves.slice(0, size));
      assert(isIncluded(n, tree(size), leaves[n], hashes), `${n} of ${size}`);
      assert(!isIncluded(n, tree(size), other, hashes), `another leaf at ${n} of ${size}`);
      assert(!isIncluded(n, { size, root: other }, leaves[n], hashes), `another root, ${n} of ${size}`);
      assert(!isIncluded(n, tree(size), leaves[n], [...hashes, other]), `a longer path, ${n} of ${size}`);
      if (size > 1) assert(!isIncluded((n + 1) % size, tree(size), leaves[n], hashes), `${n} of ${size} elsewhere`);
    }
    assert(!isIncluded(size, tree(size), leaves[0], []));
  }
});

test('a tree continues each of its beginnings, and no other', () => {
  for (let to = 1; to <= leaves.length; to++) {
    for (let from = 1; from <= to; from++) {
      const hashes = proof(from, leaves.slice(0, to), true);
      assert(isConsistent(tree(from), tree(to), hashes), `${from} in ${to}`);
      assert(!isConsistent({ size: from, root: other }, tree(to), hashes), `another beginning ${from} in ${to}`);
      assert(!isConsistent(tree(from), { size: to, root: other }, hashes), `${from} in another ${to}`);
      assert(!isConsistent(tree(from), tree(to), [...hashes, other]), `a longer proof, ${from} in ${to}`);
    }
  }
  assert(!isConsistent(tree(3), tree(2), []));
});

test('a note is read only if the key signed it, for this log', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const encoded = Buffer.concat([Buffer.of(1), Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')]);
  const id = sha256(Buffer.from('log\n'), encoded).subarray(0, 4);
  const key = `log+${id.toString('hex')}+${encoded.toString('base64')}`;
  const text = `origin\n7\n${other.toString('base64')}\n`;
  const line = `— log ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64')}\n`;
  const foreign = `— witness ${Buffer.alloc(68).toString('base64')}\n`;
  assert.deepEqual(openNote(`${text}\n${foreign}${line}`, key, 'origin'), { origin: 'origin', size: 7, root: other });
  for (const [what, note, by, of] of [
    ['another size', `${text.replace('7', '8')}\n${line}`, key, 'origin'],
    ['another log', `${text}\n${line}`, key, 'another'],
    ['no signature', `${text}\n`, key, 'origin'],
    ['a witness alone', `${text}\n${foreign}`, key, 'origin'],
    ['a damaged key', `${text}\n${line}`, key.replace('log+', 'lag+'), 'origin'],
    ['nothing', '', key, 'origin'],
  ]) {
    assert.throws(() => openNote(note, by, of), what);
  }
});
