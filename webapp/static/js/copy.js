// A button that copies what it names; without a secure page it selects the text instead.
export function watchCopies() {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const source = document.getElementById(button.dataset.copies);
    source.addEventListener("focus", () => source.select());
    button.addEventListener("click", async () => {
      source.select();
      try {
        await navigator.clipboard.writeText(source.value);
        button.textContent = "Copied";
      } catch {
        button.textContent = document.execCommand("copy") ? "Copied" : "Now press Ctrl-C or ⌘C";
      }
    });
  }
}
