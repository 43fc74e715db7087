/** What changes tell of a connection, as text: everything but how much it sent and that it still lives; and its beginning, which a clock that is set moves. */
export function toldOf({ lastSeen: _last, firstSeen: _first, counters: _counters, tcp: _tcp, ...told }) {
  return JSON.stringify(told);
}
