/** What is read by asking for the next. */
interface Pulled<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  close(): Promise<void>;
}

/** A WHATWG stream that asks for as much as is read of it. Cancelling it closes the source. */
export function readableOf<T>(source: Pulled<T>): ReadableStream<T> {
  return new ReadableStream<T>({
    pull: async (controller) => {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => source.close(),
  }, { highWaterMark: 0 });
}
