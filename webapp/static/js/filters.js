// Filters above a list: addresses without the empty ones, and fields that follow Back and Forward.
export function watchFilters() {
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (!elt.matches("form[data-filters]")) return;
    for (const name of [...parameters.keys()]) if (!parameters.get(name)) parameters.delete(name);
  });
}
