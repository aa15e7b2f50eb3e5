// Pictures open large: photo, map and outlines as layers, from the templates that the page brings along.
// Without script, or for pictures that the page does not hold, the links lead to the sheets beside it.
(() => {
  const dialog = document.getElementById("large");
  if (!dialog || !dialog.showModal) return;
  const stage = dialog.querySelector(".stage");
  const board = dialog.querySelector(".board");
  const words = dialog.querySelector(".caption");
  const count = dialog.querySelector(".position");
  const zoom = dialog.querySelector("[data-do=zoom]");
  let links = [];
  let at = 0;
  let enlarged = false;

  const templateOf = (link) => document.getElementById(`large-${link.dataset.large}`);

  // Once each, in the order of the place it was opened from; in the table those that the filter leaves, on every page.
  const around = (link) => {
    const scope = link.closest("table") ? "#table tr:not(.out) a.zoom" : "#gallery a.zoom";
    const one = new Map();
    for (const other of document.querySelectorAll(scope))
      if (templateOf(other) && !one.has(other.dataset.large)) one.set(other.dataset.large, other);
    return [...one.values()];
  };

  const fit = (x = 0.5, y = 0.5) => {
    const { width, height, nativeWidth } = board.dataset;
    if (!width) return;
    const fitting = Math.min(stage.clientWidth / width, stage.clientHeight / height);
    const scale = enlarged ? Math.max(2.5 * fitting, nativeWidth / width) : fitting;
    board.style.width = `${Math.floor(width * scale)}px`;
    board.style.height = `${Math.floor(height * scale)}px`;
    stage.classList.toggle("enlarged", enlarged);
    zoom.setAttribute("aria-pressed", enlarged);
    stage.scrollLeft = x * board.offsetWidth - stage.clientWidth / 2;
    stage.scrollTop = y * board.offsetHeight - stage.clientHeight / 2;
  };

  const switchLayers = () => {
    for (const box of dialog.querySelectorAll("input[data-layer]")) {
      const layer = board.querySelector(`.${box.dataset.layer}`);
      box.parentNode.hidden = !layer;
      if (layer) layer.classList.toggle("off", !box.checked);
    }
  };

  const show = () => {
    const source = templateOf(links[at]);
    const parts = source.content.cloneNode(true);
    Object.assign(board.dataset, source.dataset);
    board.replaceChildren(...parts.querySelector(".layers").children);
    words.replaceChildren(...parts.querySelector(".words").children);
    count.textContent = `${at + 1} of ${links.length}`;
    switchLayers();
    dialog.querySelector("[data-do=back]").disabled = at === 0;
    dialog.querySelector("[data-do=next]").disabled = at === links.length - 1;
    enlarged = false;
    fit();
  };

  const step = (by) => {
    const to = at + by;
    if (to < 0 || to >= links.length) return;
    at = to;
    show();
  };

  const actions = {
    back: () => step(-1),
    next: () => step(1),
    close: () => dialog.close(),
    zoom: () => { enlarged = !enlarged; fit(); },
  };
  const keys = { ArrowLeft: "back", ArrowRight: "next", z: "zoom" };
  const layers = { m: "heat", f: "findings", t: "truth" };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.zoom");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !templateOf(link)) return;
    event.preventDefault();
    links = around(link);
    at = Math.max(0, links.findIndex((one) => one.dataset.large === link.dataset.large));
    dialog.showModal();
    show();
  });
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) actions[button.dataset.do]();
    else if (board.contains(event.target)) {
      const place = board.getBoundingClientRect();
      enlarged = !enlarged;
      fit((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
    } else if (event.target === stage) dialog.close();
  });
  dialog.addEventListener("change", switchLayers);
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in keys && !(enlarged && event.target === stage)) {
      event.preventDefault();
      actions[keys[event.key]]();
    }
    const box = event.key in layers && dialog.querySelector(`input[data-layer=${layers[event.key]}]`);
    if (box && !box.parentNode.hidden) box.click();
  });
  dialog.addEventListener("close", () => {
    board.replaceChildren();
    if (links[at]) links[at].focus({ preventScroll: !links[at].offsetHeight });
  });
  window.addEventListener("resize", () => { if (dialog.open) fit(); });
})();
