// What every page does with JavaScript; each part looks for its own marks in the page.
import { watchClips } from "./clips.js";
import { watchCopies } from "./copy.js";
import { watchDrafts } from "./drafts.js";
import { watchEditor } from "./editor.js";
import { watchFilters } from "./filters.js";
import { watchInk } from "./ink.js";
import { watchKeys } from "./keys.js";
import { watchMatrix } from "./matrix.js";
import { watchProposing } from "./proposing.js";
import { quietReplaced } from "./quiet.js";
import { watchPromotion } from "./promotion.js";
import { watchSearch } from "./search.js";
import { watchTheme } from "./theme.js";

quietReplaced();
watchTheme();
watchKeys();
watchEditor();
watchInk();
watchDrafts();
watchProposing();
watchFilters();
watchMatrix();
watchClips();
watchCopies();
watchPromotion();
watchSearch();
document.querySelector("form[data-send-at-once]")?.requestSubmit();
