// The browser's part of the Ask page. A citation is a link "#p=ARTICLE.VERSION:START-END", wherever it stands; this catches the click, asks
// the server for the article with the sentence marked, and brings the mark a third of the way down the panel. The address of the page is
// that of the last answer, and of the citation that is open. keep.js has what can be taken along.
const part = name => element.querySelector('.' + name);
const chat = () => document.getElementById('chat');
const answers = () => [...document.querySelectorAll('#chat .answer')];
const span = link => link.getAttribute('href').slice(3);
const inAddress = () => location.hash.startsWith('#p=') ? location.hash.slice(3) : '';
const here = hash => location.pathname + location.search + hash;  // the page has a base, and an address alone would be one of that
// What was clicked to open the article, the answer it belongs to, the span that is open; whether someone is at it, or it is still coming
// back; the address of the last answer.
let opener = null, answer = null, opened = '', used = false, told = null;

// ---- what is said to everyone, and to screen readers

function say(text, aloud = true, link = null) {
  const status = document.getElementById('status');
  status.replaceChildren(text, link || '');
  status.classList.toggle('shown', aloud);
  clearTimeout(say.timer);
  if (aloud && !link) say.timer = setTimeout(() => status.classList.remove('shown'), 4000);
}

async function asked(call) {
  const got = await call;  // undefined where there was no answer: gradio tells no more
  if (got === undefined && !await left()) say('The archive does not answer. Is Clippings still running?');
  return got === undefined ? null : got;
}

async function left() {
  const link = await loggedOut();
  if (link) say('You are not logged in any more. ', true, link);
  return link;
}

// ---- the article beside the chat

function show(reading) {
  part('sources').hidden = reading;
  part('shelf').href = `library?article=${opened.split('.')[0]}`;
  part('reader').hidden = part('top').hidden = part('bottom').hidden = !reading;
  document.getElementById('side').classList.toggle('open', reading);
  document.querySelectorAll('a[href^="#p="]').forEach(one => one.classList.toggle('current', reading && span(one) === opened));
}

function quotes(of) {
  return of ? [...new Set([...cited(of), ...[...of.querySelectorAll('a[href^="#p="]')].map(span)])] : [];
}

function place() {
  if (!answer || !answer.isConnected) answer = answers().reverse().find(one => quotes(one).includes(opened)) || null;
  const all = quotes(answer), at = all.indexOf(opened);
  part('place').textContent = at < 0 ? '' : `${at + 1} of ${all.length}`;
  part('previous').disabled = at < 1;
  part('next').disabled = at < 0 || at > all.length - 2;
  part('right').hidden = !answer;
  part('right').setAttribute('aria-pressed', Boolean(thumbs()[key(opened)]));
}

async function open(id, from) {
  const turn = open.turn = (open.turn || 0) + 1, html = await asked(server.open_passage(id));
  if (html === null || turn !== open.turn) return;
  const own = from && from.closest('.answer');
  const cards = own && own !== answer ? await asked(server.sources({quotes: cited(own), question: facts(own).question})) : null;
  if (turn !== open.turn) return;
  if (own) answer = own;
  if (cards !== null) part('sources').innerHTML = cards;
  if (from) opener = from;
  if (opened) history.replaceState(history.state, '', here('#p=' + id));
  else if (inAddress() !== id) history.pushState({reader: true}, '', here('#p=' + id));
  opened = id;
  part('reader').innerHTML = html;
  show(true);
  place();
  const view = part('scroll'), mark = view.querySelector('mark'), title = view.querySelector('h2[tabindex]');
  if (title) title.focus({preventScroll: true});
  view.scrollTop = 0;
  if (mark) view.scrollTop = mark.getBoundingClientRect().top - view.getBoundingClientRect().top - view.clientHeight / 3;
}

function close() {
  open.turn = (open.turn || 0) + 1;  // what is still on its way is not opened either
  if (!opened) return;
  opened = '';
  show(false);
  if (opener && opener.isConnected) opener.focus();
  opener = null;
}

function leave() {
  if (inAddress()) history.replaceState({}, '', here(''));
  close();
}

function back() {
  if (opened && history.state && history.state.reader) history.back();
  else leave();
}

function step(by) {
  const all = quotes(answer), to = all[all.indexOf(opened) + by];
  if (opened && all.includes(opened) && to) open(to);
}

// ---- what the page listens to

// While an answer is made, and before the conversation is back: two at once would each write its own history over the other's.
const busy = () => document.querySelector('#question textarea').disabled;

function act(of, link) {
  if (busy()) return say('An answer is being made: wait for it.');
  trigger('select', {address: of === null ? link : null, number: of === null ? 0 : answers().indexOf(of), link: link});
}

// A question goes back into the box, to be asked again or otherwise.
function edit(of) {
  if (busy()) return say('An answer is being made: wait for it.');
  const copy = of.cloneNode(true), box = document.querySelector('#question textarea');
  copy.querySelectorAll('.within').forEach(one => one.remove());
  box.value = copy.textContent.trim();
  box.dispatchEvent(new Event('input', {bubbles: true}));
  box.focus();
}

