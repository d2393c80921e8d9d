// Hands one document in for legality review over REST, as a bureau's office
// automation would: it submits, waits on the feed of events, fetches the signed
// opinion, and verifies the checkpoint of the log it is in.
//
// It may be stopped and started again at any moment. What was done is found again
// by its request id, and what happened meanwhile by the resume token.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Api, ApiError, passing, pause } from './api.mjs';
import { verify } from './checkpoint.mjs';
import { readSubmission, submit } from './submit.mjs';

const USAGE = 'usage: FASHEN_API_KEY=fsk_… node client.mjs --id NUMBER --checkpoint-key KEY [--url URL] [--region NAME] [--state FILE] SUBMISSION.json DRAFT.docx';

// The event this client waits for.
const CONCLUDED = 'fashen.counsel.ConcludeCase.done';

// All that is remembered from one run to the next. A system would keep it in its
// own record of the matter.
async function readState(path) {
  const state = await readFile(path, 'utf8').then(JSON.parse, (error) => {
    if (error.code === 'ENOENT') return {};
    throw error;
  });
  // Writes the state whole or not at all.
  const keep = async (change) => {
    Object.assign(state, change);
    await writeFile(`${path}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  return Object.defineProperty(state, 'keep', { value: keep });
}

// Follows the events of a case until its review is concluded. The token is kept
// once its message is handled: after a break the feed goes on right there, with
// nothing left out and nothing twice.
async function follow({ api, region, state }, name) {
  for (let attempt = 1; ; ) {
    const review = await api.call('GET', name);
    if (state.entry) return review;
    console.log(`waiting for the review ${name}, now ${review.state}`);
    const place = state.resumeToken ? { resumeToken: state.resumeToken } : { fromStart: true };
    try {
      for await (const { event, resumeToken } of api.watch(region, { service: 'counsel', resources: name, ...place })) {
        attempt = 1;
        await state.keep({ ...handle(event), resumeToken });
        if (state.entry) break;
      }
    } catch (error) {
      if (error.status === 'OUT_OF_RANGE') {
        delete state.resumeToken; // older than 90 days: from the start, then
      } else if (passing(error)) {
        await pause(attempt++, error);
      } else {
        throw error;
      }
    }
  }
}

// Tells of an event, and answers what to keep of the conclusion; a heartbeat is no
// event.
function handle(event) {
  if (!event) return {};
  console.log(`event ${event.position} ${event.type} ${event.data.fromState} → ${event.data.toState}`);
  return event.type === CONCLUDED ? { position: event.position, entry: event.data } : {};
}

// Fetches the signed opinion that the conclusion rests on.
async function opinion({ api }, review) {
  const o = await api.call('GET', review.rounds.at(-1).opinion);
  console.log(`opinion ${o.conclusion}: ${o.summary}`);
  for (const [n, item] of o.items.entries()) {
    console.log(`  ${n + 1}. ${item.severity} 第${item.anchor.article}条“${item.anchor.quote}”：${item.analysis}（${item.basis}）`);
  }
  console.log(`signed ${o.signTime}, digest ${o.contentDigest.slice(0, 12)}…`);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      id: { type: 'string' },
      url: { type: 'string', default: 'http://localhost:8080' },
      region: { type: 'string', default: 'regions/120105' },
      state: { type: 'string', default: 'state.json' },
      // Public key of checkpoints, as `fashen key checkpoint` prints it; handed over by
      // people, not by the server.
      'checkpoint-key': { type: 'string' },
    },
  });
  const key = process.env.FASHEN_API_KEY;
  const logKey = values['checkpoint-key'];
  if (!values.id || !logKey || !key || positionals.length !== 2) throw new Error(USAGE);
  const client = {
    api: new Api(values.url, key), region: values.region, id: values.id, state: await readState(values.state), logKey,
  };
  const document = await submit(client, await readSubmission(...positionals));
  const review = await follow(client, document.reviewCase);
  await opinion(client, review);
  await verify(client);
}

main().catch((error) => {
  console.error(error instanceof ApiError ? error.explain() : error.message);
  process.exitCode = 1;
});
