// Filters above a list: addresses without the empty ones, and what was typed before the scripts came.
export function watchFilters() {
  document.addEventListener("DOMContentLoaded", () => {
    const { activeElement: field } = document; // htmx listens to it by now
    const typed = field.matches("form[data-filters] input") && field.value !== field.defaultValue;
    if (typed) field.form.requestSubmit();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (!elt.matches("form[data-filters]")) return;
    for (const name of [...parameters.keys()]) if (!parameters.get(name)) parameters.delete(name);
  });
}
