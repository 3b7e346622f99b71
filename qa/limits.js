// What is chosen to limit the questions that are asked next. It stands under the box as long as it is set, and is kept while the browser's
// tab is open; at the address of an answer it is what that answer was limited to. The names of the outlets go in as text.
const form = element.querySelector('form'), outlet = form.querySelector('select'), days = ['since', 'until'];
const chosen = element.querySelector('#chosen'), button = element.querySelector('#filter');
const KEPT = 'clippings-limits', WORDS = {outlet: 'from', since: 'since', until: 'until'};
const pairs = () => [...new FormData(form)].filter(([, value]) => value);
const named = query => [...new URLSearchParams(query)].filter(([name]) => name in WORDS || name === 'q');

function choose(found) {
  form.querySelectorAll('input[type=hidden]').forEach(one => one.remove());
  days.forEach(day => { form.elements[day].value = ''; });
  for (const [name, value] of found) {
    if (name === 'outlet') add(value);
    else form.elements[name].value = value;
  }
  draw();
}

function add(name) {
  if (pairs().some(([, value]) => value === name)) return;
  form.querySelector('label').before(Object.assign(document.createElement('input'), {type: 'hidden', name: 'outlet', value: name}));
}

function draw() {
  const found = pairs(), {since, until} = form.elements;
  chosen.querySelectorAll('.limit').forEach(one => one.remove());
  chosen.prepend(...found.map(([name, value]) => {
    const chip = Object.assign(document.createElement('button'), {type: 'button', className: 'limit', textContent: `${WORDS[name]} ${value}`});
    chip.setAttribute('aria-label', `Ask without the limit “${chip.textContent}”`);
    chip.onclick = () => { choose(pairs().filter(one => one.join() !== [name, value].join())); button.focus(); };
    return chip;
  }));
  const wrong = [since, until].some(day => day.validity.badInput) ? 'That is not a whole date.'
    : since.value && until.value && since.value > until.value ? 'The first day is after the last day.' : '';
  chosen.querySelector('.wrong').textContent = wrong;
  chosen.querySelector('.clear').hidden = !found.length;
  chosen.hidden = !found.length && !wrong;
  if (outlet.options.length) outlet.options[0].textContent = found.some(([name]) => name === 'outlet') ? 'Another outlet' : 'All outlets';
  sessionStorage.setItem(KEPT, new URLSearchParams(found));
}

function atAddress() {
  const found = named(location.search), last = found.findLastIndex(([name]) => name === 'q');
  return last >= 0 || found.length ? found.slice(last + 1) : null;
}

// The outlets are those that the archive has now.
button.onclick = async () => {
  form.hidden = !form.hidden;
  button.setAttribute('aria-expanded', !form.hidden);
  if (form.hidden) return;
  outlet.innerHTML = await server.outlets(null) || outlet.innerHTML;
  draw();
};
outlet.onchange = () => { add(outlet.value); outlet.value = ''; draw(); };
form.onsubmit = event => event.preventDefault();
days.forEach(day => ['change', 'blur'].forEach(kind => form.elements[day].addEventListener(kind, draw)));
chosen.querySelector('.clear').onclick = () => { choose([]); button.focus(); };
// On a phone the keyboard needs the room.
document.addEventListener('focusin', event => {
  if (!form.hidden && event.target.closest('#question') && matchMedia('(max-width: 820px)').matches) button.click();
});
document.addEventListener('click', event => {
  const link = event.target.closest?.('#chat a.within');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(named(link.getAttribute('href')));
}, true);
// The browser went to another answer; a citation that was opened or closed is none.
window.addEventListener('popstate', () => {
  if (document.querySelector('#question textarea').disabled) return;
  const last = [...document.querySelectorAll('#chat a.address')].at(-1);
  if (atAddress() && last?.getAttribute('href') !== location.search) choose(atAddress());
});
choose(atAddress() || named(sessionStorage.getItem(KEPT) || ''));
