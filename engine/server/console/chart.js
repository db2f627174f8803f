// A drawing of a result: lines, bars or points.

import { make } from './page.js';

const WIDTH = 900;
const HEIGHT = 380;
const LEFT = 70;
const BOTTOM = 40;
/** Rows that are drawn. */
export const ROWS_MAX = 5000;

const SVG = 'http://www.w3.org/2000/svg';

function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const short = (value) => (Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
  ? value.toExponential(2) : String(Math.round(value * 1000) / 1000));

/** Places for values: by their size where they are numbers or times, else one behind another. */
function scale(column, values) {
  const size = (value) => (column.number ? Number(value) : Date.parse(value));
  const sizes = values.map(size);
  if ((column.number || column.time) && sizes.every((value) => Number.isFinite(value))) {
    return { at: (index) => sizes[index], ordered: true };
  }
  return { at: (index) => index, ordered: false };
}

/** The chart of some rows: `kind` is line, bar or scatter, `x` and `y` are numbers of columns. */
export function chart(rows, columns, kind, x, y) {
  const points = rows.filter((row) => row[y] !== null && row[x] !== null);
  const across = scale(columns[x], points.map((row) => row[x]));
  const found = points.map((row, index) => ({ x: across.at(index), y: Number(row[y]), label: row[x] }));
  const drawn = found.filter((point) => Number.isFinite(point.y));
  const svg = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  const element = make('div', { class: 'chart' }, svg);
  if (drawn.length === 0) {
    svg.append(draw('text', { x: WIDTH / 2, y: HEIGHT / 2 }, 'No numbers to draw'));
    return element;
  }
  if (kind === 'line') drawn.sort((a, b) => a.x - b.x);
  const of = (name, pick) => drawn.reduce((found, point) => pick(found, point[name]), drawn[0][name]);
  const [xMin, xMax] = [of('x', Math.min), of('x', Math.max)];
  let [yMin, yMax] = [of('y', Math.min), of('y', Math.max)];
  if (kind === 'bar') [yMin, yMax] = [Math.min(0, yMin), Math.max(0, yMax)];
  if (yMin === yMax) [yMin, yMax] = [yMin - 1, yMax + 1];
  const width = (WIDTH - LEFT - 20) / (kind === 'bar' ? drawn.length : 1);
  const px = (value) => (xMax === xMin ? LEFT + 10 : LEFT + ((value - xMin) / (xMax - xMin)) * (WIDTH - LEFT - 20));
  const py = (value) => HEIGHT - BOTTOM - ((value - yMin) / (yMax - yMin)) * (HEIGHT - BOTTOM - 15);
  for (let step = 0; step <= 5; step += 1) {
    const value = yMin + ((yMax - yMin) * step) / 5;
    svg.append(draw('line', { class: 'axis', x1: LEFT, x2: WIDTH - 10, y1: py(value), y2: py(value) }));
    svg.append(draw('text', { x: LEFT - 6, y: py(value) + 4, 'text-anchor': 'end' }, short(value)));
  }
  const every = Math.max(1, Math.floor(drawn.length / 8));
  const center = (point, index) => (kind === 'bar' ? LEFT + (index + 0.5) * width : px(point.x));
  drawn.forEach((point, index) => {
    if (index % every === 0) {
      const text = String(point.label).slice(0, 16);
      svg.append(draw('text', { x: center(point, index), y: HEIGHT - 20, 'text-anchor': 'middle' }, text));
    }
  });
  if (kind === 'line') {
    const path = drawn.map((point) => `${px(point.x)},${py(point.y)}`).join(' ');
    svg.append(draw('polyline', { class: 'l0', points: path, 'stroke-width': 1.5 }));
  } else {
    drawn.forEach((point, index) => {
      const mark = kind === 'bar'
        ? draw('rect', {
          class: 'f0', x: LEFT + index * width + width * 0.1, width: width * 0.8,
          y: Math.min(py(point.y), py(0)), height: Math.max(0.5, Math.abs(py(point.y) - py(0))),
        })
        : draw('circle', { class: 'f0', cx: px(point.x), cy: py(point.y), r: 3 });
      mark.append(draw('title', {}, `${point.label}: ${point.y}`));
      svg.append(mark);
    });
  }
  return element;
}
