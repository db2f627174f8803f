// Talking to the server: sessions, statements, and the names that may stand somewhere.

import { Rows } from './rows.js';

const EXPIRED = '390112';
const RUNS = ['333333', '333334'];

/** What a statement has failed with. */
export class Failure extends Error {
  constructor(answer) {
    const data = answer.data ?? {};
    super(answer.message ?? 'The server does not answer.');
    this.code = answer.code ?? '';
    this.state = data.sqlState ?? '';
    this.queryId = data.queryId ?? null;
    this.place = data.line ? { line: data.line, position: data.pos ?? 0 } : null;
  }

  toString() {
    return `${this.code} (${this.state}): ${this.message}`;
  }
}

/** A session on the server. Its tokens are kept as long as the browser's tab lives. */
export class Session {
  constructor(name) {
    this.name = name;
    this.tokens = JSON.parse(sessionStorage.getItem(name) ?? 'null');
  }

  async login(user, password) {
    const data = {
      CLIENT_APP_ID: 'firn console', CLIENT_APP_VERSION: '1', LOGIN_NAME: user, PASSWORD: password,
      CLIENT_ENVIRONMENT: { APPLICATION: 'console' },
    };
    const path = '/session/v1/login-request?databaseName=FIRN&schemaName=PUBLIC&warehouse=COMPUTE_WH';
    const answer = await this.send(path, { data });
    if (!answer.success) throw new Failure(answer);
    const { token, masterToken, sessionId, sessionInfo, displayUserName } = answer.data;
    this.keep({ token, masterToken, sessionId, user: displayUserName, inUse: sessionInfo });
  }

  keep(tokens) {
    this.tokens = tokens;
    if (tokens) sessionStorage.setItem(this.name, JSON.stringify(tokens));
    else sessionStorage.removeItem(this.name);
  }

  async logout() {
    await this.send('/session?delete=true', {}).catch(() => null);
    this.keep(null);
  }

  /** Sends a body, or asks for a path, with new tokens where the old ones are too old. */
  async send(path, body, renewed = false) {
    const headers = { 'Content-Type': 'application/json' };
    if (this.tokens) headers.Authorization = `Snowflake Token="${this.tokens.token}"`;
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (answer.code === EXPIRED && !renewed) {
      const { token, masterToken } = this.tokens;
      this.keep({ ...this.tokens, token: masterToken });
      const request = { oldSessionToken: token, requestType: 'RENEW' };
      const { data } = await this.send(`/session/token-request?requestId=${crypto.randomUUID()}`, request, true);
      if (!data?.sessionToken) throw new Failure(answer);
      this.keep({ ...this.tokens, token: data.sessionToken, masterToken: data.masterToken });
      return this.send(path, body, true);
    }
    return answer;
  }

  /** Starts a statement: its id, and a promise of what it gives. */
  async start(sql, progress = () => {}) {
    const path = `/queries/v1/query-request?requestId=${crypto.randomUUID()}`;
    const begun = await this.send(path, { sqlText: sql, asyncExec: true });
    if (!begun.success) throw new Failure(begun);
    const id = begun.data.queryId;
    return { id, result: this.#result(id, progress) };
  }

  async #result(id, progress) {
    let waits = true;
    const watch = async () => {
      await new Promise((done) => setTimeout(done, 700));
      while (waits) {
        const told = await this.send(`/monitoring/queries/${id}`).catch(() => null);
        const query = told?.data?.queries?.[0];
        if (waits && query) progress(query);
        await new Promise((done) => setTimeout(done, 500));
      }
    };
    watch();
    try {
      for (;;) {
        const answer = await this.send(`/queries/${id}/result`);
        if (!answer.success) throw new Failure(answer);
        if (RUNS.includes(answer.code)) continue;
        const { data } = answer;
        this.keep({
          ...this.tokens,
          inUse: {
            databaseName: data.finalDatabaseName, schemaName: data.finalSchemaName,
            warehouseName: data.finalWarehouseName, roleName: data.finalRoleName,
          },
        });
        return new Rows(data);
      }
    } finally {
      waits = false;
    }
  }

  /** Runs a statement to its end. */
  async run(sql) {
    return (await this.start(sql)).result;
  }

  /** The rows of a small result, as objects by the columns' names in lower case. */
  async objects(sql) {
    const rows = await this.run(sql);
    const names = rows.columns.map((column) => column.name.toLowerCase());
    const all = await rows.slice(0, rows.count);
    return all.map((row) => Object.fromEntries(row.map((cell, index) => [names[index], cell])));
  }

  cancel(id) {
    return this.send(`/queries/${id}/abort-request`, {});
  }

  async names(where) {
    const answer = await this.send('/firn/names', where);
    return answer.data?.names ?? [];
  }

  /** The statements of a text, with their places. */
  async statements(text) {
    const answer = await this.send('/firn/statements', { text });
    return answer.data?.statements ?? [];
  }
}

/** What is known before anybody logs in. */
export async function about() {
  return (await (await fetch('/firn/about')).json()).data;
}
