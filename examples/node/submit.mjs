// Handing a document in.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ApiError, pause } from './api.mjs';

// Reads the facts of a matter; files of material lie beside it.
export async function readSubmission(path, draft) {
  const read = JSON.parse(await readFile(path, 'utf8'));
  const materials = Object.entries(read.materials).map(([kind, name]) => [kind, join(dirname(path), name)]);
  return { ...read, draft, materials };
}

// Hands the document in, and answers it as it is under review. Steps that an
// earlier run has done are not done twice.
export async function submit({ api, region, id, state }, matter) {
  let document = await create({ api, region, id, state }, matter);
  if (document.state !== 'DRAFTING') return document;
  document = await correct(api, document, matter.document);

  const revision = await upload(api, `${document.name}/revisions:upload`, matter.draft, `${id}-draft`);
  console.log(`draft ${basename(matter.draft)}: ${revision.counts.articles} articles, ${revision.findingCount} suspected problems`);
  for (const [kind, path] of matter.materials) {
    await upload(api, `${document.name}/materials/${kind}:upload`, path, `${id}-${kind}`);
  }
  await api.call('POST', `${document.name}:recordConsultation`, {
    json: { consultation: matter.consultation, requestId: `${id}-consultation` },
  });
  // The place in the feed comes first: what happens from here on is not missed.
  await takePlace({ api, region, state });
  document = await api.call('POST', `${document.name}:submit`, { json: { requestId: `${id}-submit` } });
  // Submitted while the review could not be reached, it gets there later.
  for (let attempt = 1; !document.reviewCase; attempt++) {
    await pause(attempt, new Error('the review does not have it yet'));
    document = await api.call('GET', document.name);
  }
  console.log(`submitted, version ${document.versionDigest.slice(0, 12)}…`);
  return document;
}

// Remembers the end of the feed as the place to go on from. The first message of
// a watch tells it.
async function takePlace({ api, region, state }) {
  for await (const message of api.watch(region, { service: 'counsel' })) {
    await state.keep({ resumeToken: message.resumeToken });
    return;
  }
}

// Creates the document, or finds the one that an earlier run created.
async function create({ api, region, id, state }, matter) {
  if (state.document) return api.call('GET', state.document);
  const document = await api.call('POST', `${region}/documents`, {
    query: { requestId: id },
    json: { ...matter.document, issuingAuthority: await bureau(api, region, matter.issuer) },
  });
  console.log(`document ${document.name}`);
  await state.keep({ document: document.name });
  return document;
}

// Finds a bureau by its credit code (统一社会信用代码): ids differ from one server to
// the next, credit codes do not.
async function bureau(api, region, uscc) {
  let pageToken;
  do {
    const page = await api.call('GET', `${region}/bureaus`, { query: { pageSize: 1000, pageToken } });
    const found = page.bureaus.find((b) => b.uscc === uscc);
    if (found) return found.name;
    pageToken = page.nextPageToken;
  } while (pageToken);
  throw new Error(`no bureau ${uscc} in ${region}`);
}

// Brings title and parties up to date. The etag is that of the version that was
// read: if somebody changed the document since, nothing is overwritten, and the
// decision is made anew on what there is now.
async function correct(api, document, { title, parties = [] }) {
  while (document.title !== title || document.parties.join('\n') !== parties.join('\n')) {
    try {
      document = await api.call('PATCH', document.name, {
        query: { updateMask: 'title,parties' },
        headers: { 'if-match': `"${document.etag}"` },
        json: { title, parties },
      });
      console.log('title and parties corrected');
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'ETAG_STALE') throw error;
      console.log(`${error.reason}: read again`);
      document = await api.call('GET', document.name);
    }
  }
  return document;
}

// Sends a file. The request id names these bytes: other bytes under the same one
// would be refused with REQUEST_ID_REUSED.
async function upload(api, name, path, id) {
  const file = await readFile(path);
  const sum = createHash('sha256').update(file).digest('hex').slice(0, 16);
  return api.call('POST', name, { query: { filename: basename(path), requestId: `${id}-${sum}` }, file });
}
