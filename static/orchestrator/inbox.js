/* What only the inbox's pages do; they work without it. Listeners sit on the document, as in ui.js. */
(() => {
  "use strict";
  /* A table that is judged row by row: j and k move, a digit decides and moves on. */
  const groups = (table) => [...table.querySelectorAll("[role=radiogroup]")];
  const enter = (group) => (group?.querySelector("input:checked") || group?.querySelector("input"))?.focus();
  document.addEventListener("keydown", (event) => {
    const table = event.target.closest("[data-rows]"), group = event.target.closest("[role=radiogroup]");
    if (!table || !group || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = groups(table), at = all.indexOf(group), number = Number(event.key);
    const step = { j: 1, k: -1 }[event.key] || 0, choice = number && group.querySelectorAll("input")[number - 1];
    if (!step && !choice) return;
    event.preventDefault();
    if (choice) choice.click();
    enter(all[at + (step || 1)]);
  });
  document.addEventListener("change", (event) => {
    const table = event.target.closest("[data-rows]"), group = event.target.closest("[role=radiogroup]");
    if (!table || !group) return;
    group.closest("tr").classList.remove("is-left");
    table.querySelector("[data-decided]").textContent = groups(table).filter((one) => one.querySelector("input:checked")).length;
  });
})();
