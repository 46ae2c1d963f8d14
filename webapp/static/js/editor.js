// The editor: save by keyboard, no text lost by leaving the page or by a session that ended.
export function watchEditor() {
  watchUnsaved();
  document.addEventListener("keydown", saveByKey);
  document.addEventListener("click", backToText);
  document.addEventListener("click", startFrom);
  document.addEventListener("htmx:afterSwap", showReview);
  document.addEventListener("htmx:responseError", sendWhole);
}

let sent = false; // whether the browser is leaving because the form was sent
const FIELDS = "textarea:not([readonly]), input:not([type=hidden])";

/** Asks before leaving a form whose fields differ from those the page came with. */
function watchUnsaved() {
  const forms = () => document.querySelectorAll("form[data-editor], form[data-unsaved]");
  document.addEventListener("submit", (event) => {
    // What htmx sends stays on the page, so it is not saved by that.
    const leaves = !event.defaultPrevented;
    if (leaves && event.target.matches("form[data-editor], form[data-unsaved]")) sent = true;
  });
  document.addEventListener("input", () => {
    sent = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!sent && [...forms()].some(isChanged)) event.preventDefault();
  });
}

function isChanged(form) {
  if (form.hasAttribute("data-changed")) return true;
  return [...form.querySelectorAll(FIELDS)].some((field) => field.value !== field.defaultValue);
}

/** Ctrl-S, Cmd-S, or Enter in the reason: first the review, then the save. */
function saveByKey(event) {
  const byShortcut = event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey;
  const byEnter = event.key === "Enter" && event.target.id === "reason";
  if (!byShortcut && !byEnter) return;
  const form = document.querySelector("form[data-editor]");
  if (!form) return;
  event.preventDefault();
  const value = form.querySelector(".review") ? "save" : "review";
  const button = form.querySelector(`button[name=action][value=${value}]`);
  (button ?? form.querySelector("button[name=action][value=propose]")).click(); // who may not save proposes
}

/** The text is still in the page, as it was: no need to ask the server for it. */
function backToText(event) {
  if (!event.target.closest?.("[data-back-to-text]")) return;
  event.preventDefault();
  const review = document.querySelector("#review");
  review.classList.remove("review");
  review.replaceChildren();
  document.querySelector("#text").focus();
}

/** Another text takes the place of what is written; Ctrl-Z brings that back. */
function startFrom(event) {
  const from = event.target.closest?.("[data-start-from]");
  if (!from) return;
  event.preventDefault();
  const form = from.closest("form");
  showText(form);
  const text = form.querySelector("#text");
  text.focus();
  text.select();
  document.execCommand("insertText", false, document.getElementById(from.dataset.startFrom).textContent);
}

/** On a phone one pane is in sight: the one with the text, and its review. */
function showText(form) {
  const pane = form.querySelector(".panes [value=text]");
  if (pane) pane.checked = true;
}

function showReview(event) {
  if (event.detail.target.id !== "review") return;
  const review = document.querySelector("#review");
  showText(review.closest("form")); // where a phone's other pane was looked at, nothing would be seen
  review.focus({ preventScroll: true });
  review.scrollIntoView({ block: "nearest" });
}

/** A review refused for the session's sake is sent again as a whole page, which keeps the text. */
function sendWhole(event) {
  const { elt, xhr } = event.detail;
  if (!elt.matches("form[data-editor] button") || ![400, 401].includes(xhr.status)) return;
  const form = elt.form;
  sent = true;
  form.submit();
}
