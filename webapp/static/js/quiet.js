// A question that a newer one replaced, as somebody typed on, is no error: htmx would log two.
export function quietReplaced() {
  htmx.logger = (element, name, detail) => {
    const replaced = name === "htmx:sendAbort" || name === "htmx:afterRequest"; // a lost network has its own line
    if (replaced) delete detail.error;
  };
}
