// A table of rows of which only those in sight exist: it holds millions.

import { make } from './page.js';

const ROW = 22;
/** Browsers have no taller elements; beyond, one pixel of scrolling is several of rows. */
const TALLEST = 8_000_000;

/** Puts a result into a place. */
export function grid(rows) {
  const element = make('div', { class: 'grid', tabIndex: 0, 'aria-label': 'Result' });
  const table = make('table');
  const body = make('tbody');
  const heads = rows.columns.map((column) => make('th', { title: column.type }, column.name));
  table.append(make('thead', {}, make('tr', {}, make('th', {}, '#'), heads)), body);
  const height = Math.min((rows.count + 2) * ROW, TALLEST);
  const room = make('div');
  room.style.height = `${height}px`;
  element.append(room, table);
  let drawn = -1;
  let wanted = 0;
  const visible = () => Math.ceil(element.clientHeight / ROW) + 1;
  const first = () => {
    const scrolls = Math.max(1, height - element.clientHeight);
    const last = Math.max(0, rows.count - visible() + 2);
    return Math.round((Math.min(element.scrollTop, scrolls) / scrolls) * last);
  };
  async function draw(force = false) {
    const from = first();
    table.style.transform = `translateY(${element.scrollTop}px)`;
    if (from === drawn && !force) return;
    const ticket = ++wanted;
    let found;
    try {
      found = await rows.slice(from, from + visible());
    } catch (error) {
      body.replaceChildren(make('tr', {}, make('td', { class: 'error' }, error.message)));
      return;
    }
    // Somebody has scrolled on meanwhile.
    if (ticket !== wanted) return;
    drawn = from;
    body.replaceChildren(...found.map((row, index) => line(row, from + index)));
  }
  const line = (row, number) => {
    const cells = row.map((cell, index) => {
      const kind = cell === null ? 'null' : rows.columns[index].number ? 'number' : '';
      return make('td', { class: kind, title: cell ?? '' }, cell === null ? 'NULL' : String(cell));
    });
    return make('tr', {}, make('td', {}, String(number + 1)), cells);
  };
  element.addEventListener('scroll', () => draw());
  element.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: visible() - 2, PageUp: 2 - visible() }[event.key];
    const scale = (height - element.clientHeight) / Math.max(1, rows.count - visible() + 2);
    if (step !== undefined) element.scrollTop += step * Math.max(scale, 0.01);
    else if (event.key === 'Home') element.scrollTop = 0;
    else if (event.key === 'End') element.scrollTop = height;
    else return;
    event.preventDefault();
  });
  element.addEventListener('dblclick', (event) => {
    const cell = event.target.closest('td');
    if (cell) navigator.clipboard?.writeText(cell.title);
  });
  new ResizeObserver(() => draw(true)).observe(element);
  return element;
}
