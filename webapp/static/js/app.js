// What every page does with JavaScript; each part looks for its own marks in the page.
import { watchCopies } from "./copy.js";
import { watchEditor } from "./editor.js";
import { watchFilters } from "./filters.js";
import { watchKeys } from "./keys.js";
import { watchMatrix } from "./matrix.js";
import { quietReplaced } from "./quiet.js";
import { watchSearch } from "./search.js";
import { watchTheme } from "./theme.js";

quietReplaced();
watchTheme();
watchKeys();
watchEditor();
watchFilters();
watchMatrix();
watchCopies();
watchSearch();
document.querySelector("form[data-send-at-once]")?.requestSubmit();
