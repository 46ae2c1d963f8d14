// The search in the frame: what it finds as one types, chosen by arrow keys as in any combobox.
const box = () => document.querySelector("#search");
const list = () => document.querySelector("#found");
const options = () => [...list().querySelectorAll("[role=option]")];
const chosen = () => list().querySelector("[aria-selected=true]");

export function watchSearch() {
  const input = box();
  if (!input) return;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "false");
  input.addEventListener("keydown", steer);
  input.addEventListener("htmx:beforeRequest", (event) => {
    if (!input.value.trim()) {
      event.preventDefault();
      close();
    }
  });
  list().addEventListener("htmx:afterSwap", open);
  list().addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays
  document.addEventListener("focusout", (event) => {
    if (event.target === input) close();
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (document.activeElement === input) htmx.trigger(input, "focus"); // what was typed before all this was there
  });
}

function open() {
  if (document.activeElement !== box() || !options().length) return close();
  list().hidden = false;
  box().setAttribute("aria-expanded", "true");
  box().removeAttribute("aria-activedescendant");
}

function close() {
  list().hidden = true;
  chosen()?.setAttribute("aria-selected", "false");
  box().setAttribute("aria-expanded", "false");
  box().removeAttribute("aria-activedescendant");
}

function steer(event) {
  const shut = list().hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (shut) return htmx.trigger(box(), "focus");
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && !shut && chosen()) {
    event.preventDefault();
    chosen().click();
  } else if (event.key === "Escape" && !shut) {
    event.preventDefault();
    event.stopPropagation();
    close();
  }
}

/** The next option or the one before; beyond the ends lies the input itself. */
function choose(step) {
  const all = options();
  const at = all.indexOf(chosen());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  chosen()?.setAttribute("aria-selected", "false");
  const option = all[next];
  if (!option) return box().removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  box().setAttribute("aria-activedescendant", option.id);
}
