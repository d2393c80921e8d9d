// The hash of a journal entry: SHA-256 over its protobuf encoding without the hash,
// fields in the order of their numbers, those that have their default left out.
import { createHash } from 'node:crypto';

// The fields of fashen.core.v1.JournalEntry, by their names in JSON.
const ENTRY = {
  resource: [1, text], sequence: [2, number], time: [3, time], actor: [4, text], onBehalfOf: [5, text], viaService: [6, text],
  method: [7, text], requestId: [8, text], requestDigest: [9, bytes], traceId: [10, text], outcome: [11, outcome],
  fromState: [12, text], toState: [13, text], reasons: [14, text], details: [15, (d) => message(DETAIL, d)], revision: [16, number],
  contentDigest: [17, bytes], digestPartial: [18, number], previousHash: [19, bytes],
};
const DETAIL = { name: [1, text], value: [2, text] };
const OUTCOMES = ['OUTCOME_UNSPECIFIED', 'OUTCOME_DONE', 'OUTCOME_REFUSED', 'OUTCOME_STEP'];

// Computes the hash of an entry as it came in JSON.
export function entryHash({ hash, ...entry }) {
  return createHash('sha256').update(message(ENTRY, entry)).digest();
}

// A field that this client does not know is covered by the hash too: better no
// answer than a wrong one.
function message(fields, object) {
  for (const name of Object.keys(object)) if (!fields[name]) throw new Error(`the entry has a field ${name}, newer than this client`);
  return Buffer.concat(Object.entries(fields).flatMap(([name, [tag, encode]]) => {
    const list = Array.isArray(object[name]);
    return (list ? object[name] : [object[name]]).map((value) => field(tag, value === undefined ? undefined : encode(value), list));
  }));
}

// A number is varint (0), all else has a length before it (2).
function field(tag, value, kept) {
  if (typeof value === 'bigint') return value === 0n ? Buffer.alloc(0) : Buffer.concat([varint(BigInt(tag << 3)), varint(value)]);
  if (value === undefined || (value.length === 0 && !kept)) return Buffer.alloc(0);
  return Buffer.concat([varint(BigInt((tag << 3) | 2)), varint(BigInt(value.length)), value]);
}

function varint(n) {
  const out = [];
  for (; n > 127n; n >>= 7n) out.push(Number(n & 127n) | 128);
  return Buffer.from([...out, Number(n)]);
}

function text(s) { return Buffer.from(s); }
function bytes(s) { return Buffer.from(s, 'base64'); }
function number(n) { return BigInt(n); }

function outcome(name) {
  const value = OUTCOMES.indexOf(name);
  if (value < 0) throw new Error(`the entry has an outcome ${name}, newer than this client`);
  return BigInt(value);
}

// A Timestamp: seconds and nanoseconds.
function time(s) {
  const [, fraction = ''] = /\.(\d+)Z$/.exec(s) ?? [];
  const nanos = BigInt(fraction.padEnd(9, '0') || 0);
  const seconds = BigInt(Math.floor(Date.parse(s.replace(/\.\d+/, '')) / 1000));
  return Buffer.concat([field(1, seconds), field(2, nanos)]);
}
