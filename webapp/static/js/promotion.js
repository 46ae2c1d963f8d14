// The promotion board: boxes that tick others, the sum, changes that open in place.
const picked = new Set(); // paths ticked so far, also where a filter took their line away

export function watchPromotion() {
  document.addEventListener("change", pick);
  document.addEventListener("click", fold, true);
  document.addEventListener("input", choose);
  document.addEventListener("htmx:afterSwap", settle);
  document.addEventListener("submit", bring, true);
  settle();
}

const board = () => document.querySelector("form[data-board]");
const boxes = (form, kind) => [...form.querySelectorAll(`input[data-picks=${kind}]`)];
const goesAlong = (box) => ["ahead", "diverged"].includes(box.closest("li").dataset.state);

/** A box for many ticks its lines; a line ticks or unticks what it is part of. */
function pick(event) {
  const box = event.target;
  const form = box.closest?.("form[data-board]");
  if (!form || !box.dataset.picks) return;
  const { picks } = box.dataset;
  if (picks !== "one") for (const one of partsOf(form, box)) one.checked = box.checked;
  agree(form, picks === "all" ? box.checked : null);
}

function partsOf(form, box) {
  const ones = boxes(form, "one").filter(goesAlong);
  if (box.dataset.picks === "group") return ones.filter((one) => one.closest("section").dataset.group === box.value);
  if (box.dataset.picks === "emotion") return ones.filter((one) => one.closest("li").dataset.emotion === box.value);
  return ones;
}

/** Makes the boxes for many agree with the lines; `whole` is what "everything" was just set to. */
function agree(form, whole) {
  for (const one of boxes(form, "one")) picked[one.checked ? "add" : "delete"](one.value);
  const all = boxes(form, "all")[0];
  const more = form.querySelector("#more-groups");
  for (const box of [...boxes(form, "group"), ...boxes(form, "emotion"), ...(all ? [all] : [])]) {
    const parts = partsOf(form, box);
    const ticked = parts.filter((one) => one.checked).length;
    const known = !more || box.dataset.picks === "group"; // whether all its lines are on the page
    if (known || ticked < parts.length) box.checked = parts.length > 0 && ticked === parts.length;
    box.indeterminate = ticked > 0 && ticked < parts.length;
    box.disabled = parts.length === 0 && known;
  }
  if (all && whole !== null) all.checked = whole;
  sum(form, all?.checked && more);
}

function sum(form, beyond) {
  const place = form.querySelector("[data-sum]");
  if (!place) return;
  place.dataset.usual ??= place.textContent;
  const hidden = picked.size - boxes(form, "one").filter((one) => one.checked).length;
  const seen = picked.size ? `${picked.size} picked` : place.dataset.usual;
  if (beyond) place.textContent = form.querySelector("[data-picks=all] + span").textContent;
  else place.textContent = hidden > 0 ? `${seen}, ${hidden} of them not shown` : seen;
}

/** After lines came or went: what was ticked is ticked again. */
function settle(event) {
  const target = event?.detail.target;
  if (target?.matches(".in-place")) {
    target.hidden = false;
    target.closest("li").querySelector("[data-opens]").setAttribute("aria-expanded", "true");
  }
  const form = board();
  if (!form || target?.matches(".in-place")) return;
  const all = boxes(form, "all")[0];
  for (const one of boxes(form, "one")) if (picked.has(one.value) || (all?.checked && goesAlong(one))) one.checked = true;
  agree(form, all ? all.checked : null);
}

/** A second click on "Changes" puts them away; what was written in them stays. */
function fold(event) {
  const link = event.target.closest?.("[data-opens]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const place = link.closest("li").querySelector(".in-place");
  if (!place.firstElementChild) return;
  event.preventDefault();
  event.stopPropagation();
  place.hidden = !place.hidden;
  link.setAttribute("aria-expanded", String(!place.hidden));
}

/** Writing in the edited text chooses it. */
function choose(event) {
  const name = event.target.dataset?.edits;
  if (!name) return;
  const radio = [...event.target.form.elements[name]].find((each) => each.value === "text");
  radio.checked = true;
}

/** Lines that a filter hides, and that were ticked, go along. */
function bring(event) {
  const form = event.target;
  if (!form.matches("form[data-board]")) return;
  const shown = new Set(boxes(form, "one").map((one) => one.value));
  for (const path of picked) {
    if (shown.has(path)) continue;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "path", value: path });
    form.append(field);
  }
}
