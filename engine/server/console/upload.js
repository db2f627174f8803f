// Files into a stage, and from there into a table whose columns are those of the file.

import { button, literal, make, quoted } from './page.js';

const FORMATS = {
  csv: "TYPE = CSV PARSE_HEADER = TRUE FIELD_OPTIONALLY_ENCLOSED_BY = '\"'",
  tsv: "TYPE = CSV FIELD_DELIMITER = '\\t' PARSE_HEADER = TRUE",
  json: 'TYPE = JSON STRIP_OUTER_ARRAY = TRUE',
  parquet: 'TYPE = PARQUET',
};

export class Upload {
  constructor(place, session, done) {
    Object.assign(this, { session, done });
    this.files = make('input', { type: 'file', multiple: true, id: 'upload-files' });
    this.stage = make('select', { id: 'upload-stage' });
    this.folder = make('input', { id: 'upload-folder', placeholder: 'folder in it, or nothing' });
    this.format = make('select', { id: 'upload-format' }, Object.keys(FORMATS).map((name) => make('option', {}, name)));
    this.table = make('input', { id: 'upload-table', placeholder: 'name; nothing leaves the files in the stage' });
    this.said = make('div', { class: 'sql', 'aria-live': 'polite' });
    const field = (text, input) => [make('label', { htmlFor: input.id }, text), input];
    const form = make(
      'div', { class: 'form' },
      field('Files', this.files), field('Stage', this.stage), field('Folder', this.folder),
      field('Format', this.format), field('New or existing table', this.table),
      make('span'), button('Upload', () => this.#upload(), { class: 'main' }),
    );
    this.files.addEventListener('change', () => this.#guess());
    place.append(make('div', { class: 'scroll' }, form, this.said));
  }

  async refresh() {
    const found = await this.session.objects('SHOW STAGES').catch(() => []);
    const inner = found.filter((stage) => !stage.url);
    const named = inner.map((stage) => `@${[stage.database_name, stage.schema_name, stage.name].map(quoted).join('.')}`);
    this.stage.replaceChildren(...['@~', ...named].map((name) => make('option', {}, name)));
  }

  #guess() {
    const name = this.files.files[0]?.name ?? '';
    const kind = name.replace(/\.gz$/, '').split('.').at(-1).toLowerCase();
    const known = { csv: 'csv', tsv: 'tsv', tab: 'tsv', json: 'json', ndjson: 'json', jsonl: 'json', parquet: 'parquet' };
    this.format.value = known[kind] ?? 'csv';
    if (!this.table.value) this.table.value = name.split('.')[0].replace(/\W+/g, '_').toUpperCase();
  }

  #say(text, wrong = false) {
    this.said.append(make('p', { class: wrong ? 'error' : '' }, text));
  }

  async #upload() {
    this.said.replaceChildren();
    try {
      const files = [...this.files.files];
      if (files.length === 0) throw new Error('Choose files first.');
      const folder = this.folder.value.replace(/^\/+|\/+$/g, '');
      const target = `${this.stage.value}/${folder ? `${folder}/` : ''}`;
      for (const file of files) {
        await this.#put(file, target);
        this.#say(`${file.name}: ${file.size.toLocaleString('en')} bytes in ${target}`);
      }
      if (this.table.value) await this.#load(files, target);
      this.done();
    } catch (error) {
      this.#say(String(error.message), true);
    }
  }

  /** Sends a file to the address that the server names for it. */
  async #put(file, target) {
    const sql = `PUT ${literal(`file:///${file.name}`)} ${literal(target)} AUTO_COMPRESS = FALSE OVERWRITE = TRUE`;
    const { data } = await this.session.run(sql);
    const path = new URL(data.stageInfo.presignedUrl).pathname;
    const response = await fetch(path, { method: 'PUT', body: file });
    if (!response.ok) throw new Error(`${file.name}: ${await response.text()}`);
  }

  async #load(files, target) {
    const table = quoted(this.table.value);
    const format = `console_${this.format.value}`;
    await this.session.run(`CREATE OR REPLACE TEMPORARY FILE FORMAT ${format} ${FORMATS[this.format.value]}`);
    const names = files.map((file) => literal(file.name)).join(', ');
    await this.session.run(`CREATE TABLE IF NOT EXISTS ${table} USING TEMPLATE (
      SELECT ARRAY_AGG(OBJECT_CONSTRUCT(*)) FROM TABLE(INFER_SCHEMA(LOCATION => ${literal(target)},
        FILES => (${names}), FILE_FORMAT => ${literal(format)}, IGNORE_CASE => TRUE)))`);
    const copied = await this.session.objects(`COPY INTO ${table} FROM ${literal(target)} FILES = (${names})
      FILE_FORMAT = (FORMAT_NAME = ${literal(format)}) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`);
    for (const row of copied) this.#say(`${row.file}: ${row.rows_loaded ?? 0} rows in ${this.table.value}`);
  }
}
