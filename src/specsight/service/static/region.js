"use strict";
// Boxes and polygons around a defect, by mouse, finger or keys. Points are shares of the picture's width and height.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const CLOSE_BY = 14, SMALLEST = 3; // screen pixels: around the first point of a polygon; a side of a box
  const STEP = 0.02, FINE = 0.004; // of the cross by a key; with Shift
  const DIGITS = 1e5; // as many as are kept
  const drawing = document.getElementById("drawing"), field = document.getElementById("region");
  const POLYGONS = Number(drawing.dataset.polygons), POINTS = Number(drawing.dataset.points), full = document.getElementById("full");
  const button = (name) => document.querySelector(`[data-draw=${name}]`);
  let shapes = JSON.parse(field.value), tool = "box", draft = [], cursor = [0.5, 0.5], keyed = false, pressed = false;

  // As large as the window lets it be (region.css).
  const picture = drawing.parentNode.querySelector("img");
  const fit = () => { if (picture.naturalHeight) drawing.parentNode.style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight); };
  picture.addEventListener("load", fit);
  fit();

  const inside = (value) => Math.round(Math.min(Math.max(value, 0), 1) * DIGITS) / DIGITS;
  const at = (event) => {
    const box = drawing.getBoundingClientRect();
    return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
  };
  const apart = (a, b) => {
    const box = drawing.getBoundingClientRect();
    return [Math.abs(a[0] - b[0]) * box.width, Math.abs(a[1] - b[1]) * box.height];
  };
  const corners = ([a, b], [c, d]) => [[a, b], [c, b], [c, d], [a, d]];
  const line = (points, closed) => `M${points.map((p) => p.join(" ")).join("L")}${closed ? "Z" : ""}`;
  const path = (d, kind = "") => {
    const made = document.createElementNS(SVG, "path");
    made.setAttribute("d", d);
    made.setAttribute("class", kind);
    drawing.append(made);
  };

  const show = () => {
    drawing.replaceChildren();
    for (const one of shapes) path(line(one, true));
    if (draft.length) path(tool === "box" ? line(corners(draft[0], cursor), true) : line([...draft, cursor], false), "draft");
    if (keyed) path(`M${cursor[0] - 0.03} ${cursor[1]}H${cursor[0] + 0.03}M${cursor[0]} ${cursor[1] - 0.03}V${cursor[1] + 0.03}`, "cross");
    for (const name of ["box", "polygon"]) button(name).setAttribute("aria-pressed", tool === name);
    button("remove").disabled = !shapes.length && !draft.length;
    document.getElementById("save").disabled = !shapes.length;
    field.value = JSON.stringify(shapes);
  };
  const add = (points) => {
    draft = [];
    shapes.push(points);
    show();
  };
  const large = (points) => [0, 1].every((axis) => {
    const values = points.map((p) => p[axis]), side = axis ? "height" : "width";
    return (Math.max(...values) - Math.min(...values)) * drawing.getBoundingClientRect()[side] >= SMALLEST;
  });
  // A polygon that is closed by a double click has its last point twice.
  const close = () => {
    const points = draft.filter((p, k) => !k || apart(p, draft[k - 1]).some((far) => far >= 2));
    if (points.length > 2 && large(points)) add(points);
  };
  const put = (place) => {
    const closes = draft.length > 2 && apart(place, draft[0]).every((far) => far < CLOSE_BY);
    full.hidden = closes || (draft.length ? draft.length < POINTS : shapes.length < POLYGONS);
    if (!full.hidden) return;
    if (tool === "box") {
      if (!draft.length) draft = [place];
      else if (large(corners(draft[0], place))) { add(corners(draft[0], place)); return; }
    } else if (closes) { close(); return; }
    else draft.push(place);
    show();
  };
  const remove = () => {
    full.hidden = true;
    if (draft.length) draft.pop(); else shapes.pop();
    show();
  };

  drawing.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drawing.setPointerCapture(event.pointerId);
    [keyed, pressed, cursor] = [false, true, at(event)];
    if (tool === "box") draft = [];
    put(cursor);
  });
  drawing.addEventListener("pointermove", (event) => {
    if (!draft.length || keyed) return;
    cursor = at(event);
    show();
  });
  drawing.addEventListener("pointerup", (event) => {
    if (!pressed) return;
    pressed = false;
    if (tool !== "box" || !draft.length) return;
    put(at(event));
    draft = [];
    show();
  });
  drawing.addEventListener("pointercancel", () => { pressed = false; if (tool === "box") draft = []; show(); });
  drawing.addEventListener("dblclick", () => { if (tool === "polygon") close(); });
  drawing.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? FINE : STEP;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) [keyed, cursor] = [true, [inside(cursor[0] + by[0]), inside(cursor[1] + by[1])]];
    else if (event.key === " " || (event.key === "Enter" && tool === "box")) { keyed = true; put([...cursor]); }
    else if (event.key === "Enter") close();
    else if (event.key === "Escape") draft = [];
    else if (event.key === "Backspace" || event.key === "Delete") remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
    show();
  });
  for (const name of ["box", "polygon"]) button(name).addEventListener("click", () => { [tool, draft] = [name, []]; show(); drawing.focus(); });
  button("remove").addEventListener("click", remove);
  show();
})();
