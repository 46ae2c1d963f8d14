// A draft that was proposed is one no longer: it goes once the change request is there.
const PROPOSED = "proposed";

export function watchProposing() {
  document.addEventListener("submit", ({ target, submitter }) => {
    const key = target.dataset?.proposes;
    if (key && submitter?.value === "open") attempt((storage) => storage.setItem(PROPOSED, key));
  });
  attempt((storage) => {
    const key = storage.getItem(PROPOSED);
    if (!key) return;
    storage.removeItem(PROPOSED);
    if (document.querySelector("[data-change-request]")) localStorage.removeItem(`draft ${key}`);
  });
}

function attempt(step) {
  try {
    step(sessionStorage);
  } catch (error) {
    if (error.name !== "SecurityError") throw error; // storage is off: there are no drafts
  }
}
