// The matrix: arrow keys between cells, a glance at the one looked at, the editor beside the grid.
const WAIT = 120; // milliseconds a pointer rests on a cell before its glance is asked for
const BESIDE = matchMedia("(min-width: 1100px)"); // narrower windows open the whole page

let waiting; // the timer of the next glance
let asked; // what stops the glance under way
let opened; // the address of the cell whose editor stands beside the grid
const known = new Map(); // glances by address, until something is saved

export function watchMatrix() {
  document.addEventListener("keydown", moveByKey);
  document.addEventListener("focusin", lookByFocus);
  document.addEventListener("focusout", (event) => isCell(event.target) && forget());
  document.addEventListener("pointerover", lookByPointer);
  document.addEventListener("pointerout", (event) => isCell(event.target) && forget());
  document.addEventListener("scroll", forget, { capture: true, passive: true });
  document.addEventListener("click", open);
  document.addEventListener("submit", saveBeside);
  document.addEventListener("htmx:afterSwap", (event) => roam(event.detail.elt.ownerDocument));
  document.addEventListener("htmx:afterSettle", refreshRow);
  roam(document);
}

function isCell(element) {
  return element instanceof Element && element.matches(".matrix a");
}

/** One stop for the Tab key: the cell last visited, or the first. */
function roam(page) {
  const links = page.querySelectorAll(".matrix a:not([tabindex])");
  for (const link of links) link.tabIndex = -1;
  const grid = page.querySelector(".matrix");
  if (grid && !grid.querySelector("[tabindex='0']")) {
    const stop = grid.querySelector("tbody a.cell") ?? grid.querySelector("a");
    if (stop) stop.tabIndex = 0; // with boxes to tick there may be no link
  }
  current()?.setAttribute("aria-current", "true");
}

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-10, 0], PageDown: [10, 0],
};

function moveByKey(event) {
  if (event.key === "Escape" && closeBeside(event)) return;
  if (!isCell(event.target) || event.altKey || event.metaKey) return;
  const next = target(event);
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** The link that a key leads to from the one that has the focus. */
function target({ key, ctrlKey, target: from }) {
  const rows = [...from.closest("table").rows];
  const at = rows.indexOf(from.closest("tr"));
  const column = from.closest("th, td").cellIndex;
  const within = (number, last) => Math.max(0, Math.min(number, last));
  let row = at;
  let cell = column;
  if (key in STEPS && !ctrlKey) [row, cell] = [at + STEPS[key][0], column + STEPS[key][1]];
  else if (key === "Home") [row, cell] = [ctrlKey ? 1 : at, ctrlKey ? 1 : 0];
  else if (key === "End") [row, cell] = [ctrlKey ? rows.length - 1 : at, Infinity];
  else return null;
  const cells = rows[within(row, rows.length - 1)].cells;
  return cells[within(cell, cells.length - 1)].querySelector("a") ?? null;
}

function lookByFocus(event) {
  if (!isCell(event.target)) return;
  for (const link of event.target.closest("table").querySelectorAll("[tabindex='0']")) link.tabIndex = -1;
  event.target.tabIndex = 0;
  if (event.target.matches(".cell:focus-visible")) look(event.target);
}

function lookByPointer(event) {
  const cell = event.target.closest?.("a.cell");
  if (cell && event.pointerType === "mouse") look(cell);
}

function look(cell) {
  forget();
  waiting = setTimeout(() => show(cell), WAIT);
}

async function show(cell) {
  const glance = document.querySelector("#glance");
  const address = `${cell.getAttribute("href")}/glance`;
  if (!known.has(address)) {
    asked = new AbortController();
    try {
      const answer = await fetch(address, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) return; // the cell still says its state, and leads to its page
      known.set(address, await answer.text());
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
      return; // looked away, or offline
    }
  }
  glance.innerHTML = known.get(address);
  glance.hidden = false;
  cell.setAttribute("aria-describedby", "glance");
  place(glance, cell.getBoundingClientRect());
}

/** Below the cell where there is room, else above it; never beyond the window. */
function place(glance, { top, bottom, left, width }) {
  const { width: wide, height: high } = glance.getBoundingClientRect();
  const x = Math.max(8, Math.min(left + width / 2 - wide / 2, innerWidth - wide - 8));
  const y = bottom + high + 8 < innerHeight ? bottom + 4 : Math.max(8, top - high - 4);
  glance.style.translate = `${x}px ${y}px`;
}

function forget() {
  clearTimeout(waiting);
  asked?.abort();
  const glance = document.querySelector("#glance");
  if (!glance || glance.hidden) return;
  glance.hidden = true;
  document.querySelector(".cell[aria-describedby]")?.removeAttribute("aria-describedby");
}

/** A plain click or Enter on a cell opens it beside the grid, where there is room. */
function open(event) {
  if (event.target.closest?.("[data-close-beside]")) return closeBeside(event);
  const cell = event.target.closest?.("a.cell");
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!cell || !plain || !BESIDE.matches) return;
  event.preventDefault();
  if (isTyped() && !confirm("Leave what you wrote here? It is not saved.")) return;
  forget();
  current()?.removeAttribute("aria-current");
  opened = cell.getAttribute("href");
  cell.setAttribute("aria-current", "true");
  cell.tabIndex = 0;
  const beside = document.querySelector("#beside");
  beside.hidden = false;
  htmx.ajax("GET", `${cell.getAttribute("href")}/beside`, { target: beside, swap: "innerHTML" })
    .then(() => beside.querySelector("#beside-title")?.focus({ preventScroll: true }));
}

