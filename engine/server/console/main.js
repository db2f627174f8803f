// The console: who is there, and which part of it is in sight.

import { History } from './history.js';
import { Objects } from './objects.js';
import { byId } from './page.js';
import { Session, about } from './server.js';
import { Upload } from './upload.js';
import { Worksheets } from './worksheets.js';

// What looks around has a session of its own, so that worksheets find their last statements.
const work = new Session('firn.work');
const look = new Session('firn.look');

const login = byId('login');

async function enter(user, password) {
  await work.login(user, password);
  await look.login(user, password);
}

async function leave() {
  await Promise.all([work.logout(), look.logout()]);
  location.reload();
}

function show(view) {
  for (const section of document.querySelectorAll('main > section')) section.hidden = section.id !== view;
  for (const tab of document.querySelectorAll('nav button')) tab.setAttribute('aria-selected', String(tab.dataset.view === view));
}

async function open() {
  login.hidden = true;
  byId('console').hidden = false;
  const told = () => {
    const { databaseName, schemaName, warehouseName, roleName } = work.tokens.inUse;
    const shown = [databaseName, schemaName].filter(Boolean).join('.');
    byId('in-use').textContent = `${work.tokens.user} as ${roleName} · ${warehouseName ?? 'no warehouse'} · ${shown || 'no database'}`;
  };
  const keywords = await work.names({ of: 'keywords' });
  const objects = new Objects(byId('objects'), look, (text, runs) => {
    show('worksheets');
    worksheets.add(text);
    if (runs) worksheets.run(worksheets.current, true);
  });
  const worksheets = new Worksheets(byId('worksheets'), work, keywords, () => {
    told();
    objects.refresh();
  });
  const history = new History(byId('history'), look, work, (text) => {
    show('worksheets');
    worksheets.add(text);
  });
  const upload = new Upload(byId('upload'), work, () => objects.refresh());
  const views = ['worksheets', 'history', 'upload'];
  const go = (view) => {
    show(view);
    if (view === 'history') history.refresh();
    if (view === 'upload') upload.refresh();
  };
  for (const tab of document.querySelectorAll('nav button')) tab.addEventListener('click', () => go(tab.dataset.view));
  document.addEventListener('keydown', (event) => {
    const view = event.altKey && views[Number(event.key) - 1];
    if (!view) return;
    event.preventDefault();
    go(view);
  });
  byId('logout').addEventListener('click', leave);
  told();
  objects.refresh();
}

login.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { user, password } = login.elements;
  const said = login.querySelector('.error');
  said.textContent = '';
  try {
    await enter(user.value, password.value);
    await open();
  } catch (error) {
    said.textContent = error.message;
  }
});

async function begin() {
  const alive = async (session) => session.tokens && (await session.send('/session/heartbeat', {})).success;
  if ((await alive(work)) && (await alive(look))) return open();
  work.keep(null);
  look.keep(null);
  if ((await about()).trustsEverybody) {
    await enter('firn', '-');
    return open();
  }
  login.hidden = false;
  login.elements.user.focus();
  return undefined;
}

begin();
