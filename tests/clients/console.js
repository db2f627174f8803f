// The console, in a browser without a window.
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const puppeteer = require('puppeteer-core');

const base = `http://127.0.0.1:${process.env.FIRN_PORT || '8084'}`;
const shots = process.env.FIRN_SHOTS;

/** Puts a text into the editor in sight. */
async function write(page, text) {
  await page.$eval('.editor textarea', (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event('input'));
    field.setSelectionRange(value.length, value.length);
    field.focus();
  }, text);
}

async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.down(key);
  for (const key of keys.reverse()) await page.keyboard.up(key);
}

/** Waits until a text stands somewhere. */
async function sees(page, selector, text) {
  await page.waitForFunction((where, wanted) => [...document.querySelectorAll(where)]
    .some((element) => element.offsetParent !== null && element.textContent.includes(wanted)), { timeout: 20000 }, selector, text);
}

/** Runs all of a text. */
async function run(page, text, said = ' row') {
  await write(page, text);
  await press(page, 'Control', 'Shift', 'Enter');
  await page.waitForFunction(() => !document.querySelector('.bar .main').disabled, { timeout: 20000 });
  await sees(page, '.bar .grow', said);
}

async function click(page, selector, text) {
  await page.waitForFunction((where, wanted) => [...document.querySelectorAll(where)]
    .some((element) => element.textContent.includes(wanted)), { timeout: 20000 }, selector, text);
  await page.evaluate((where, wanted) => [...document.querySelectorAll(where)]
    .find((element) => element.offsetParent !== null && element.textContent.includes(wanted)).click(), selector, text);
}

