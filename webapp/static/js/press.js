// A press lasts a while: what is watched is not drawn anew under the pointer, which would lose the click.
let pressed = null;

export function holdPressed() {
  addEventListener("pointerdown", ({ target }) => (pressed = target), { capture: true });
  addEventListener("pointerup", () => setTimeout(() => (pressed = null)), { capture: true }); // its click comes first
  addEventListener("pointercancel", () => (pressed = null), { capture: true });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const watches = detail.elt.getAttribute("hx-trigger")?.includes("every ");
    if (watches && pressed && detail.target.contains(pressed)) detail.shouldSwap = false; // the next look has it
  });
}
