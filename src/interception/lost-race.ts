/** What a connection is closed with whose answer nobody waits for any more. */
export function lostRace(): Error {
  const message = 'cancelled: another attempt of the same call was answered first';
  return Object.assign(new Error(message), { name: 'AbortError', code: 'ABORT_ERR' });
}
