// The reader beside the chat. A citation is a link "#p=ARTICLE:START-END", wherever it stands; this catches the click, asks the
// server for the article with the sentence marked, and brings the mark a third of the way down the panel. Esc goes back.
const part = name => element.querySelector('.' + name);
let opener = null;

function show(reading) {
  part('sources').hidden = reading;
  part('reader').hidden = part('bar').hidden = !reading;
  document.getElementById('side').classList.toggle('open', reading);
}

function back() {
  if (part('reader').hidden) return;
  show(false);
  document.querySelectorAll('a.current').forEach(link => link.classList.remove('current'));
  if (opener && opener.isConnected) opener.focus();
  opener = null;
}

async function open(link) {
  const citation = link.getAttribute('href').slice(3);
  const html = await server.open_passage(citation);
  document.querySelectorAll('a[href^="#p="]').forEach(one => one.classList.toggle('current', one.getAttribute('href') === '#p=' + citation));
  opener = link;
  part('reader').innerHTML = html;
  show(true);
  const panel = part('panel'), mark = panel.querySelector('mark'), title = panel.querySelector('h2');
  if (title) title.focus({preventScroll: true});
  panel.scrollTop = 0;
  if (mark) panel.scrollTop = mark.getBoundingClientRect().top - panel.getBoundingClientRect().top - panel.clientHeight / 3;
}

// What was read from a question is dropped, or taken up again, and its answer given anew.
function choose(chip) {
  const answers = [...document.querySelectorAll('#chat [data-testid=bot]')];
  const number = answers.findIndex(answer => answer.contains(chip));
  if (number >= 0) trigger('select', {number: number, link: chip.getAttribute('href')});
}

function clicked(event) {
  const link = event.target.closest && event.target.closest('a[href^="#p="]');
  const chip = event.target.closest && event.target.closest('#chat a[href^="#drop="], #chat a[href^="#keep="]');
  if (link) { event.preventDefault(); event.stopPropagation(); open(link); }
  else if (chip) { event.preventDefault(); event.stopPropagation(); choose(chip); }
  else if (event.target.closest && event.target.closest('#side .back, #side .close')) back();
}

document.addEventListener('click', clicked, true);
document.addEventListener('keydown', event => { if (event.key === 'Escape') back(); });
// A new answer brings new sources: leave the article of the last one.
new MutationObserver(() => { opener = null; show(false); }).observe(part('sources'), {childList: true});
// Gradio leaves its send button without a name for screen readers.
new MutationObserver(() => document.querySelectorAll('[data-testid=submit-button]:not([aria-label])')
  .forEach(button => button.setAttribute('aria-label', 'Send question'))).observe(document.body, {childList: true, subtree: true});
