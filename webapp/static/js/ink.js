// The text of a prompt as it is typed: its variables lit up in a layer beneath the field, its length.
// Finds what prompt_repo/variables.py finds; {{name}} is a literal, so it is matched first and left.
const WORD = /\{\{[a-z][a-z0-9_]{0,63}\}\}|\{([a-z][a-z0-9_]{0,63})\}/g;

export function watchInk() {
  document.addEventListener("input", (event) => event.target.matches(".paper > textarea") && paint(event.target));
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  document.addEventListener("htmx:afterSettle", paintAll);
  paintAll();
}

function paintAll() {
  for (const field of document.querySelectorAll(".paper > textarea")) paint(field);
}

function paint(field) {
  const known = new Set(field.form.dataset.variables.split(" "));
  inkOf(field).replaceChildren(...pieces(field.value, known), "\n");
  follow({ target: field });
  tell(field);
}

function inkOf(field) {
  const beneath = field.previousElementSibling;
  if (beneath) return beneath;
  const made = document.createElement("div");
  made.className = "ink prompt";
  made.setAttribute("aria-hidden", "true");
  field.before(made);
  return made;
}

function* pieces(text, known) {
  let end = 0;
  for (const found of text.matchAll(WORD)) {
    if (!found[1]) continue;
    yield text.slice(end, found.index);
    const mark = document.createElement("mark");
    mark.className = known.has(found[1]) ? "filled" : "unfilled";
    mark.textContent = found[0];
    yield mark;
    end = found.index + found[0].length;
  }
  yield text.slice(end);
}

function follow({ target }) {
  if (!(target instanceof HTMLTextAreaElement) || !target.matches(".paper > textarea")) return;
  target.previousElementSibling.scrollTop = target.scrollTop;
}

function tell(field) {
  const said = field.form.querySelector("[data-count]");
  const characters = [...field.value].length;
  const lines = field.value ? field.value.split("\n").length : 0;
  said.textContent = `${counted(characters, "character")}, ${counted(lines, "line")}`;
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
