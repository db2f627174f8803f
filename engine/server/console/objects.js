// What is there: databases, their schemas, and what stands in those.

import { button, literal, make, quoted } from './page.js';

/** What GET_DDL calls a kind. */
const KINDS = { TABLE: 'TABLE', VIEW: 'VIEW', 'MATERIALIZED VIEW': 'VIEW', 'DYNAMIC TABLE': 'TABLE' };

export class Objects {
  constructor(place, session, open) {
    Object.assign(this, { place, session, open });
    this.tree = make('div', { role: 'tree' });
    place.append(make('div', { class: 'bar' }, make('strong', { class: 'grow' }, 'Objects'), button('↻', () => this.refresh(), { title: 'Refresh' })), this.tree);
  }

  async refresh() {
    const opened = new Set([...this.tree.querySelectorAll('details[open]')].map((each) => each.dataset.path));
    try {
      const databases = await this.session.objects('SHOW DATABASES');
      this.tree.replaceChildren(...databases.map(({ name }) => this.#branch(name, [name], opened, () => this.#schemas(name, opened))));
    } catch (error) {
      this.tree.replaceChildren(make('p', { class: 'error' }, error.message));
    }
  }

  #branch(text, path, opened, children) {
    const branch = make('details', {}, make('summary', {}, text));
    branch.dataset.path = JSON.stringify(path);
    let filled = false;
    branch.addEventListener('toggle', async () => {
      if (!branch.open || filled) return;
      filled = true;
      try {
        branch.append(...(await children()));
      } catch (error) {
        branch.append(make('p', { class: 'error' }, error.message));
      }
    });
    branch.open = opened.has(branch.dataset.path);
    return branch;
  }

  async #schemas(database, opened) {
    const found = await this.session.objects(`SHOW SCHEMAS IN DATABASE ${quoted(database)}`);
    return found.map(({ name }) => this.#branch(name, [database, name], opened, () => this.#contents(database, name, opened)));
  }

  async #contents(database, schema, opened) {
    const within = `${quoted(database)}.${quoted(schema)}`;
    const objects = await this.session.objects(`SHOW OBJECTS IN SCHEMA ${within}`);
    const stages = await this.session.objects(`SHOW STAGES IN SCHEMA ${within}`).catch(() => []);
    const relations = objects.map(({ name, kind }) => {
      const path = `${within}.${quoted(name)}`;
      return this.#branch(`${kind === 'TABLE' ? '▦' : '◫'} ${name}`, [database, schema, name], opened, () => this.#columns(path, kind));
    });
    const places = stages.map(({ name }) => {
      const leaf = make('a', { class: 'leaf', tabIndex: 0, title: 'List its files' }, `▤ ${name}`);
      leaf.addEventListener('click', () => this.open(`LIST @${within}.${quoted(name)};`, true));
      return leaf;
    });
    return [...relations, ...places];
  }

  async #columns(path, kind) {
    const found = await this.session.objects(`DESCRIBE TABLE ${path}`);
    const preview = button('Preview', () => this.open(`SELECT * FROM ${path} LIMIT 100;`, true));
    const ddl = button('DDL', async () => {
      const [row] = await this.session.objects(`SELECT GET_DDL(${literal(KINDS[kind] ?? 'TABLE')}, ${literal(path)}) AS ddl`);
      this.open(row.ddl, false);
    });
    const columns = found.map(({ name, type }) => {
      const leaf = make('a', { class: 'leaf', tabIndex: 0 }, `${name} `, make('span', { class: 'dim' }, type));
      return leaf;
    });
    return [make('div', {}, preview, ' ', ddl), ...columns];
  }
}
