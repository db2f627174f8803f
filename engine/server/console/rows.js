// The rows of a result: the first ones are in the answer, the others come in parts when they are looked at. Only a few
// parts are kept, so that a result of any size takes bounded memory.

const PARTS_KEPT = 4;

/** Cells of CSV: NULL is nothing, and an empty text is in quotes. */
export function csvLine(row) {
  const cell = (value) => {
    if (value === null) return '';
    const text = String(value);
    return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${row.map(cell).join(',')}\r\n`;
}

export class Rows {
  constructor(data) {
    this.data = data;
    this.queryId = data.queryId;
    this.columns = (data.rowtype ?? []).map((column, index) => ({
      name: column.name,
      type: data.typeNames?.[index] ?? column.type.toUpperCase(),
      number: column.type === 'fixed' || column.type === 'real',
      time: ['date', 'timestamp_ntz', 'timestamp_ltz', 'timestamp_tz'].includes(column.type),
    }));
    this.affected = data.rowCount ?? 0;
    const first = data.rowset ?? [];
    this.parts = [{ from: 0, count: first.length, rows: first }];
    let from = first.length;
    for (const chunk of data.chunks ?? []) {
      // The address as the server is reached here.
      this.parts.push({ from, count: chunk.rowCount, path: new URL(chunk.url).pathname });
      from += chunk.rowCount;
    }
    this.count = from;
    this.recent = [];
  }

  async #rowsOf(part) {
    if (part.rows) return part.rows;
    part.coming ??= (async () => {
      const response = await fetch(part.path);
      if (!response.ok) throw new Error('These rows are not kept any more; run the statement again.');
      const rows = JSON.parse(`[${await response.text()}]`);
      if (this.recent.unshift(part) > PARTS_KEPT) this.recent.pop().coming = undefined;
      return rows;
    })();
    return part.coming;
  }

  /** Rows by their numbers. */
  async slice(from, to) {
    const found = [];
    for (const part of this.parts) {
      if (part.from >= to || part.from + part.count <= from) continue;
      const rows = await this.#rowsOf(part);
      found.push(...rows.slice(Math.max(0, from - part.from), to - part.from));
    }
    return found;
  }

  /** The whole as pieces of CSV. */
  async csv() {
    const pieces = [csvLine(this.columns.map((column) => column.name))];
    for (const part of this.parts) pieces.push((await this.#rowsOf(part)).map(csvLine).join(''));
    return pieces;
  }
}
