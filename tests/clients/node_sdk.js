// Node's snowflake-sdk: what programs do with it.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const assert = require('assert');
const snowflake = require('snowflake-sdk');

snowflake.configure({ logLevel: 'ERROR', additionalLogToConsole: false });
const host = process.env.FIRN_HOST || '127.0.0.1';
const port = process.env.FIRN_PORT || '8084';

function connect() {
  const connection = snowflake.createConnection({
    account: 'firn', username: 'firn', password: '-', accessUrl: `http://${host}:${port}`, host,
    database: 'FIRN', schema: 'PUBLIC', warehouse: 'COMPUTE_WH',
  });
  return new Promise((done, fail) => connection.connect((e, c) => (e ? fail(e) : done(c))));
}

function rows(connection, sqlText, more = {}) {
  return new Promise((done, fail) => connection.execute({
    sqlText, ...more, complete: (e, statement, found) => (e ? fail(e) : done(found)),
  }));
}

const checks = {
  async oneRow(c) {
    assert.deepStrictEqual(await rows(c, 'SELECT 1 AS a, \'x\' AS b'), [{ A: 1, B: 'x' }]);
  },
  async types(c) {
    const [row] = await rows(c, `SELECT 1.50::NUMBER(5,2) AS n, 2.5::FLOAT AS f, TRUE AS b, FALSE AS b2,
      DATE '2024-01-02' AS d, '2024-01-02 03:04:05.678'::TIMESTAMP_NTZ AS t, X'01FF' AS x,
      PARSE_JSON('{"a": 1}') AS v, ARRAY_CONSTRUCT(1) AS l, NULL AS u,
      '2024-01-02 03:04:05.678 +0200'::TIMESTAMP_TZ AS z, TIME '10:11:12' AS c`);
    assert.strictEqual(row.N, 1.5);
    assert.strictEqual(row.F, 2.5);
    assert.strictEqual(row.B, true);
    assert.strictEqual(row.B2, false);
    assert.strictEqual(row.D.toISOString().slice(0, 10), '2024-01-02');
    assert.strictEqual(row.T.toISOString(), '2024-01-02T03:04:05.678Z');
    assert.deepStrictEqual([...row.X], [1, 255]);
    assert.deepStrictEqual(row.V, { a: 1 });
    assert.deepStrictEqual(row.L, [1]);
    assert.strictEqual(row.U, null);
    assert.strictEqual(row.Z.toISOString(), '2024-01-02T01:04:05.678Z');
    assert.strictEqual(row.C, '10:11:12');
  },
  async noRows(c) {
    assert.deepStrictEqual(await rows(c, 'SELECT 1 AS a WHERE 1 = 0'), []);
  },
  async errors(c) {
    await assert.rejects(rows(c, 'SELECT * FROM not_there'), (e) => e.code === '002003' && e.sqlState === '42S02');
  },
  async binds(c) {
    const found = await rows(c, 'SELECT ? AS a, ? AS b, ? AS c, :1 AS d', { binds: [1, 'x', null] });
    assert.deepStrictEqual(found, [{ A: 1, B: 'x', C: null, D: 1 }]);
  },
  async arrayBinds(c) {
    await rows(c, 'CREATE OR REPLACE TABLE node_many (i INT, s TEXT)');
    const data = Array.from({ length: 300 }, (_, i) => [i, `n${i}`]);
    await rows(c, 'INSERT INTO node_many VALUES (?, ?)', { binds: data });
    assert.deepStrictEqual(await rows(c, 'SELECT COUNT(*) AS n, SUM(i) AS s FROM node_many'), [{ N: 300, S: 44850 }]);
  },
  async bindsByAStage(c) {
    await rows(c, 'ALTER SESSION SET CLIENT_STAGE_ARRAY_BINDING_THRESHOLD = 100');
    await rows(c, 'CREATE OR REPLACE TABLE node_staged (i INT, s TEXT)');
    const data = Array.from({ length: 300 }, (_, i) => [i, i % 3 ? `n"${i}",\\\n` : null]);
    await rows(c, 'INSERT INTO node_staged VALUES (?, ?)', { binds: data });
    const found = await rows(c, 'SELECT * FROM node_staged ORDER BY i');
    assert.deepStrictEqual(found.map(({ I, S }) => [I, S]), data);
    await rows(c, 'ALTER SESSION UNSET CLIENT_STAGE_ARRAY_BINDING_THRESHOLD');
  },
  async dml(c) {
    await rows(c, 'CREATE OR REPLACE TABLE node_dml (i INT)');
    assert.deepStrictEqual(await rows(c, 'INSERT INTO node_dml VALUES (1), (2)'), [{ 'number of rows inserted': 2 }]);
  },
  async stream(c) {
    const statement = c.execute({ sqlText: 'SELECT SEQ4() AS i FROM TABLE(GENERATOR(ROWCOUNT => 200000))', streamResult: true });
    await new Promise((done, fail) => statement.on ? done() : done());
    const sum = await new Promise((done, fail) => c.execute({
      sqlText: 'SELECT SEQ4() AS i, \'text \' || SEQ4() AS s FROM TABLE(GENERATOR(ROWCOUNT => 200000))', streamResult: true,
      complete: (e, s) => {
        if (e) return fail(e);
        let total = 0;
        return s.streamRows().on('data', (row) => { total += row.I; }).on('end', () => done(total)).on('error', fail);
      },
    }));
    assert.strictEqual(sum, (200000 * 199999) / 2);
  },
  async severalStatements(c) {
    const found = [];
    await new Promise((done, fail) => c.execute({
      sqlText: 'SELECT 1 AS a; SELECT 2 AS a', parameters: { MULTI_STATEMENT_COUNT: 2 },
      complete: (e, s) => {
        if (e) return fail(e);
        s.streamRows().on('data', (row) => found.push(row.A)).on('error', fail)
          .on('end', () => (s.hasNext() ? s.NextResult() : done()));
        return undefined;
      },
    }));
    assert.deepStrictEqual(found, [1, 2]);
  },
  async detached(c) {
    const id = await new Promise((done, fail) => c.execute({
      sqlText: 'SELECT SYSTEM$WAIT(1) AS w, 7 AS n', asyncExec: true,
      complete: (e, s) => (e ? fail(e) : done(s.getQueryId())),
    }));
    const statement = await c.getResultsFromQueryId({ queryId: id });
    const found = await new Promise((done, fail) => {
      const all = [];
      statement.streamRows().on('data', (row) => all.push(row)).on('end', () => done(all)).on('error', fail);
    });
    assert.strictEqual(found[0].N, 7);
  },
  async cancel(c) {
    await assert.rejects(new Promise((done, fail) => {
      const statement = c.execute({ sqlText: 'SELECT SYSTEM$WAIT(30)', complete: (e) => (e ? fail(e) : done()) });
      setTimeout(() => statement.cancel(() => {}), 300);
    }), (e) => e.code === '000604');
  },
  async putAndGet(c) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'firn-node-'));
    const file = path.join(folder, 'a.csv');
    fs.writeFileSync(file, '1,a\n2,b\n');
    await rows(c, 'CREATE OR REPLACE STAGE node_files');
    const [put] = await rows(c, `PUT file://${file} @node_files AUTO_COMPRESS = FALSE`);
    assert.strictEqual(put.status, 'UPLOADED');
    assert.strictEqual((await rows(c, 'LIST @node_files')).length, 1);
    const out = path.join(folder, 'out');
    fs.mkdirSync(out);
    const [got] = await rows(c, `GET @node_files file://${out}`);
    assert.strictEqual(got.status, 'DOWNLOADED');
    assert.strictEqual(fs.readFileSync(path.join(out, 'a.csv'), 'utf8'), '1,a\n2,b\n');
    fs.rmSync(folder, { recursive: true });
  },
};

(async () => {
  const words = process.argv.slice(2);
  const start = Date.now();
  const connection = await connect();
  let failed = 0;
  const chosen = Object.entries(checks).filter(([name]) => !words.length || words.some((word) => name.includes(word)));
  for (const [name, check] of chosen) {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error('no answer in 30 s')), 30000).unref());
    try {
      await Promise.race([check(connection), late]);
    } catch (error) {
      failed += 1;
      console.error(`node: ${name} FAILED\n${error.stack}`);
    }
  }
  await new Promise((done) => connection.destroy(done));
  console.log(`node: ${chosen.length - failed} of ${chosen.length} passed in ${(Date.now() - start) / 1000} s`);
  process.exit(failed ? 1 : 0);
})();
