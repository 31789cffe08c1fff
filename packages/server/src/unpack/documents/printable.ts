const MAX_DETAIL = 300

/** One line for a record: control characters and what no terminal shows become dots, at most `max` characters. */
export function printable(text: string, max = MAX_DETAIL): string {
  const cut = text.slice(0, max + 1).replace(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufdff]/g, '.')
  return cut.length > max ? `${cut.slice(0, max - 3)}...` : cut
}