const checks = {
  async statementsGiveRows(page) {
    await run(page, "CREATE OR REPLACE TABLE sensors (id INT, name TEXT);\nINSERT INTO sensors VALUES (1, 'a'), (2, NULL);\nSELECT * FROM sensors ORDER BY id;");
    const cells = await page.$$eval('.grid tbody tr', (lines) => lines.map((line) => [...line.cells].map((cell) => cell.textContent)));
    assert.deepStrictEqual(cells, [['1', '1', 'a'], ['2', '2', 'NULL']]);
  },
  async theStatementAtTheCursorRuns(page) {
    await write(page, "SELECT 'first';\nSELECT 'second';");
    await page.$eval('.editor textarea', (field) => field.setSelectionRange(3, 3));
    await press(page, 'Control', 'Enter');
    await sees(page, '.grid td', 'first');
  },
  async errorsShowTheirPlace(page) {
    await run(page, "SELECT 1;\nSELECT nope", 'Failed');
    await sees(page, '.error', "invalid identifier 'NOPE'");
    assert.strictEqual(await page.$eval('.editor .w', (mark) => mark.textContent), 'nope');
  },
  async dataIsNoHtml(page) {
    await run(page, "SELECT '<img src=x onerror=\"window.broken = 1\">' AS \"<b>h</b>\"");
    await sees(page, '.grid td', '<img');
    assert.strictEqual(await page.evaluate(() => window.broken), undefined);
  },
  async aMillionRowsAreScrolled(page) {
    await run(page, 'SELECT SEQ8() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 1000000))');
    await sees(page, '.bar .grow', '1,000,000 rows');
    await page.$eval('.grid', (grid) => { grid.scrollTop = grid.scrollHeight; });
    await sees(page, '.grid td', '1000000');
    await page.$eval('.grid', (grid) => { grid.scrollTop = grid.scrollHeight / 2; });
    await page.waitForFunction(() => {
      const number = Number(document.querySelector('.grid tbody td')?.textContent);
      return number > 400000 && number < 600000;
    });
    const lines = await page.$$eval('.grid tbody tr', (found) => found.length);
    assert.ok(lines < 200, `${lines} lines exist at once`);
  },
  async chartsAreDrawn(page) {
    await run(page, 'SELECT SEQ8() AS x, SQRT(SEQ8()) AS y FROM TABLE(GENERATOR(ROWCOUNT => 50))');
    await click(page, '.bar button', 'Chart');
    await page.waitForSelector('.chart polyline');
    await page.select('.bar select[aria-label="Kind"]', 'bar');
    await page.waitForFunction(() => document.querySelectorAll('.chart rect').length === 50);
    await page.select('.bar select[aria-label="Kind"]', 'scatter');
    await page.waitForFunction(() => document.querySelectorAll('.chart circle').length === 50);
  },
  async wordsAreCompleted(page) {
    await run(page, 'CREATE OR REPLACE TABLE sensors (id INT, name TEXT);');
    await write(page, 'select * from sens');
    await press(page, 'Control', ' ');
    await sees(page, '.names li', 'sensors');
    await press(page, 'Enter');
    await page.keyboard.type(' s where s.na');
    await sees(page, '.names li', 'name');
    await press(page, 'Tab');
    assert.strictEqual(await page.$eval('.editor textarea', (field) => field.value), 'select * from sensors s where s.name');
  },
  async statementsAreCanceled(page) {
    await write(page, 'SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 100000000000))');
    await press(page, 'Control', 'Enter');
    await page.waitForFunction(() => [...document.querySelectorAll('.bar button')].some((each) => each.textContent === 'Cancel' && !each.disabled));
    await click(page, '.bar button', 'Cancel');
    await sees(page, '.error', 'canceled');
  },
  async historyHasProfiles(page) {
    await run(page, "INSERT INTO sensors VALUES (1, 'a'); SELECT name, COUNT(*) AS counted_for_history FROM sensors GROUP BY name");
    await press(page, 'Alt', '2');
    await click(page, '#history tr', 'counted_for_history');
    await sees(page, '.operator', 'TableScan');
    await press(page, 'Alt', '1');
  },
  async objectsAreBrowsed(page) {
    await run(page, 'CREATE OR REPLACE VIEW seen AS SELECT id FROM sensors; CREATE STAGE IF NOT EXISTS landing;');
    await click(page, '#objects summary', 'FIRN');
    await click(page, '#objects summary', 'PUBLIC');
    await click(page, '#objects summary', 'SENSORS');
    await click(page, '#objects button', 'DDL');
    await page.waitForFunction(() => document.querySelector('.editor textarea').value.toUpperCase().includes('CREATE OR REPLACE TABLE'));
    await click(page, '#objects button', 'Preview');
    await sees(page, '.bar .grow', ' row');
  },
  async filesAreUploadedAndLoaded(page) {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'firn')), 'city.csv');
    fs.writeFileSync(file, 'id,name,since\n1,"Oslo, N",2024-01-02\n2,Rome,2024-02-03\n');
    await press(page, 'Alt', '3');
    await (await page.$('#upload-files')).uploadFile(file);
    await page.waitForFunction(() => document.querySelector('#upload-table').value === 'CITY');
    await click(page, '#upload button', 'Upload');
    await sees(page, '#upload p', '2 rows in CITY');
    await press(page, 'Alt', '1');
    await run(page, "SELECT name FROM city WHERE since = '2024-01-02'::DATE");
    await sees(page, '.grid td', 'Oslo, N');
  },
  async worksheetsAreKept(page) {
    await click(page, '.tabs button', '+');
    await write(page, "SELECT 'kept'");
    await page.reload();
    await sees(page, '.tabs button', 'Worksheet 2');
    await page.waitForFunction(() => document.querySelector('#in-use').textContent.includes('FIRN.PUBLIC'));
  },
  async resultsAreDownloaded(page) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'firn'));
    const devtools = await page.createCDPSession();
    await devtools.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await run(page, "SELECT 1 AS a, 'x,y' AS b, NULL AS c, '' AS d");
    await click(page, '.bar button', 'Download');
    const file = path.join(folder, 'result.csv');
    for (let tries = 0; tries < 100 && !fs.existsSync(file); tries += 1) await new Promise((done) => setTimeout(done, 50));
    assert.strictEqual(fs.readFileSync(file, 'utf8'), 'A,B,C,D\r\n1,"x,y",,""\r\n');
  },
};

async function main() {
  const words = process.argv.slice(2);
  const start = Date.now();
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'firn-browser'));
  const browser = await puppeteer.launch({
    executablePath: process.env.FIRN_BROWSER, userDataDir: profile, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (line) => line.type() === 'error' && wrong.push(line.text()));
  await page.goto(base);
  await page.waitForSelector('.editor textarea');
  let [passed, count] = [0, 0];
  for (const [name, check] of Object.entries(checks)) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    count += 1;
    try {
      await check(page);
      if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
      assert.deepStrictEqual(wrong.splice(0), []);
      passed += 1;
    } catch (error) {
      console.error(`console: ${name} FAILED\n${error.stack}`);
      if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`) });
    }
  }
  await browser.close();
  fs.rmSync(profile, { recursive: true, force: true });
  console.log(`console: ${passed} of ${count} passed in ${(Date.now() - start) / 1000} s`);
  process.exit(passed === count ? 0 : 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
