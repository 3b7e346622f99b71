// The Library page: asks the server for the list, an article, the state; sends files; keeps it all in the address. What the server
// gives as HTML is escaped there; everything else goes in as text.
const $ = (id, name) => document.querySelector('#' + id + ' ' + name);
const form = element.querySelector('form');
const fields = ['find', 'order', 'outlet', 'since', 'until'];
const address = new URLSearchParams(location.search);
let page = Number(address.get('page')) || 0, current = '', opener = null, turn = 0, opening = 0;

// The name under which the server keeps what became of the files of this tab, also while the page is left.
const tab = sessionStorage.getItem('tab') || [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, '0')).join('');
sessionStorage.setItem('tab', tab);
let followed = 0, seen = 0;

const say = text => { $('articles', '.said').textContent = text; };

// An answer, or null where there is none: then what is wrong was said.
async function ask(name, value) {
  const told = await server[name](value === undefined ? null : value);
  if (told && !told.error) return told;
  if (told) say(told.error);
  else await silent($('articles', '.said'));
  return null;
}

async function silent(line) {
  const link = await loggedOut();
  line.replaceChildren(link ? 'You are not logged in any more. ' : 'The server did not answer: try again.', link || '');
}

function remember(push) {
  const now = new URLSearchParams();
  for (const name of fields) {
    const value = form.elements[name].value;
    if (value && !(name === 'order' && value === 'newest')) now.set(name, value);
  }
  if (page) now.set('page', page);
  if (current) now.set('article', current);
  const query = now.toString();
  history[push ? 'pushState' : 'replaceState'](null, '', location.pathname + (query ? '?' + query : ''));
}

async function list(change) {
  const mine = ++turn;
  const asked = {page: page};
  for (const name of fields) asked[name] = form.elements[name].value;
  const told = await ask('listing', asked);
  if (!told || mine !== turn) return;
  page = told.page;
  $('articles', '.list').innerHTML = told.html;
  $('articles', '.count').textContent = told.count;
  mark();
  if (change) { say(''); remember(false); }
}

