"use strict";
// The page of a line: shows the newest part at once, keeps an older one on screen as long as it is looked at, and covers
// every verdict as soon as it hears nothing of the line any more.
(() => {
  const SILENT = 5000, MOST = 24, SLIP = 400, STAY = 6000, PATIENCE = 400; // ms; MOST: parts of the queue
  const find = (id) => document.getElementById(id);
  const live = find("live"), stage = find("stage"), body = document.body;
  const now = () => performance.now();
  let heard = now(), held = false, byItself = false, missed = 0, changed = -SLIP, turn = 0, timer = 0;

  // ---- connection

  const cover = (lost) => {
    if (!find("lost")) return; // a page that follows no line
    find("lost").hidden = !lost;
    body.classList.toggle("lost", lost);
  };
  const found = () => { if (!document.querySelector("[data-problem]")) cover(false); };
  setInterval(() => { if (now() - heard > SILENT) cover(true); }, 500);
  for (const name of ["htmx:sseError", "htmx:sseClose", "htmx:sendError"]) body.addEventListener(name, () => cover(true));
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  window.addEventListener("offline", () => cover(true));

  // ---- times by this machine's clock, in the language of the page

  const day = { year: "numeric", month: "2-digit", day: "2-digit" }, hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const forms = { clock: hour, time: { ...hour, second: "2-digit" }, moment: { ...day, ...hour, second: "2-digit" } };
  const tongue = { en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang;
  const times = (root) => {
    for (const one of root.querySelectorAll("time[data-show]")) {
      one.textContent = new Intl.DateTimeFormat(tongue, forms[one.dataset.show]).format(new Date(one.dateTime));
      delete one.dataset.show;
    }
  };
  times(document);
  body.addEventListener("htmx:load", (event) => times(event.target));

  // A picture that cannot be shown (of a part that could not be read, or kept no longer) leaves its place empty.
  document.addEventListener("error", (event) => { if (event.target.matches("img")) event.target.style.visibility = "hidden"; }, true);
  for (const one of document.images) if (one.complete && !one.naturalWidth && one.loading !== "lazy") one.style.visibility = "hidden";

  // ---- opacity of the map

  const heat = find("heat");
  if (heat) {
    const show = () => document.documentElement.style.setProperty("--heat", heat.value / 100);
    heat.value = localStorage.getItem("heat") || heat.value;
    show();
    heat.addEventListener("input", () => { show(); localStorage.setItem("heat", heat.value); });
    document.addEventListener("keydown", (event) => {
      if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || !"+-".includes(event.key)) return;
      heat.value = Number(heat.value) + (event.key === "+" ? 10 : -10);
      heat.dispatchEvent(new Event("input"));
    });
  }

  // ---- why a review was not taken

  const said = (event) => event.target.closest && event.detail.requestConfig.verb === "post";
  body.addEventListener("htmx:afterRequest", (event) => {
    const trouble = find("trouble");
    if (!trouble || !said(event)) return;
    let words = event.detail.xhr.statusText || "…";
    try { words = JSON.parse(event.detail.xhr.responseText).detail; } catch { /* not ours */ }
    trouble.textContent = words;
    trouble.hidden = event.detail.successful;
  });

  // ---- the overview of all lines

  const tiles = find("tiles");
  if (tiles) {
    let last = "";
    tiles.addEventListener("htmx:beforeSwap", (event) => {
      if (event.detail.xhr.status !== 200) { cover(true); return; }
      heard = now();
      event.detail.shouldSwap = event.detail.serverResponse !== last;
      last = event.detail.serverResponse;
      if (last.includes("data-problem")) cover(true); else cover(false);
    });
  }
  if (!live) return;

  // ---- the newest part

  const pane = () => stage.querySelector(".pane");
  const say = () => { if (pane()) find("said").textContent = pane().dataset.said; };
  // Swapped when its pictures are there, so that nothing flickers; a newer one, or a hold, goes before it.
  const show = async (html) => {
    const mine = ++turn, template = document.createElement("template");
    template.innerHTML = html;
    const loaded = [...template.content.querySelectorAll(".layers img")].map((one) => {
      const image = new Image();
      image.src = one.getAttribute("src");
      return image.decode().catch(() => {});
    });
    await Promise.race([Promise.all(loaded), new Promise((done) => setTimeout(done, PATIENCE))]);
    if (held || mine !== turn) return;
    htmx.swap(stage, html, { swapStyle: "innerHTML" });
    changed = now();
    say();
  };

  let coming = Promise.resolve();
  body.addEventListener("htmx:sseBeforeMessage", (event) => {
    heard = now();
    const kind = event.target.getAttribute("sse-swap");
    if (kind === "pane") {
      event.preventDefault();
      if (held) { missed += 1; tell(); } else coming = show(event.detail.data);
    }
  });
  body.addEventListener("htmx:sseMessage", (event) => {
    const kind = event.target.getAttribute("sse-swap");
    if (kind === "state") {
      if (document.querySelector("[data-problem]")) cover(true); else coming.then(found);
    } else {
      const thumbs = find("queue").querySelectorAll("li");
      for (const one of [...thumbs].slice(MOST)) one.remove();
      mark();
    }
  });

  // ---- an older part, as long as it is looked at

  const tell = () => {
    body.classList.toggle("held", held);
    find("go-live").hidden = !held;
    find("hold").setAttribute("aria-pressed", held);
    find("missed").textContent = missed ? `+${missed}` : "";
  };
  const mark = () => {
    const id = pane() && pane().dataset.id;
    for (const one of find("queue").querySelectorAll("li")) {
      const link = one.querySelector("a");
      if (one.dataset.id === id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  };
  const hold = (itself) => {
    if (!held) { missed = 0; byItself = itself; } else if (!itself) byItself = false;
    held = true;
    clearTimeout(timer);
    tell();
  };
  const release = () => {
    held = false; missed = 0;
    clearTimeout(timer);
    tell();
    const newest = find("queue").querySelector("li");
    if (!newest || (pane() && pane().dataset.id === newest.dataset.id && !pane().querySelector("[data-done]"))) return;
    fetch(live.dataset.pane + newest.dataset.id).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer))).then(show).then(mark).catch(() => cover(true));
  };
  find("hold").addEventListener("click", () => { if (held) release(); else hold(false); });
  find("go-live").addEventListener("click", release);
  find("queue").addEventListener("click", (event) => { if (event.target.closest("a")) hold(false); });
  stage.addEventListener("htmx:afterSwap", () => { if (pane()) { mark(); say(); } });

  // The part's place in the queue is swapped, too, as long as it has one.
  stage.addEventListener("htmx:configRequest", (event) => {
    if (pane() && find(`thumb-${pane().dataset.id}`)) event.detail.parameters.queued = "1";
  });

  // Who reaches for a button holds the part that is shown. A part that came within a moment before the finger was not
  // meant: it is held, and the press does nothing.
  stage.addEventListener("pointerdown", (event) => { if (event.target.closest(".actions")) hold(true); });
  stage.addEventListener("click", (event) => {
    if (!event.target.closest(".actions")) return;
    hold(true);
    if (now() - changed < SLIP) { event.preventDefault(); event.stopPropagation(); }
  }, true);
  // A moment to undo, then on with the line.
  body.addEventListener("htmx:afterRequest", (event) => {
    if (said(event) && event.detail.successful && byItself) timer = setTimeout(release, STAY);
  });

  // ---- keys: through the queue, out of the menu

  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.altKey || event.metaKey) return;
    const open = stage.querySelector("details[open]");
    if (event.key === "Escape" && open) {
      open.open = false;
      open.querySelector("summary").focus();
      event.stopPropagation();
      if (byItself) release();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...find("queue").querySelectorAll("li")];
    const place = all.findIndex((one) => pane() && one.dataset.id === pane().dataset.id);
    const next = all[place + step];
    if (next) next.querySelector("a").click(); else if (place === 0) release();
  }, true);
  mark();
})();
