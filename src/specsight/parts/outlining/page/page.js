"use strict";
// One picture, its parts and their shapes. Shapes are those of the specification's YAML: {polygon}, {ring}, {ellipse}.
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const CLOSE_BY = 9; // screen pixels around the first point that close a polygon
const HELP = {
  polygon: "Click point after point. A click on the first point, a double click or Enter closes the shape; Backspace takes the last point back, Escape all.",
  ring: "Press on the centre and drag to the outer circle. Then drag the inner handle out, or type the inner radius: 0 is a disc.",
  ellipse: "Press on the centre and drag out. The handles change the radii and turn it.",
  change: "Click a shape to choose it, drag it to move it, drag its handles to change it. Delete removes it.",
};
let state, chosen = 0, selected = -1, tool = "polygon", draft = null, drag = null, past = [], saved = "", filed = [], zoom = 1;

const round = (value) => Math.round(value * 10) / 10;
const point = (x, y) => [round(x), round(y)];
const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const colour = (index) => `rgb(${state.colours[index % state.colours.length].join(",")})`;
// What is saved: parts with their shapes, and null for those of the file that were removed here.
const outlines = () => Object.fromEntries([...filed.map((name) => [name, null]), ...state.parts.map((part) => [part.name, part.outline])]);
const part = () => state.parts[chosen];
const shape = () => part()?.outline[selected];
const unit = () => state.size[0] / byId("drawing").getBoundingClientRect().width; // picture pixels in one screen pixel

