// Print: everything open, and tables with many columns in smaller letters, so that nothing is cut.

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.fold:not([open])")];
  for (const details of opened) details.open = true;
  for (const table of document.querySelectorAll("main table")) {
    table.style.setProperty("--columns", table.rows[0]?.cells.length ?? 1);
  }
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
