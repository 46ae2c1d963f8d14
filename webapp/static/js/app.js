// What every page does with JavaScript; each part looks for its own marks in the page.
import { watchEditor } from "./editor.js";
import { watchKeys } from "./keys.js";
import { watchMatrix } from "./matrix.js";
import { watchTheme } from "./theme.js";

watchTheme();
watchKeys();
watchEditor();
watchMatrix();
document.querySelector("form[data-send-at-once]")?.requestSubmit();
