// A comment on a line opens below it; where it is put away or said, the focus goes back to the line.
const row = (element) => element.closest("tr[data-in-place]");

export function watchLines() {
  document.addEventListener("click", open, true);
  document.addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && row(event.target)?.querySelector("textarea")) putAway(row(event.target));
  });
  document.addEventListener("htmx:afterSwap", said);
}

/** One form a line: asked for again, it is gone to. */
function open(event) {
  const link = event.target.closest?.("a[data-says]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opened = following(link).find((each) => each.querySelector("form textarea"));
  if (opened) {
    event.preventDefault();
    event.stopPropagation();
    opened.querySelector("textarea").focus();
    return;
  }
  for (const other of document.querySelectorAll("tr[data-in-place]")) {
    if (other.querySelector("textarea")?.value.trim() === "") other.remove(); // nothing was written
  }
}

function close(event) {
  const link = event.target.closest?.("a[data-closes]");
  if (!link || !row(link)) return;
  event.preventDefault();
  putAway(row(link));
}

function putAway(opened) {
  const link = lineOf(opened);
  opened.remove();
  link?.focus();
}

/** Once a comment stands, the line is where one was. */
function said(event) {
  const sent = event.detail.requestConfig?.verb === "post" && event.detail.requestConfig.path.endsWith("/lines");
  const target = sent && [...document.querySelectorAll("tr[data-in-place]")].find((each) => each.querySelector(".is-new"));
  if (!target) return;
  target.querySelector(".is-new").classList.remove("is-new");
  lineOf(target)?.focus();
}

function lineOf(opened) {
  let before = opened;
  while (before && !before.querySelector("a[data-says]")) before = before.previousElementSibling;
  return before?.querySelector("a[data-says]");
}

function following(link) {
  const found = [];
  let next = link.closest("tr").nextElementSibling;
  while (next?.matches(".remark-row")) {
    found.push(next);
    next = next.nextElementSibling;
  }
  return found;
}
