// What every page says where its server did not answer because nobody is logged in any more: a link to do so, and to come back. Else null.
async function loggedOut() {
  if (await fetch('/gradio_api/app_id').then(answer => answer.status, () => 0) !== 401) return null;
  const link = document.createElement('a');
  link.href = '/login?next=' + encodeURIComponent(location.pathname + location.search + location.hash);
  link.textContent = 'Log in again';
  return link;
}