/** The cell whose editor stands beside; filters may have taken it away. */
function current() {
  return opened ? document.querySelector(`.cell[href="${CSS.escape(opened)}"]`) : null;
}

function isTyped() {
  const fields = document.querySelectorAll("#beside form textarea, #beside form input:not([type=hidden])");
  return [...fields].some((field) => field.value !== field.defaultValue);
}

/** Escape, or the button: back to the cell, unless something is written and shall be kept. */
function closeBeside(event) {
  const beside = document.querySelector("#beside");
  if (!beside || beside.hidden) return false;
  if (isTyped() && !confirm("Leave what you wrote here? It is not saved.")) return true;
  event.preventDefault();
  beside.hidden = true;
  beside.replaceChildren();
  const cell = current();
  opened = undefined;
  cell?.removeAttribute("aria-current");
  (cell ?? document.querySelector(".matrix [tabindex='0']"))?.focus();
  return true;
}

/** Saving from beside the grid stays there; what comes back is the editor as it is then. */
function saveBeside(event) {
  const { target: form, submitter } = event; // its buttons are named "action", so form.action is one
  if (!form.closest("#beside") || form.method !== "post" || event.defaultPrevented) return;
  event.preventDefault();
  const values = submitter?.name ? { [submitter.name]: submitter.value } : {};
  htmx.ajax("POST", form.getAttribute("action"), { source: form, target: "#editor", swap: "outerHTML", values });
}

/** After a save the row is drawn anew, and the message of the save is read out. */
async function refreshRow(event) {
  const { elt, requestConfig, xhr } = event.detail;
  if (requestConfig?.verb !== "post" || !elt.closest?.("#beside") || !elt.matches("#editor")) return;
  if (xhr.status !== 200) return; // a conflict, or a refusal: nothing was saved
  const address = opened;
  known.clear();
  const ident = /\/characters\/([^/]+)\/[^/]+$/.exec(address)?.[1] ?? "_defaults";
  const answer = await fetch(`${location.pathname}/rows/${ident}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  current()?.closest("tr").replaceWith(fresh.querySelector("template").content.querySelector("tr"));
  roam(document);
  const beside = await fetch(`${address}/beside`, { headers: { "HX-Request": "true" } });
  if (!beside.ok) return;
  const head = new DOMParser().parseFromString(await beside.text(), "text/html");
  document.querySelector(".beside-head")?.replaceWith(head.querySelector(".beside-head"));
  document.querySelector("#beside-status")?.replaceChildren(...fresh.querySelector("[role=status]").childNodes);
  document.querySelector("#beside-title")?.focus({ preventScroll: true });
}
