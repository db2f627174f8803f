// What was run, and how: the operators of a statement with their rows, times, and what was pruned.

import { button, counted, literal, make } from './page.js';

export class History {
  constructor(place, session, own, open) {
    Object.assign(this, { session, own, open });
    this.all = make('input', { type: 'checkbox', id: 'all-statements' });
    this.all.addEventListener('change', () => this.refresh());
    const bar = make(
      'div', { class: 'bar' },
      button('Refresh', () => this.refresh()),
      make('label', {}, this.all, ' of all sessions'),
    );
    this.list = make('tbody');
    const heads = ['Started', 'Status', 'Milliseconds', 'Rows', 'Statement'].map((text) => make('th', {}, text));
    const table = make('table', { class: 'list' }, make('thead', {}, make('tr', {}, heads)), this.list);
    this.profile = make('div', { class: 'scroll', hidden: true });
    place.append(bar, make('div', { class: 'scroll' }, table), this.profile);
  }

  async refresh() {
    const own = this.all.checked ? '' : `WHERE session_id = ${Number(this.own.tokens.sessionId)}`;
    const sql = `SELECT query_id, TO_VARCHAR(start_time, 'YYYY-MM-DD HH24:MI:SS') AS started, execution_status,
      total_elapsed_time AS took, rows_produced, query_text, error_message
      FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 1000)) ${own} ORDER BY start_time DESC LIMIT 200`;
    const found = await this.session.objects(sql);
    this.list.replaceChildren(...found.map((query) => {
      const text = query.query_text.length > 300 ? `${query.query_text.slice(0, 300)} ...` : query.query_text;
      const line = make(
        'tr', { tabIndex: 0, title: query.error_message ?? '' },
        [query.started, query.execution_status, query.took, query.rows_produced ?? ''].map((cell) => make('td', {}, cell)),
        make('td', { class: 'sql' }, text),
      );
      line.addEventListener('click', () => this.#show(query));
      line.addEventListener('keydown', (event) => event.key === 'Enter' && this.#show(query));
      return line;
    }));
  }

  async #show(query) {
    const close = button('Close', () => { this.profile.hidden = true; });
    const again = button('Open in a worksheet', () => this.open(query.query_text));
    this.profile.hidden = false;
    this.profile.replaceChildren(
      make('div', {}, close, ' ', again, make('span', { class: 'dim' }, ` ${query.query_id}`)),
      make('p', { class: 'sql' }, query.query_text),
      query.error_message ? make('p', { class: 'error' }, query.error_message) : '',
    );
    try {
      const columns = 'step_id, operator_id, parent_operators, operator_type, operator_statistics, execution_time_breakdown, operator_attributes';
      const sql = `SELECT ${columns} FROM TABLE(GET_QUERY_OPERATOR_STATS(${literal(query.query_id)}))`;
      const operators = await this.session.objects(sql);
      this.profile.append(...profile(operators));
    } catch (error) {
      this.profile.append(make('p', { class: 'dim' }, `No profile: ${error.message}`));
    }
  }
}

/** The operators of a statement, each below the one that takes its rows. */
function profile(operators) {
  const parsed = operators.map((operator) => ({
    key: `${operator.step_id}/${operator.operator_id}`,
    parent: JSON.parse(operator.parent_operators ?? '[]').map((id) => `${operator.step_id}/${id}`)[0],
    type: operator.operator_type,
    rows: JSON.parse(operator.operator_statistics ?? '{}'),
    time: JSON.parse(operator.execution_time_breakdown ?? '{}'),
    about: JSON.parse(operator.operator_attributes ?? '{}'),
  }));
  const depths = new Map();
  return parsed.map((operator) => {
    const depth = operator.parent === undefined ? 0 : (depths.get(operator.parent) ?? 0) + 1;
    depths.set(operator.key, depth);
    const share = operator.time.overall_percentage ?? 0;
    const { input_rows: input, output_rows: output, pruning } = operator.rows;
    const facts = [
      output === undefined ? null : counted(output),
      input === undefined ? null : `of ${input.toLocaleString('en')}`,
      pruning ? `${pruning.partitions_scanned} of ${pruning.partitions_total} partitions` : null,
      operator.about.table_name ?? null,
    ];
    const element = make(
      'div', { class: 'operator' },
      make('strong', {}, operator.type), ' ',
      make('meter', { min: 0, max: 1, value: share, title: `${(share * 100).toFixed(1)} %` }),
      ` ${(operator.time.milliseconds ?? 0).toLocaleString('en')} ms `,
      make('span', { class: 'dim' }, facts.filter(Boolean).join(', ')),
    );
    element.style.marginLeft = `${depth * 22}px`;
    const about = make('pre', { class: 'dim', hidden: true }, JSON.stringify({ ...operator.rows, ...operator.about }, null, 1));
    element.append(about);
    element.addEventListener('click', () => { about.hidden = !about.hidden; });
    return element;
  });
}