function element(name, attributes = {}, ...children) {
  const made = name in { path: 0, circle: 0 } ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key === "text" ? (made.textContent = value) : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function remember() {
  past.push(JSON.stringify([state.parts, chosen, selected]));
  byId("undo").disabled = false;
}

function say(text, kind = "") {
  byId("status").textContent = text;
  byId("status").className = kind;
}

// How a shape is drawn.
function ellipsePath([x, y], [rx, ry], degrees) {
  const turn = (degrees * Math.PI) / 180, dx = rx * Math.cos(turn), dy = rx * Math.sin(turn);
  return `M${x - dx},${y - dy}A${rx},${ry} ${degrees} 1 1 ${x + dx},${y + dy}A${rx},${ry} ${degrees} 1 1 ${x - dx},${y - dy}Z`;
}
function pathOf(given) {
  if (given.polygon) return `M${given.polygon.map((p) => p.join(",")).join("L")}Z`;
  if (given.ellipse) return ellipsePath(given.ellipse.centre, given.ellipse.radii, given.ellipse.angle || 0);
  const { centre, outer, inner = 0 } = given.ring;
  return ellipsePath(centre, [outer, outer], 0) + (inner > 0 ? ellipsePath(centre, [inner, inner], 0) : "");
}

// The handles of a shape: where each is, and what dragging it does.
function handlesOf(given) {
  if (given.polygon) return given.polygon.map((at, k) => ({ at, move: (to) => { given.polygon[k] = to; } }));
  if (given.ring) {
    const ring = given.ring, [x, y] = ring.centre;
    return [
      { at: ring.centre, move: (to) => { ring.centre = to; } },
      { at: [x + ring.outer, y], move: (to) => { ring.outer = Math.max(round(apart(to, ring.centre)), round((ring.inner || 0) + 1)); } },
      { at: [x - Math.max(ring.inner || 0, 16 * unit()), y], move: (to) => {
        const radius = apart(to, ring.centre);
        ring.inner = radius < 6 * unit() ? 0 : Math.min(round(radius), round(ring.outer - 1));
      } },
    ];
  }
  const own = given.ellipse, turn = ((own.angle || 0) * Math.PI) / 180, [x, y] = own.centre;
  return [
    { at: own.centre, move: (to) => { own.centre = to; } },
    { at: [x + own.radii[0] * Math.cos(turn), y + own.radii[0] * Math.sin(turn)], move: (to) => {
      own.radii[0] = Math.max(1, round(apart(to, own.centre)));
      own.angle = round((Math.atan2(to[1] - y, to[0] - x) * 180) / Math.PI);
    } },
    { at: [x - own.radii[1] * Math.sin(turn), y + own.radii[1] * Math.cos(turn)], move: (to) => {
      own.radii[1] = Math.max(1, round(apart(to, own.centre)));
    } },
  ];
}

function moved(given, by) {
  const to = (p) => point(p[0] + by[0], p[1] + by[1]);
  if (given.polygon) given.polygon = given.polygon.map(to);
  else (given.ring || given.ellipse).centre = to((given.ring || given.ellipse).centre);
}

function draw() {
  const drawing = byId("drawing");
  drawing.replaceChildren();
  drawing.setAttribute("class", tool === "change" ? "change" : "");
  state.parts.forEach((one, index) => one.outline.forEach((given, number) => {
    const path = element("path", { class: "shape", d: pathOf(given), "fill-rule": "evenodd", fill: colour(index), stroke: colour(index) });
    if (index === chosen && number === selected) path.classList.add("chosen");
    path.dataset.part = index;
    path.dataset.shape = number;
    drawing.append(path);
  }));
  if (draft) {
    const open = draft.points ? `M${[...draft.points, draft.cursor].map((p) => p.join(",")).join("L")}` : pathOf(draft.shape);
    drawing.append(element("path", { class: "draft", d: open, fill: colour(chosen), stroke: colour(chosen) }));
    (draft.points || []).forEach(([cx, cy], k) => drawing.append(element("circle", { class: "handle", cx, cy, r: (k ? 3 : 6) * unit(), "pointer-events": "none" })));
  } else if (shape()) {
    handlesOf(shape()).forEach(({ at: [cx, cy] }, k) => {
      const handle = element("circle", { class: "handle", cx, cy, r: 6 * unit() });
      handle.dataset.handle = k;
      drawing.append(handle);
    });
  }
}

function numbersOf(given) {
  const own = given.ring || given.ellipse;
  if (!own) return [];
  const at = (list, k) => ({ get: () => list()[k], set: (v) => { list()[k] = v; } });
  const fields = [["x", at(() => own.centre, 0)], ["y", at(() => own.centre, 1)]];
  const named = (key, start = 0) => ({ get: () => own[key] ?? start, set: (v) => { own[key] = v; } });
  return given.ring
    ? [...fields, ["outer", named("outer")], ["inner", named("inner")]]
    : [...fields, ["radius 1", at(() => own.radii, 0)], ["radius 2", at(() => own.radii, 1)], ["angle", named("angle")]];
}

function list() {
  byId("parts").replaceChildren(...state.parts.map((one, index) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = colour(index);
    const count = one.outline.length ? `${one.outline.length} shape${one.outline.length > 1 ? "s" : ""}` : "";
    const button = element("button", { type: "button", "aria-pressed": index === chosen, title: one.description || "" },
      swatch, element("span", { class: "name", text: one.name }), element("span", { class: "count", text: count }));
    button.addEventListener("click", () => { chosen = index; selected = -1; draft = null; show(); });
    return element("li", {}, button);
  }));
  byId("remove-part").disabled = !part();
  byId("chosen-name").textContent = part() ? part().name : "…";
  byId("shapes").replaceChildren(...(part()?.outline || []).map((given, number) => {
    const kind = Object.keys(given).find((key) => given[key]);
    const words = given.polygon ? `Polygon, ${given.polygon.length} points` : kind === "ring" ? (given.ring.inner ? "Ring" : "Disc") : "Ellipse";
    const choose = element("button", { type: "button", text: words });
    choose.addEventListener("click", () => { selected = number; show(); });
    const remove = element("button", { type: "button", text: "Remove", "aria-label": `Remove ${words}` });
    remove.addEventListener("click", () => { remember(); part().outline.splice(number, 1); selected = -1; show(); });
    const item = element("li", { class: number === selected ? "chosen" : "" }, element("div", { class: "head" }, choose, remove));
    const fields = number === selected ? numbersOf(given) : [];
    if (fields.length) item.append(element("div", { class: "numbers" }, ...fields.flatMap(([name, value]) => {
      const input = element("input", { type: "number", step: "0.1", value: value.get(), "aria-label": name });
      input.addEventListener("change", () => {
        if (input.value === "" || !isFinite(input.valueAsNumber)) { input.value = value.get(); return; }
        remember(); value.set(round(input.valueAsNumber)); show();
      });
      return [element("span", { text: name }), input];
    })));
    return item;
  }));
  document.querySelectorAll("[data-tool]").forEach((one) => one.setAttribute("aria-checked", one.dataset.tool === tool));
  byId("help").textContent = state.parts.length ? HELP[tool] : "Name a part first.";
  byId("save").disabled = unsaved() === false;
}
const unsaved = () => JSON.stringify(outlines()) !== saved;
function show() { draw(); list(); }

