// Calls of the REST API, with retries, and the feed of events.
import { setTimeout as sleep } from 'node:timers/promises';

// How often a call is made before its error is taken for an answer; with the
// pauses between them that is about a minute.
const ATTEMPTS = 8;
const CALL_TIME = 60_000;
// Heartbeats of a watch come every 15 seconds; without any it is dead.
const SILENT = 45_000;

// An error answer. `reason` is for programs and never changes, `message` is
// Chinese and for people.
export class ApiError extends Error {
  constructor(error, retryAfter) {
    super(error.message);
    this.code = error.code;
    this.status = error.status;
    this.details = error.details ?? [];
    this.reason = this.detail('ErrorInfo')?.reason;
    this.retryAfter = retryAfter;
  }

  detail(type) {
    return this.details.find((d) => d['@type'] === `type.googleapis.com/google.rpc.${type}`);
  }

  // Everything that is wrong, in words.
  explain() {
    const lines = [`${this.status} ${this.reason}: ${this.message}`];
    for (const v of this.detail('BadRequest')?.fieldViolations ?? []) lines.push(`  ${v.field}: ${v.description}（${v.reason}）`);
    for (const v of this.detail('PreconditionFailure')?.violations ?? []) lines.push(`  ${v.type}: ${v.description}（${v.subject}）`);
    return lines.join('\n');
  }
}

// Whether an error may be gone the next time. What the law, the state or a wrong
// field refuses is refused again; a stale etag (412) is for whoever sent it.
export function passing(error) {
  if (error instanceof ApiError) return [409, 429, 502, 503, 504].includes(error.code) && error.status !== 'ALREADY_EXISTS';
  // fetch throws a TypeError when the connection fails, DOMException on a timeout.
  return error instanceof TypeError || error instanceof DOMException;
}

// Waits as long as the server asks for, and else from half a second on, twice as
// long each time, up to 30 seconds; a little at random, so that many clients do not
// come back at once.
export async function pause(attempt, error) {
  const asked = Number(error.retryAfter) * 1000;
  const wait = (asked || Math.min(250 * 2 ** attempt, 30_000)) * (1 + Math.random() / 4);
  // What fetch throws says in its cause what happened.
  console.log(`${error.status ?? 'UNAVAILABLE'}: ${error.cause?.message ?? error.message}; once more in ${(wait / 1000).toFixed(2)}s`);
  await sleep(wait);
}

export class Api {
  #url;
  #key;

  constructor(url, key) {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
      throw new Error(`${url}: a key does not travel in clear text to another machine`);
    }
    this.#url = url.replace(/\/$/, '');
    this.#key = key;
  }

  // Makes a call until it succeeds or fails for good. It is always the same
  // request: its request id makes the server answer what the first one did, when
  // that was done and only its answer was lost.
  async call(method, name, { query = {}, headers = {}, json, file } = {}) {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#fetch(method, name, query, {
          headers: { ...headers, ...(file ? {} : { 'content-type': 'application/json' }) },
          body: file ?? (json === undefined ? undefined : JSON.stringify(json)),
          signal: AbortSignal.timeout(CALL_TIME),
        });
        return await response.json();
      } catch (error) {
        if (attempt === ATTEMPTS || !passing(error)) throw error;
        await pause(attempt, error);
      }
    }
  }

  // Follows a feed: one JSON object a line, until the server or the reader ends
  // it. An error on the way is the last line.
  async *watch(region, query) {
    const silence = new AbortController();
    const died = () => silence.abort(new DOMException('no heartbeat', 'TimeoutError'));
    let timer = setTimeout(died, SILENT);
    try {
      const response = await this.#fetch('GET', `${region}/events:watch`, query, { signal: silence.signal });
      let rest = '';
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + part).split('\n');
        rest = lines.pop();
        for (const line of lines) {
          const message = JSON.parse(line);
          if (message.error) throw new ApiError(message.error);
          clearTimeout(timer);
          timer = setTimeout(died, SILENT);
          yield message;
        }
      }
      throw new TypeError('the feed ended');
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  async #fetch(method, name, query, options) {
    const url = new URL(`${this.#url}/v1/${name}`);
    for (const [key, value] of Object.entries(query)) if (value) url.searchParams.set(key, value);
    const response = await fetch(url, {
      ...options, method, headers: { ...options.headers, authorization: `Bearer ${this.#key}` },
    });
    if (response.ok) return response;
    const text = await response.text();
    let answer;
    try {
      answer = JSON.parse(text).error;
    } catch {
      // A proxy on the way answers in words of its own.
    }
    throw new ApiError(
      answer ?? { code: response.status, status: `HTTP ${response.status}`, message: text.slice(0, 200) || response.statusText },
      response.headers.get('retry-after'),
    );
  }
}
