/** What undici makes of an abort without a reason. */
export function requestAborted(): Error {
  return abortError('Request aborted');
}

/** Named so that the span of the attempt, whose outcome is known, doesn't become an error. */
export function responseDiscarded(): Error {
  return abortError('Response discarded');
}

function abortError(message: string): Error {
  return Object.assign(new Error(message), { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}