function add(given) {
  remember();
  part().outline.push(given);
  selected = part().outline.length - 1;
  draft = null;
  show();
}
function closePolygon() {
  const near = 2 * unit();
  const points = draft.points.filter((p, k) => k === 0 || apart(p, draft.points[k - 1]) > near);
  if (points.length < 3) { say("A polygon needs three points.", "bad"); return; }
  say("");
  add({ polygon: points });
}

function at(event) {
  const box = byId("drawing").getBoundingClientRect();
  const inside = (value, most) => Math.min(Math.max(value, 0), most);
  return point(inside((event.clientX - box.left) * unit(), state.size[0]), inside((event.clientY - box.top) * unit(), state.size[1]));
}

function pressed(event) {
  if (event.button !== 0) return;
  byId("drawing").focus({ preventScroll: true });
  const place = at(event), target = event.target.dataset;
  if (!draft && target.handle !== undefined) { remember(); drag = { handle: Number(target.handle) }; }
  else if (tool === "change") {
    if (target.shape === undefined) { selected = -1; show(); return; }
    chosen = Number(target.part);
    selected = Number(target.shape);
    remember();
    drag = { from: place };
    show();
  } else if (!part()) { say("Name a part first: type it below and press Add.", "bad"); return; }
  else if (tool === "polygon") {
    if (!draft) { selected = -1; draft = { points: [place], cursor: place }; }
    else if (draft.points.length > 2 && apart(place, draft.points[0]) < CLOSE_BY * unit()) { closePolygon(); return; }
    else draft.points.push(place);
    show();
  } else { draft = { centre: place, shape: null }; drag = { round: true }; }
  if (drag) byId("drawing").setPointerCapture(event.pointerId);
}

function movedTo(event) {
  const place = at(event);
  byId("position").textContent = `x ${place[0].toFixed(0)}, y ${place[1].toFixed(0)}`;
  if (draft?.points) { draft.cursor = place; draw(); return; }
  if (!drag) return;
  if (drag.round) {
    const [dx, dy] = [Math.abs(place[0] - draft.centre[0]), Math.abs(place[1] - draft.centre[1])];
    draft.shape = tool === "ring"
      ? { ring: { centre: draft.centre, outer: Math.max(1, round(Math.hypot(dx, dy))), inner: 0 } }
      : { ellipse: { centre: draft.centre, radii: [Math.max(1, round(dx)), Math.max(1, round(dy))], angle: 0 } };
  } else if (drag.handle !== undefined) handlesOf(shape())[drag.handle].move(place);
  else { moved(shape(), [place[0] - drag.from[0], place[1] - drag.from[1]]); drag.from = place; }
  if (!draft || draft.shape) draw();
}

function released() {
  if (!drag) return;
  const made = drag.round ? draft.shape : null;
  drag = null;
  if (draft) draft = null;
  if (made) add(made);
  show();
}

function keyed(event) {
  if (event.target.tagName === "INPUT") return;
  if (event.key === "Enter" && draft?.points) { closePolygon(); event.preventDefault(); }
  else if (event.key === "Escape") { draft = null; selected = -1; show(); }
  else if (event.key === "Backspace" && draft?.points) { draft.points.pop(); if (!draft.points.length) draft = null; show(); event.preventDefault(); }
  else if ((event.key === "Delete" || event.key === "Backspace") && shape() && !draft) { remember(); part().outline.splice(selected, 1); selected = -1; show(); event.preventDefault(); }
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) { undo(); event.preventDefault(); }
}