function mark() {
  for (const link of document.querySelectorAll('a.entry')) {
    if (current && idOf(link) === current) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

const idOf = link => new URLSearchParams(link.getAttribute('href').slice(1)).get('article');

function show(reading, sheet) {
  $('side', '.sources').hidden = reading;
  $('side', '.reader').hidden = !reading;
  $('side', '.bar').hidden = !(reading || sheet);
  $('side', '.back').hidden = $('side', '.remove').hidden = !reading;
  document.getElementById('side').classList.toggle('open', sheet);
}

async function open(id, push) {
  const mine = ++opening, told = await ask('article', id);
  if (mine !== opening) return;
  if (!told) return back(false);
  current = told.id;
  $('side', '.reader').innerHTML = told.html;
  show(true, true);
  mark();
  $('side', '.scroll').scrollTop = 0;
  $('side', 'article h2').focus({preventScroll: true});
  if (push) remember(true);
}

function back(push) {
  const was = current;
  opening++;  // what is still on its way is not opened either
  current = '';
  show(false, false);
  mark();
  if (push && was) remember(true);
  if (opener && opener.isConnected) opener.focus();
  opener = null;
}

function about(button) {
  back(true);
  opener = button;
  show(false, true);
  $('side', '.scroll').scrollTop = 0;
  $('side', '.state h2').focus();
}

async function state() {
  const told = await ask('state');
  if (!told) return;
  $('side', '.sources').innerHTML = told.html;
  const outlet = form.elements.outlet, chosen = outlet.value || address.get('outlet') || '';
  outlet.innerHTML = told.outlets;
  outlet.value = chosen;
  if (outlet.selectedIndex < 0) outlet.value = '';
  showCheck();
}

// The state is drawn anew meanwhile, whenever something is added or taken out.
let checked = '', checking = false;

function showCheck() {
  if (checked) $('side', '.checked').textContent = checked;
  $('side', '.check').disabled = checking;
}

async function check() {
  checking = true;
  checked = 'Checking: everything is read …';
  showCheck();
  const told = await server.check(null);
  checking = false;
  checked = told ? told.line || told.error : 'The server did not answer: try again.';
  showCheck();
  if (!told) await silent($('side', '.checked'));
}

async function remove() {
  const id = current;
  const told = await ask('remove', id);
  if (!told) return;
  const row = document.createElement('li'), undo = document.createElement('button');
  row.append('Removed: ' + told.title + ' ', undo);
  undo.type = 'button';
  undo.className = 'undo';
  undo.textContent = 'Put back';
  undo.onclick = () => putBack(told.token, row);
  $('articles', '.removed').append(row);
  opener = null;
  back(true);
  undo.focus();
  say('Removed. It can be put back until you leave this page.');
  list(false);
  state();
  trigger('select', {});
}

async function putBack(token, row) {
  const told = await ask('put_back', token);
  if (!told) return;
  row.remove();
  say('Put back: ' + told.title);
  await list(false);
  state();
  trigger('select', {});
  const link = document.querySelector('#articles a.entry[href="?article=' + told.id + '"]');
  (link || form.elements.find).focus();
}

// Files are sent one by one, and then added together; what could not be sent goes along by name, and gets its line too.
async function send(files) {
  const status = element.querySelector('.sending'), sent = [];
  if (files.length > MOST_FILES) {
    status.textContent = files.length.toLocaleString('en') + ' files: at most MOST_FILES at a time here; "clippings add" takes more.';
    return;
  }
  let tries = 6;
  for (const [at, file] of files.entries()) {
    const told = ' ' + (at + 1) + ' of ' + files.length + ': ' + file.name;
    status.textContent = 'Sending' + told;
    let made = await deliver(file);
    while (made.wait && tries-- > 0) {
      status.textContent = 'The server is busy: waiting to send' + told;
      await pause(made.wait);
      made = await deliver(file);
    }
    sent.push({name: file.name, size: file.size, handle: made.handle || '', reason: made.reason || ''});
  }
  status.textContent = '';
  if (sent.length && await ask('add', {page: tab, files: sent})) follow();
}

// What the server calls a file that it received; or why it was refused, and how many seconds to wait where another try may help. Gradio's
// own upload keeps to itself why, but for a bubble with the answer as it came.
async function deliver(file) {
  if (!(file instanceof File) || file.size > MOST_BYTES) return {};
  const body = new FormData();
  body.append('files', file);
  try {
    const answer = await fetch('gradio_api/upload', {method: 'POST', body: body});
    const told = await answer.json();
    if (answer.ok) return {handle: told[0].split(/[\\/]/).slice(-2)[0]};
    return {reason: told.error, wait: answer.status === 503 ? Number(answer.headers.get('retry-after')) : 0};
  } catch { return {}; }  // its line says that it did not arrive
}

const pause = seconds => new Promise(done => setTimeout(done, 1000 * seconds));

// How far the adds are, until none is left: each that is over gets its lines below those before it.
async function follow() {
  const mine = ++followed, box = $('adding', '.found');
  for (;;) {
    const told = await ask('added', {page: tab, seen: seen});
    if (mine !== followed) return;
    if (told) {
      $('adding', '.running').innerHTML = told.running;
      for (const html of told.found) {
        const one = document.createElement('div');
        one.innerHTML = html;
        box.append(one);
        box.scrollTop = one.offsetTop - box.offsetTop;
      }
      seen = told.seen;
      if (told.found.length) { list(false); state(); trigger('select', {}); }
      if (!told.running) return;
    }
    await pause(told ? .4 : 4);
  }
}

// What cannot be read is told by its name.
async function filesOf(entry) {
  try { return await read(entry); } catch { return [{name: entry.name, size: 0}]; }
}

async function read(entry) {
  if (entry.isFile) return [await new Promise((found, failed) => entry.file(found, failed))];
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((read, failed) => reader.readEntries(read, failed));
    if (!some.length) return found;
    for (const one of some) if (!one.name.startsWith('.')) found.push(...await filesOf(one));
  }
}

// What was dropped has to be asked for at once: when the event is over, the items are gone.
async function dropped(items) {
  const entries = [...items].filter(item => item.kind === 'file').map(item => item.webkitGetAsEntry() || item.getAsFile()).filter(Boolean);
  const found = [];
  for (const entry of entries) found.push(...entry instanceof File ? [entry] : await filesOf(entry));
  send(found);
}

function hasFiles(event) { return event.dataTransfer && [...event.dataTransfer.types].includes('Files'); }
function over(on) { element.querySelector('.tools').classList.toggle('over', on); }

let waiting = 0;
form.addEventListener('input', () => { page = 0; clearTimeout(waiting); waiting = setTimeout(list, 200, true); });
form.addEventListener('submit', event => event.preventDefault());
element.querySelector('input[type=file]').addEventListener('change', event => {
  send([...event.target.files]);
  event.target.value = '';
});

document.addEventListener('dragover', event => { if (hasFiles(event)) { event.preventDefault(); over(true); } });
document.addEventListener('dragleave', event => { if (!event.relatedTarget) over(false); });
document.addEventListener('drop', event => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  over(false);
  dropped(event.dataTransfer.items);
});

document.addEventListener('click', event => {
  const at = name => event.target.closest(name);
  const link = at('a.entry'), button = at('#articles .pages button');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    opener = link;
    open(idOf(link), true);
  } else if (button) {
    page = Number(button.dataset.page);
    list(true).then(() => $('articles', 'a.entry').focus());
  } else if (at('#side .back') || at('#side .close')) back(true);
  else if (at('#side .remove')) remove();
  else if (at('#side .check')) check();
  else if (at('#finder .about')) about(at('#finder .about'));
});

// Arrows go from article to article, / to the search, Esc back to the list.
document.addEventListener('keydown', event => {
  const typing = event.target.closest('input, select, textarea');
  const links = [...document.querySelectorAll('#articles a.entry')], at = links.indexOf(document.activeElement);
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (event.key === 'Escape') { if (document.getElementById('side').classList.contains('open')) back(true); }
  else if (event.key === '/' && !typing) { event.preventDefault(); form.elements.find.focus(); }
  else if (step && at >= 0 && links[at + step]) { event.preventDefault(); links[at + step].focus(); }
  else if (event.key === 'ArrowDown' && event.target === form.elements.find && links.length) { event.preventDefault(); links[0].focus(); }
});

async function restore() {
  const now = new URLSearchParams(location.search);
  for (const name of fields) form.elements[name].value = now.get(name) || (name === 'order' ? 'newest' : '');
  page = Number(now.get('page')) || 0;
  list(false);
  if (now.get('article')) open(now.get('article'), false);
  else back(false);
}

window.addEventListener('popstate', restore);
state().then(restore).then(follow);
