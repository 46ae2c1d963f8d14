// The focus, where a part of the page is replaced: on the same control of what came, or on the first of more.
const CONTROLS = "a[href], button, input, select, textarea, summary";
let lost = null;
let pressed = null;

export function keepFocus() {
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    const held = document.activeElement;
    const within = held.matches(CONTROLS) && target.contains(held);
    lost = within ? { mark: markOf(held), asksForMore: held.rel === "next" } : null;
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    pressed = elt === document.activeElement && elt.matches("[hx-disabled-elt]") ? elt : pressed;
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => {
    if (elt !== pressed) return;
    pressed = null; // while it was disabled, it could not hold the focus
    if (document.activeElement === document.body) elt.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:load", ({ target }) => {
    if (!lost || document.activeElement !== document.body) return;
    const controls = [...target.querySelectorAll(CONTROLS)];
    const found = lost.asksForMore
      ? controls.find((each) => each.matches("a")) ?? controls[0]
      : controls.find((each) => markOf(each) === lost.mark);
    if (!found) return;
    lost = null;
    found.focus({ preventScroll: true });
  });
}

/** By what a control is known again: where it leads, or what it is called. */
function markOf(control) {
  const called = control.getAttribute("aria-label") ?? control.textContent;
  return `${control.tagName} ${control.name ?? ""} ${control.getAttribute("href") ?? called}`;
}