function undo() {
  if (!past.length) return;
  [state.parts, chosen, selected] = JSON.parse(past.pop());
  draft = null;
  byId("undo").disabled = !past.length;
  show();
}

async function post(name, content) {
  const answer = await fetch(name, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });
  return [answer.ok, await answer.json()];
}
async function save() {
  if (draft) { say("Close or cancel the shape that is being drawn first.", "bad"); return; }
  const sent = outlines();
  try {
    const [fine, said] = await post("save", sent);
    if (fine) {
      filed = Object.keys(sent).filter((name) => sent[name]);
      saved = JSON.stringify(Object.fromEntries(filed.map((name) => [name, sent[name]])));
    }
    say(fine ? said.said[0].toUpperCase() + said.said.slice(1) : said.error, fine ? "fine" : "bad");
  } catch { say("Not saved: 'specsight parts' no longer runs.", "bad"); }
  list();
}
async function close() {
  if (unsaved() && !confirm("There are outlines that were not saved. Close all the same?")) return;
  saved = JSON.stringify(outlines());
  try { await post("close", {}); } catch { /* it has ended already */ }
  document.body.replaceChildren(element("p", { class: "closed soft", text: "Closed. You may close this tab." }));
}

async function addPart() {
  const name = byId("part-name").value.trim();
  if (!name) return;
  try {
    const [fine, said] = await post("name", [name, ...state.parts.map((one) => one.name)]);
    if (!fine) { say(said.error, "bad"); return; }
  } catch { say("'specsight parts' no longer runs.", "bad"); return; }
  remember();
  state.parts.push({ name, description: "", outline: [] });
  chosen = state.parts.length - 1;
  selected = -1;
  byId("part-name").value = "";
  say("");
  show();
}
function removePart() {
  if (!part()) return;
  remember();
  state.parts.splice(chosen, 1);
  chosen = Math.max(0, Math.min(chosen, state.parts.length - 1));
  selected = -1;
  draft = null;
  show();
}

function scaled(by) {
  zoom = by ? Math.min(Math.max(zoom * by, 0.25), 32) : 1;
  const frame = byId("frame"), [width, height] = state.size;
  const fitting = Math.min((frame.clientWidth - 2) / width, (frame.clientHeight - 2) / height);
  byId("stage").style.width = `${Math.max(40, width * fitting * zoom)}px`;
  byId("image").style.imageRendering = fitting * zoom > 3 ? "pixelated" : "auto";
  draw();
}

async function begin() {
  state = await (await fetch("state")).json();
  filed = state.parts.map((part) => part.name);
  saved = JSON.stringify(outlines());
  chosen = Math.max(0, state.parts.findIndex((one) => !one.outline.length));
  document.title = `Outline parts: ${state.picture}`;
  byId("picture-name").textContent = state.picture;
  byId("target").textContent = `Save writes to ${state.specification}.` + (state.first ? ` Parts are outlined on ${state.first} already; what you draw here is added as a further picture.` : "");
  const drawing = byId("drawing");
  drawing.setAttribute("viewBox", `0 0 ${state.size.join(" ")}`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.addEventListener("pointerdown", pressed);
  drawing.addEventListener("pointermove", movedTo);
  drawing.addEventListener("pointerup", released);
  drawing.addEventListener("pointercancel", released);
  drawing.addEventListener("dblclick", () => { if (draft?.points) closePolygon(); });
  document.addEventListener("keydown", keyed);
  document.querySelectorAll("[data-tool]").forEach((one) => one.addEventListener("click", () => { tool = one.dataset.tool; draft = null; show(); }));
  byId("new-part").addEventListener("submit", (event) => { event.preventDefault(); addPart(); });
  byId("remove-part").addEventListener("click", removePart);
  byId("undo").addEventListener("click", undo);
  byId("save").addEventListener("click", save);
  byId("close").addEventListener("click", close);
  byId("larger").addEventListener("click", () => scaled(1.5));
  byId("smaller").addEventListener("click", () => scaled(1 / 1.5));
  byId("fit").addEventListener("click", () => scaled(0));
  window.addEventListener("resize", () => scaled(zoom === 1 ? 0 : 1));
  window.addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
  list();
  scaled(0);
}
begin();