const CLICKS = {
  'a[href^="#p="]': link => open(span(link), link),
  '#chat .answer a[href^="#drop="], #chat .answer a[href^="#keep="]': link => act(link.closest('.answer'), link.getAttribute('href')),
  '#chat .answer a.address': link => copy(new URL(link.getAttribute('href'), location.href).href, 'Link copied.'),
  '#chat .answer button[name=copy]': async button => copy(await exported([facts(button.closest('.answer'))], button.value), 'Copied.'),
  '#chat .answer button[name=thumb]': thumb,
  '#side .back, #side .close': back,
  '#side .previous': () => step(-1),
  '#side .next': () => step(1),
  '#side .one': async () => copy(await exported([{question: '', reason: '', articles: 0, limits: '', held: '', undated: 0, quotes: [opened], copies: {}}], 'footnote'), 'Copied.'),
  '#side .right': right,
  '#chat button.edit': button => edit(button.parentElement),
  '#save': save,
};

document.addEventListener('click', event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || !event.target.closest) return;
  for (const [what, does] of Object.entries(CLICKS)) {
    const found = event.target.closest(what);
    if (!found) continue;
    event.preventDefault();
    event.stopPropagation();
    return does(found);
  }
}, true);
document.addEventListener('keydown', event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key === 'Escape') back();
  else if (event.target.closest('#side') && event.key === 'ArrowLeft') step(-1);
  else if (event.target.closest('#side') && event.key === 'ArrowRight') step(1);
  else if (event.key === ' ' && event.target.matches('a[role=button]')) { event.preventDefault(); event.target.click(); }
});
window.addEventListener('popstate', () => {
  const last = answers().at(-1), link = last && last.querySelector('a.address');
  const shown = link ? link.getAttribute('href') : '';
  // An address that asks nothing, or cannot be asked now, becomes that of what is shown.
  if (link && (busy() || !location.search)) history.replaceState({}, '', location.pathname + shown + location.hash);
  else if (shown !== location.search) { used = false; act(null, location.search); }
  if (inAddress()) open(inAddress()); else close();
});

// ---- what gradio leaves out

function entitle(where, text) {
  document.querySelectorAll(where).forEach(one => { if (one.getAttribute('aria-label') !== text) one.setAttribute('aria-label', text); });
}

function label() {
  entitle('[data-testid=submit-button]', 'Ask');
  entitle('nav', 'Pages');
  entitle('#chat [data-testid=user]', 'Question');
  document.querySelectorAll('#chat [data-testid=user]:not(:has(.edit))').forEach(one => {
    one.append(Object.assign(document.createElement('button'), {type: 'button', className: 'edit', title: 'Ask again, or otherwise'}));
  });
  entitle('#chat .edit', 'Ask this again, or otherwise');
  entitle('#chat [data-testid=bot]', 'Answer');  // it had the whole message there, with its markup
  document.querySelectorAll('#chat [data-testid=user], #chat [data-testid=bot]').forEach(one => one.setAttribute('role', 'article'));
  document.querySelectorAll('#chat [role=log]').forEach(log => log.setAttribute('aria-live', 'off'));
  document.querySelectorAll('#chat a.cite').forEach(link => link.setAttribute('aria-label', `Quote ${link.textContent}, ${link.title}`));
  answers().forEach(of => {
    const {question, quotes} = facts(of), value = thumbs()[`${question}\n${quotes[0] || ''}\nthumb`];
    of.querySelectorAll('button[name=thumb]').forEach(one => one.setAttribute('aria-pressed', one.value === value));
  });
}

// The address of the page is that of the last answer; while a conversation is asked again its first answers have a part of it.
function settle() {
  const last = answers().at(-1), link = last && last.querySelector('a.address'), query = link && link.getAttribute('href');
  const problem = last && last.querySelector('.problem'), now = problem ? `${answers().length} ${problem.textContent}` : query;
  if (!last) told = null;
  if (!now || now === told) return;
  told = now;
  if (query && query !== location.search && !location.search.startsWith(query + '&q=')) {
    history[used ? 'pushState' : 'replaceState']({}, '', location.pathname + query + location.hash);
  }
  tell(last);
}

function tell(last) {
  const text = where => (last.querySelector(where) || {}).textContent, quote = text('blockquote .quote'), problem = text('.problem');
  const more = last.querySelectorAll('ul.quotes a.cite').length, others = more ? ` ${more} more quote${more > 1 ? 's' : ''}.` : '';
  if (problem) say(problem, false);
  else if (quote) say(`${quote} ${text('.source')}.${others}`, false);
  else say(`The archive does not say: ${text('.reason')}.`, false);
}

// A long answer would push its own question out of sight, and an article of the last one is not of this one.
function rise() {
  const questions = [...document.querySelectorAll('#chat [data-testid=user]')], last = questions.at(-1);
  const log = document.querySelector('#chat [role=log]'), more = questions.length > (rise.questions || 0);
  const state = `${questions.length} ${answers().length} ${answers().at(-1)?.querySelector('.tools') ? 1 : 0}`;
  if (!last || state === rise.state) return;
  rise.state = state;
  rise.questions = questions.length;
  log.scrollTop += last.getBoundingClientRect().top - log.getBoundingClientRect().top;
  if (more && used) leave();
}

// The panel is drawn again with the quotes of a new answer.
function redrawn() {
  answer = null;
  part('scroll').scrollTop = 0;
  settle();
  if (inAddress()) open(inAddress());
  else if (opened) close();
}

document.addEventListener('failed', left);
document.addEventListener('click', event => {
  if (event.target.closest('#new')) { leave(); history.pushState({}, '', location.pathname); }
});
['pointerdown', 'keydown'].forEach(kind => document.addEventListener(kind, () => { used = true; }, true));
new MutationObserver(records => {
  label();
  if (records.some(record => chat()?.contains(record.target))) { settle(); rise(); if (opened) place(); }
}).observe(document.body, {childList: true, subtree: true});
watch('value', redrawn);
label();
settle();
if (inAddress()) open(inAddress());
