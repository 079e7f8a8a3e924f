import type { Backend, RunSource, SequenceSource, TopicSource } from "../../src/backend.ts";

/** A backend that says which runs were opened and closed, as `open a 0` and `close a`; all else is the inner one's. */
export function countedBackend(backend: Backend, log: string[]): Backend {
  return {
    engine: backend.engine,
    durability: backend.durability,
    listSequences: () => backend.listSequences(),
    readInfo: (name, options) => backend.readInfo(name, options),
    createSequence: (name, metadata) => backend.createSequence(name, metadata),
    updateSequence: (name) => backend.updateSequence(name),
    recoverSequence: (name, options) => backend.recoverSequence(name, options),
    compactSequence: (name) => backend.compactSequence(name),
    deleteSequence: (name) => backend.deleteSequence(name),
    deleteSession: (name, id) => backend.deleteSession(name, id),
    info: () => backend.info(),
    listNotifications: (place) => backend.listNotifications(place),
    notify: (place, message) => backend.notify(place, message),
    clearNotifications: (place) => backend.clearNotifications(place),
    close: () => backend.close(),
    openSequence: async (name, options) => countedSequence(await backend.openSequence(name, options), log),
  };
}

function countedSequence(
  source: SequenceSource,
  log: string[],
): SequenceSource {
  return {
    info: source.info,
    readAttachment: (attachment) => source.readAttachment(attachment),
    openTopic: async (name) => countedTopic(await source.openTopic(name), log),
    follow: () => source.follow(),
  };
}

function countedTopic(source: TopicSource, log: string[]): TopicSource {
  const { info, schema } = source;
  return {
    info,
    schema,
    countRows: (edges, signal) => source.countRows(edges, signal),
    latest: (ns, signal) => source.latest(ns, signal),
    verify: (request) => source.verify(request),
    runs: (window, signal) => countedRuns(source.runs(window, signal), info.name, log),
  };
}

function countedRuns(runs: RunSource, topic: string, log: string[]): RunSource {
  return {
    get nextNs() {
      return runs.nextNs;
    },
    get nextBytes() {
      return runs.nextBytes;
    },
    get ahead() {
      return runs.ahead;
    },
    prefetch: () => runs.prefetch(),
    dropAhead: () => runs.dropAhead(),
    open: async () => {
      const run = await runs.open();
      log.push(`open ${topic} ${run?.batchNumber}`);
      return run;
    },
    close: () => {
      log.push(`close ${topic}`);
      runs.close();
    },
  };
}
