// Hands one document in for legality review over REST, as a bureau's office
// automation would: it submits, waits on the feed of events, fetches the signed
// opinion, and verifies the checkpoint of the log it is in.
//
// It may be stopped and started again at any moment. What was done is found again
// by its request id, and what happened meanwhile by the resume token.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Api, ApiError, passing, pause } from './api.mjs';
import { readSubmission, submit } from './submit.mjs';

const USAGE = 'usage: FASHEN_API_KEY=fsk_… node client.mjs --id NUMBER [--url URL] [--region NAME] [--state FILE] SUBMISSION.json DRAFT.docx';

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

// Follows the events of a case until its review is concluded.
async function follow(client, name) {
  for (let attempt = 1; ; ) {
    const review = await client.api.call('GET', name);
    if (conclusion(review)) return review;
    console.log(`waiting for the review ${name}, now ${review.state}`);
    try {
      for await (const message of client.api.watch(client.region, {
        service: 'counsel', resources: name, resumeToken: client.state.resumeToken, fromStart: !client.state.resumeToken,
      })) {
        attempt = 1;
        const { event } = message;
        if (event) console.log(`event ${event.position} ${event.type} ${event.data.fromState} → ${event.data.toState}`);
        // Kept once the message is handled: after a break the feed goes on right
        // there, with nothing left out and nothing twice.
        await client.state.keep({ resumeToken: message.resumeToken });
        if (event?.type === CONCLUDED) break;
      }
    } catch (error) {
      if (error.status === 'OUT_OF_RANGE') {
        client.state.resumeToken = ''; // older than 90 days: from the start, then
      } else if (passing(error)) {
        await pause(attempt++, error);
      } else {
        throw error;
      }
    }
  }
}

// The round that the review of the newest draft concluded, if it did.
function conclusion(review) {
  const round = review.rounds.at(-1);
  return round?.opinion ? round : undefined;
}

// Fetches the signed opinion that the conclusion rests on.
async function opinion({ api }, review) {
  const o = await api.call('GET', conclusion(review).opinion);
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
    },
  });
  const key = process.env.FASHEN_API_KEY;
  if (!values.id || !key || positionals.length !== 2) throw new Error(USAGE);
  const client = {
    api: new Api(values.url, key), region: values.region, id: values.id, state: await readState(values.state),
  };
  const document = await submit(client, await readSubmission(...positionals));
  const review = await follow(client, document.reviewCase);
  await opinion(client, review);
}

main().catch((error) => {
  console.error(error instanceof ApiError ? error.explain() : error.message);
  process.exitCode = 1;
});
