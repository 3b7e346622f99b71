// What is taken along from the Ask page, and what is kept of what a reader says. Read together with page.js, and before it.
// The text comes from the server, by the names of the quotes: what is copied or saved is what stands in the articles, without any markup.

// The spans that an answer numbers, in that order: two sources that differ stand before the quotes between them.
function cited(of) {
  return [...new Set([...of.querySelectorAll('a.cite')].sort((one, other) => one.textContent - other.textContent).map(span))];
}

// What else prints each quote.
function copies(of) {
  const own = home => [...home.querySelectorAll('a.copy')].map(span), first = of.querySelector('blockquote a.cite');
  const others = [...of.querySelectorAll('ul.quotes li')].map(item => [span(item.querySelector('a.cite')), own(item)]);
  return Object.fromEntries(first ? [[span(first), own(of.querySelector(':scope > .source'))], ...others] : []);
}

function facts(of) {
  const text = where => (of.querySelector(where) || {}).textContent || '';
  const number = where => Number(text(where).replaceAll(',', ''));
  return {
    question: text('.asked'), reason: text('.reason'), articles: number('.articles'), limits: text('.limits'), held: text('.held'), undated: number('.undated'),
    quotes: of.querySelector('blockquote') ? cited(of) : [], copies: copies(of),
  };
}

async function exported(of, form) {
  const got = await asked(server.exported({answers: of, form: form}));
  if (got && got.problem) say(got.problem);
  return got && got.text ? got.text : null;
}

async function copy(text, said) {
  if (text === null) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // the page is not on this machine and came without encryption
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    if (!done) return say('The browser does not let this page copy.');
  }
  say(said);
}

async function save() {
  const told = answers().map(facts).filter(one => one.question);
  if (!told.length) return say('There is nothing to save yet.');
  const text = await exported(told, 'markdown');
  if (text === null) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'text/markdown'}));
  link.download = `clippings-${new Date().toISOString().slice(0, 10)}.md`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say('Saved. "clippings verify" says later which quotes still stand.');
}

// A thumb that was kept stays pressed as long as the browser's tab is open.
const THUMBS = 'clippings-thumbs';
const thumbs = () => JSON.parse(sessionStorage.getItem(THUMBS) || '{}');
const key = right => answer ? `${facts(answer).question}\n${right}` : '';

function keep(of, value) {
  sessionStorage.setItem(THUMBS, JSON.stringify({...thumbs(), [of]: value}));
  label();
}

async function thumb(button) {
  const of = button.closest('.answer'), {question, quotes} = facts(of), headline = quotes[0] || '';
  const mine = `${question}\n${headline}\nthumb`, liked = thumbs()[mine] === button.value ? null : button.value === 'up';
  const got = await asked(server.noted({question, headline, right: '', liked}));
  if (!got) return;
  if (got.kept) keep(mine, liked === null ? '' : button.value);
  say(got.said);
}

// The sentence that is marked; or what is selected in the article, in characters as the archive counts them.
function sentence() {
  const chosen = getSelection(), article = part('reader').querySelector('article');
  if (!article || chosen.isCollapsed || !article.contains(chosen.anchorNode) || !article.contains(chosen.focusNode)) return opened;
  const range = chosen.getRangeAt(0);
  const offset = (node, at) => {
    const paragraph = (node.nodeType === 1 ? node : node.parentElement).closest('p[data-start]');
    if (!paragraph) return null;
    const before = document.createRange();
    before.setStart(paragraph, 0);
    before.setEnd(node, at);
    return Number(paragraph.dataset.start) + [...before.toString()].length;
  };
  const start = offset(range.startContainer, range.startOffset), end = offset(range.endContainer, range.endOffset);
  return start === null || end === null ? opened : `${article.dataset.version}:${start}-${end}`;
}

async function right() {
  const {question, quotes} = facts(answer), chosen = sentence(), mine = key(chosen);
  const got = await asked(server.noted({question, headline: quotes[0] || '', right: chosen, liked: thumbs()[mine] ? null : true}));
  if (!got) return;
  if (got.kept) keep(mine, thumbs()[mine] ? '' : 'right');
  say(got.said);
  place();
}
