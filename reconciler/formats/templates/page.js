"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  const tables = [...document.querySelectorAll("table.rows")];

  const order = (row, column) => {
    const cell = row.cells[column];
    return "order" in cell.dataset ? Number(cell.dataset.order) : cell.textContent;
  };

  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : collator.compare(String(one), String(other));

  const sort = (table, heading) => {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const column = heading.cellIndex;
    const rows = [...table.tBodies[0].rows].map((row) => [order(row, column), row]);
    rows.sort((one, other) => (descending ? -1 : 1) * compare(one[0], other[0]));
    table.tBodies[0].append(...rows.map((pair) => pair[1]));
  };

  for (const table of tables) {
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading));
    }
  }

  const search = document.querySelector(".search");
  if (!search || !tables.length) return;
  const [field, count] = [search.querySelector("input"), search.querySelector("output")];
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
  let texts;

  const filter = () => {
    texts ??= rows.map((row) => row.textContent.toLowerCase());
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !words.every((word) => texts[number].includes(word));
      shown += !row.hidden;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  };

  field.addEventListener("input", filter);
  search.hidden = false;
})();
