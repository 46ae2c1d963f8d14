// Drafts: what is typed stays in this browser, for this account and prompt, until it is saved or discarded.
const WAIT = 300; // milliseconds after the last key
const KEPT = 30 * 86_400_000; // milliseconds; what is older goes
const FIELDS = ["text", "notes", "tags", "reason"];
const PREFIX = "draft ";
const timers = new WeakMap();

export function watchDrafts() {
  forgetOld();
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.matches("[data-draft]")) return;
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(keep, WAIT, form));
  });
  window.addEventListener("pagehide", keepAll);
  document.addEventListener("visibilitychange", () => document.hidden && keepAll());
  document.addEventListener("click", (event) => event.target.matches?.("[data-discard]") && discard(event.target));
  document.addEventListener("htmx:afterSettle", offerAll);
  document.addEventListener("DOMContentLoaded", offerAll); // htmx is listening to the fields by then
}

const forms = () => document.querySelectorAll("form[data-draft]");
const place = (form) => PREFIX + form.dataset.draft;
const fieldsOf = (form) => FIELDS.map((name) => form.elements.namedItem(name));

function keepAll() {
  for (const form of forms()) if (timers.has(form)) keep(form);
}

function keep(form) {
  clearTimeout(timers.get(form));
  if (!form.isConnected) return;
  if (isAsItStands(form)) {
    localStorage.removeItem(place(form));
    return say(form, "");
  }
  const [text, notes, tags, reason] = fieldsOf(form).map((field) => field.value);
  const began = form.elements.namedItem("text").defaultValue;
  const draft = { text, notes, tags, reason, began, base: form.elements.namedItem("base").value, at: Date.now() };
  try {
    localStorage.setItem(place(form), JSON.stringify(draft));
    say(form, "Draft kept in this browser", true);
  } catch {
    say(form, "This browser has no room for a draft; save soon");
  }
}

function isAsItStands(form) {
  return !form.hasAttribute("data-changed") && fieldsOf(form).every((field) => field.value === field.defaultValue);
}

function offerAll() {
  for (const form of forms()) {
    if (form.hasAttribute("data-offered")) continue;
    form.setAttribute("data-offered", "");
    offer(form);
  }
}

/** Puts a draft back into its form, unless it says what stands, or the server just gave back something newer. */
function offer(form) {
  const draft = read(place(form));
  if (!draft || form.hasAttribute("data-changed")) return;
  const [text, notes, tags] = fieldsOf(form).map((field) => field.defaultValue);
  if (draft.text === text && draft.notes === notes && tidy(draft.tags) === tidy(tags)) {
    localStorage.removeItem(place(form));
    return;
  }
  fill(form, draft);
  form.elements.namedItem("base").value = draft.base;
  const moved = draft.began !== text ? "; the prompt changed since, and reviewing shows both" : "";
  say(form, `Your draft of ${when(draft.at)} is back${moved}`, true);
}

function discard(button) {
  const form = button.form;
  clearTimeout(timers.get(form));
  timers.delete(form);
  localStorage.removeItem(place(form));
  const base = form.elements.namedItem("base");
  base.value = base.defaultValue;
  fill(form, Object.fromEntries(fieldsOf(form).map((field) => [field.name, field.defaultValue])));
  clearTimeout(timers.get(form));
  say(form, "Draft discarded; this is what stands");
  form.elements.namedItem("text").focus();
}

function fill(form, values) {
  for (const field of fieldsOf(form)) {
    if (field.value === values[field.name]) continue;
    field.value = values[field.name];
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  clearTimeout(timers.get(form)); // nothing was typed
}

function say(form, words, mayDiscard = false) {
  const state = form.querySelector("[data-draft-state]");
  if (state.dataset.draftState === words) return;
  state.dataset.draftState = words;
  state.textContent = words;
  if (!mayDiscard) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "link", textContent: "Discard it" });
  button.dataset.discard = "";
  state.append(". ", button);
}

function read(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key));
    return found && [...FIELDS, "base", "began"].every((name) => typeof found[name] === "string") ? found : null;
  } catch {
    return null; // not ours, or storage is off
  }
}

function forgetOld() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && !(read(key)?.at > Date.now() - KEPT)) localStorage.removeItem(key);
    }
  } catch (error) {
    if (error.name !== "SecurityError") throw error; // storage is off: there are no drafts
  }
}

function tidy(tags) {
  return [...new Set(tags.split(",").map((tag) => tag.trim()).filter(Boolean))].join();
}

function when(at) {
  const day = new Date(at).toDateString() === new Date().toDateString() ? {} : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit" }).format(at);
}
