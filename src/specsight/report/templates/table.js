"use strict";
// Filter, sort and page the table of all pictures. Without script the whole table stands there.
(() => {
  const PAGE = 100;
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const all = [...body.rows];
  const text = document.getElementById("filter-text");
  const verdict = document.getElementById("filter-verdict");
  const truth = document.getElementById("filter-truth");
  const named = document.getElementById("filter-named");
  const view = document.getElementById("view");
  const pager = document.querySelector(".pager");
  let page = 0;

  const matches = (row) =>
    (!text || row.textContent.toLowerCase().includes(text.value.trim().toLowerCase())) &&
    (!verdict || !verdict.value || row.dataset.verdict === verdict.value) &&
    (!truth || !truth.value || row.dataset.types.split("\n").includes(truth.value)) &&
    (!named || !named.value || row.dataset.named.split("\n").includes(named.value));

  const show = () => {
    const kept = all.filter(matches);
    const pages = Math.max(1, Math.ceil(kept.length / PAGE));
    page = Math.min(page, pages - 1);
    const inside = new Set(kept);
    const visible = new Set(pager ? kept.slice(page * PAGE, (page + 1) * PAGE) : kept);
    for (const row of all) {
      row.hidden = !visible.has(row);
      row.classList.toggle("out", !inside.has(row));
    }
    const count = document.getElementById("filter-count");
    if (count) count.textContent = `${kept.length} of ${all.length} pictures`;
    if (!pager) return;
    pager.hidden = pages === 1;
    document.getElementById("page-now").textContent = `page ${page + 1} of ${pages}`;
    document.getElementById("page-back").disabled = page === 0;
    document.getElementById("page-next").disabled = page === pages - 1;
  };

  const value = (row, index, kind) => {
    const cell = row.cells[index];
    if (kind === "number") return Number(cell.dataset.value ?? parseFloat(cell.textContent));
    return cell.textContent.trim().toLowerCase();
  };

  const sort = (head, index) => {
    const falling = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const kind = head.dataset.sort;
    all.sort((a, b) => {
      const [x, y] = [value(a, index, kind), value(b, index, kind)];
      const order = kind === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true });
      return falling ? -order : order;
    });
    body.append(...all);
    restart();
  };

  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head, index));
  });
  const restart = () => {
    page = 0;
    show();
  };
  if (text) text.addEventListener("input", restart);
  for (const choice of [verdict, truth, named]) if (choice) choice.addEventListener("change", restart);
  if (pager) {
    document.getElementById("page-back").addEventListener("click", () => { page -= 1; show(); });
    document.getElementById("page-next").addEventListener("click", () => { page += 1; show(); });
  }
  if (view) view.addEventListener("change", () => table.classList.toggle("grid", view.value === "pictures"));
  const controls = document.querySelector(".controls");
  if (controls) controls.hidden = false;
  show();
})();
