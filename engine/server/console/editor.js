// A field for SQL: colored, with completion from the catalog.

import { make } from './page.js';

const TOKENS = /(--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^'\\]|\\[\s\S]|'')*'?|\$\$[\s\S]*?(?:\$\$|$))|("(?:[^"]|"")*"?)|(\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)|([A-Za-z_][\w$]*)|([\s\S])/g;
const WORD = /[\w$]+$/;
const PATH = /((?:"(?:[^"]|"")*"|[\w$]+)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))*)\.$/;

export class Editor {
  /** An editor that asks `names` for what may stand somewhere; `run` is told how much to run. */
  constructor({ text, names, keywords, run, changed }) {
    this.names = names;
    this.keywords = new Set(keywords);
    this.colors = make('pre', { 'aria-hidden': 'true' });
    this.field = make('textarea', {
      value: text, spellcheck: false, autocapitalize: 'off', 'aria-label': 'SQL', wrap: 'off',
      placeholder: 'SQL; Ctrl+Enter runs the statement at the cursor, Ctrl+Shift+Enter all, Ctrl+Space completes',
    });
    this.list = make('ul', { class: 'names', hidden: true, role: 'listbox' });
    this.element = make('div', { class: 'editor' }, this.colors, this.field, this.list);
    this.field.addEventListener('input', () => {
      this.wrong = null;
      this.color();
      changed(this.field.value);
      this.suggest(false);
    });
    this.field.addEventListener('scroll', () => {
      this.colors.scrollTop = this.field.scrollTop;
      this.colors.scrollLeft = this.field.scrollLeft;
    });
    this.field.addEventListener('keydown', (event) => this.#key(event, run));
    this.field.addEventListener('blur', () => setTimeout(() => this.close(), 150));
    this.color();
  }

  /** The text, or what is selected of it. */
  selected() {
    const { value, selectionStart: from, selectionEnd: to } = this.field;
    return { text: value, from, to };
  }

  /** Marks where something is wrong. */
  mark(from) {
    this.wrong = from;
    this.color();
    this.field.setSelectionRange(from, from);
    this.field.focus();
  }

  color() {
    const parts = [];
    for (const match of this.field.value.matchAll(TOKENS)) {
      const [text, comment, string, name, number, word] = match;
      let kind = '';
      if (comment !== undefined) kind = 'c';
      else if (string !== undefined) kind = 's';
      else if (number !== undefined) kind = 'n';
      else if (word !== undefined && name === undefined && this.keywords.has(word.toUpperCase())) kind = 'k';
      const wrong = this.wrong !== null && this.wrong >= match.index && this.wrong < match.index + text.length;
      if (wrong) kind += ' w';
      parts.push(kind ? make('span', { class: kind }, text) : text);
    }
    this.colors.replaceChildren(...parts, '\n');
  }

  #key(event, run) {
    const open = !this.list.hidden;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run(event.shiftKey);
    else if (event.key === ' ' && event.ctrlKey) this.suggest(true);
    else if (open && event.key === 'ArrowDown') this.pick(1);
    else if (open && event.key === 'ArrowUp') this.pick(-1);
    else if (open && (event.key === 'Tab' || event.key === 'Enter')) this.take();
    else if (open && event.key === 'Escape') this.close();
    else if (event.key === 'Tab' && !event.shiftKey) this.put('  ');
    else return;
    event.preventDefault();
  }

  /** Types a text; the browser's own undo knows of it. */
  put(text) {
    this.field.focus();
    if (!document.execCommand('insertText', false, text)) {
      this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, 'end');
      this.field.dispatchEvent(new Event('input'));
    }
  }

  /** Offers what may stand at the cursor. */
  async suggest(asked) {
    const at = this.field.selectionStart;
    const before = this.field.value.slice(0, at);
    const word = before.match(WORD)?.[0] ?? '';
    const start = before.slice(0, at - word.length);
    const path = start.match(PATH)?.[1];
    const stage = start.endsWith('@');
    if (!asked && word.length < 2 && !path && !stage) return this.close();
    const where = path ? { path: this.#resolved(path) } : stage ? { of: 'stages' } : {};
    const ticket = (this.ticket = (this.ticket ?? 0) + 1);
    const all = await this.names(where);
    if (ticket !== this.ticket || this.field.selectionStart !== at) return undefined;
    const lower = word.toLowerCase();
    const fits = all.filter((name) => name.toLowerCase().startsWith(lower) && name.toLowerCase() !== lower);
    if (fits.length === 0) return this.close();
    const small = /[a-z]/.test(before.replace(/'[^']*'/g, '').slice(-40)) || before === '';
    this.offered = fits.slice(0, 100).map((name) => spelled(name, small));
    this.typed = word.length;
    this.picked = 0;
    this.list.replaceChildren(...this.offered.map((name, index) => {
      const line = make('li', { role: 'option', 'aria-selected': String(index === 0) }, name);
      line.addEventListener('mousedown', (event) => {
        event.preventDefault();
        this.picked = index;
        this.take();
      });
      return line;
    }));
    const lines = start.split('\n');
    const style = getComputedStyle(this.field);
    const size = parseFloat(style.fontSize);
    const top = lines.length * size * 1.5 + 8 - this.field.scrollTop;
    const left = lines.at(-1).length * size * 0.602 + 10 - this.field.scrollLeft;
    this.list.style.top = `${Math.min(top, this.field.clientHeight - 40)}px`;
    this.list.style.left = `${Math.min(left, this.field.clientWidth - 200)}px`;
    this.list.hidden = false;
    return undefined;
  }

  /** The parts of a path; an alias of a table is that table. */
  #resolved(path) {
    const parts = partsOf(path);
    if (parts.length > 1) return parts;
    const name = '((?:"[^"]*"|[\\w$]+)(?:\\.(?:"[^"]*"|[\\w$]+))*)';
    const alias = path.replace(/[$]/g, '\\$&');
    const found = this.field.value.match(new RegExp(`\\b(?:from|join|into|update|using)\\s+${name}\\s+(?:as\\s+)?${alias}\\b`, 'i'));
    return found ? partsOf(found[1]) : parts;
  }

  pick(step) {
    const lines = [...this.list.children];
    lines[this.picked].setAttribute('aria-selected', 'false');
    this.picked = (this.picked + step + lines.length) % lines.length;
    lines[this.picked].setAttribute('aria-selected', 'true');
    lines[this.picked].scrollIntoView({ block: 'nearest' });
  }

  take() {
    const name = this.offered[this.picked];
    const at = this.field.selectionStart;
    this.field.setSelectionRange(at - this.typed, at);
    this.put(name);
    this.close();
  }

  close() {
    this.list.hidden = true;
  }
}

function partsOf(path) {
  return [...path.matchAll(/"((?:[^"]|"")*)"|([\w$]+)/g)]
    .map(([, name, word]) => (word === undefined ? name.replaceAll('""', '"') : word.toUpperCase()));
}

/** A name as it may be typed: in the case of what stands around it, in quotes where it needs them. */
function spelled(name, small) {
  if (!/^[A-Z_][A-Z0-9_$]*$/.test(name)) return `"${name.replaceAll('"', '""')}"`;
  return small ? name.toLowerCase() : name;
}
