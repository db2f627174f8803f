// Worksheets: texts with several statements, and what the one that ran last gave.

import { ROWS_MAX, chart } from './chart.js';
import { Editor } from './editor.js';
import { grid } from './grid.js';
import { button, counted, make, save } from './page.js';

const KEPT = 'firn.worksheets';

export class Worksheets {
  constructor(place, session, keywords, ran) {
    Object.assign(this, { place, session, keywords, ran });
    this.sheets = JSON.parse(localStorage.getItem(KEPT) ?? 'null') ?? [{ name: 'Worksheet 1', text: '' }];
    this.tabs = make('div', { class: 'bar tabs', role: 'tablist' });
    this.sheet = make('div', { class: 'result' });
    place.append(this.tabs, this.sheet);
    this.views = new Map();
    this.open(0);
  }

  keep() {
    localStorage.setItem(KEPT, JSON.stringify(this.sheets.map(({ name, text }) => ({ name, text }))));
  }

  /** A worksheet of its own for a text. */
  add(text = '') {
    const taken = new Set(this.sheets.map((sheet) => sheet.name));
    let number = 1;
    while (taken.has(`Worksheet ${number}`)) number += 1;
    this.sheets.push({ name: `Worksheet ${number}`, text });
    this.open(this.sheets.length - 1);
  }

  open(index) {
    this.current = this.sheets[index];
    this.keep();
    const tabs = this.sheets.map((sheet, number) => {
      const tab = make('button', { role: 'tab', 'aria-selected': String(number === index), title: 'Double-click renames' }, sheet.name);
      tab.addEventListener('click', () => sheet === this.current || this.open(this.sheets.indexOf(sheet)));
      tab.addEventListener('dblclick', () => {
        sheet.name = prompt('Name of the worksheet', sheet.name) || sheet.name;
        this.open(index);
      });
      return tab;
    });
    const close = this.sheets.length > 1 ? button('Close', () => this.#close(index)) : null;
    this.tabs.replaceChildren(...tabs, button('+', () => this.add(), { title: 'New worksheet' }), ...(close ? [close] : []));
    if (!this.views.has(this.current)) this.views.set(this.current, this.#view(this.current));
    const view = this.views.get(this.current);
    this.sheet.replaceChildren(...view.elements);
    view.editor.field.focus();
  }

  #close(index) {
    this.views.delete(this.current);
    this.sheets.splice(index, 1);
    this.open(Math.max(0, index - 1));
  }

  #view(sheet) {
    const out = make('div', { class: 'result' });
    const said = make('span', { class: 'grow dim', 'aria-live': 'polite' });
    const editor = new Editor({
      text: sheet.text,
      keywords: this.keywords,
      names: (where) => this.session.names(where),
      run: (all) => this.run(sheet, all),
      changed: (text) => {
        sheet.text = text;
        this.keep();
      },
    });
    const cancel = make('button', { type: 'button', disabled: true }, 'Cancel');
    cancel.addEventListener('click', () => this.session.cancel(view.running));
    const start = make('button', { type: 'button', class: 'main', title: 'Ctrl+Enter' }, 'Run');
    start.addEventListener('click', () => this.run(sheet, false));
    const whole = make('button', { type: 'button', title: 'Ctrl+Shift+Enter' }, 'Run all');
    whole.addEventListener('click', () => this.run(sheet, true));
    const bar = make('div', { class: 'bar' }, start, whole, cancel, said);
    const view = { editor, out, said, cancel, buttons: [start, whole], elements: [editor.element, bar, out], running: null };
    return view;
  }

  /** Runs the selection, all statements, or the one at the cursor; stops at the first that fails. */
  async run(sheet, all) {
    const view = this.views.get(sheet);
    if (view.busy) return;
    view.busy = true;
    view.buttons.forEach((each) => { each.disabled = true; });
    try {
      for (const statement of await this.#chosen(view.editor.selected(), all)) {
        if (!(await this.#runOne(view, statement))) break;
      }
    } catch (error) {
      view.said.textContent = String(error.message);
    } finally {
      view.busy = false;
      view.buttons.forEach((each) => { each.disabled = false; });
      this.ran();
    }
  }

  async #chosen({ text, from, to }, all) {
    if (from !== to && !all) {
      const pieces = await this.session.statements(text.slice(from, to));
      return pieces.map((piece) => ({ ...piece, from: piece.from + from, to: piece.to + from }));
    }
    const pieces = await this.session.statements(text);
    if (all) return pieces;
    // The statement at the cursor, or the last one before it.
    return pieces.filter((piece, index) => {
      const next = pieces[index + 1];
      return from >= (index === 0 ? 0 : piece.from) && (!next || from < next.from);
    });
  }

  async #runOne(view, statement) {
    const start = performance.now();
    const seconds = () => `${((performance.now() - start) / 1000).toFixed(2)} s`;
    view.said.textContent = 'Running ...';
    try {
      const { id, result } = await this.session.start(statement.text, ({ progress, status }) => {
        const rows = progress?.rows ? `, ${counted(progress.rows)} read` : '';
        view.said.textContent = `${status === 'RUNNING' ? 'Running' : status}, ${seconds()}${rows}`;
      });
      view.running = id;
      view.cancel.disabled = false;
      const rows = await result;
      view.said.textContent = `${counted(rows.count)}, ${seconds()}`;
      view.said.title = id;
      this.#show(view, rows);
      return true;
    } catch (error) {
      view.said.textContent = `Failed, ${seconds()}`;
      view.out.replaceChildren(make('p', { class: 'error scroll', role: 'alert' }, String(error)));
      if (error.place) view.editor.mark(placeOf(statement, error.place));
      return false;
    } finally {
      view.cancel.disabled = true;
    }
  }

  #show(view, rows) {
    const place = make('div', { class: 'result' }, grid(rows));
    const bar = make(
      'div', { class: 'bar' },
      button('Rows', () => place.replaceChildren(grid(rows))),
      button('Chart', async () => place.replaceChildren(await charted(rows)), { disabled: rows.count === 0 }),
      button('Download', async () => save('result.csv', await rows.csv(), 'text/csv')),
    );
    view.out.replaceChildren(bar, place);
  }
}

/** Where an error stands in the text of the worksheet. */
function placeOf(statement, { line, position }) {
  const before = statement.text.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  return statement.from + before + position;
}

async function charted(rows) {
  const first = await rows.slice(0, ROWS_MAX);
  const { columns } = rows;
  const numbers = columns.map((column, index) => (column.number ? index : -1)).filter((index) => index >= 0);
  const y = numbers.find((index) => index > 0) ?? numbers[0] ?? 0;
  const choice = (label, options, value) => {
    const select = make('select', { 'aria-label': label }, options.map(([key, text]) => make('option', { value: key, selected: key === value }, text)));
    return select;
  };
  const named = columns.map((column, index) => [String(index), column.name]);
  const kinds = [['line', 'Line'], ['bar', 'Bar'], ['scatter', 'Scatter']];
  const fields = [choice('Kind', kinds, 'line'), choice('Across', named, '0'), choice('Up', named, String(y))];
  const place = make('div', { class: 'result' });
  const redraw = () => {
    const [kind, x, up] = fields.map((field) => field.value);
    place.replaceChildren(chart(first, columns, kind, Number(x), Number(up)));
  };
  fields.forEach((field) => field.addEventListener('change', redraw));
  redraw();
  const told = rows.count > ROWS_MAX ? make('span', { class: 'dim' }, `the first ${ROWS_MAX.toLocaleString('en')} rows`) : '';
  return make('div', { class: 'result' }, make('div', { class: 'bar' }, fields, told), place);
}
