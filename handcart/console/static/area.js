// Drawing of a store's area: the lines of the text area are the model; the plan shows them as points that can be moved.
// Without this file, people write the lines, or GeoJSON.
const plan = document.querySelector("[data-area]");
const text = document.querySelector("#area");
const { latitude, longitude, east, north, side } = Object.fromEntries(
  Object.entries(plan.dataset).map(([name, value]) => [name, Number(value)]),
);
const NEAR = 14;
const STEP = 4;

/** The points of the text as [right, down] on the plan; null if it has anything but lines of latitude, longitude. */
function read() {
  const lines = text.value.split("\n").filter((line) => line.trim());
  const numbers = lines.map((line) => line.split(/[,;\s]+/).filter(Boolean).map(Number));
  if (!numbers.every((pair) => pair.length === 2 && pair.every(Number.isFinite))) return null;
  return numbers.map(([lat, lon]) => [side / 2 + (lon - longitude) * east, side / 2 - (lat - latitude) * north]);
}

function write(points) {
  text.value = points
    .map(([right, down]) => [latitude - (down - side / 2) / north, longitude + (right - side / 2) / east])
    .map((pair) => pair.map((degrees) => degrees.toFixed(5)).join(", "))
    .join("\n");
}

function made(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const layer = made("g", { class: "handles" });

function draw(focused = -1) {
  const points = read();
  if (!points) return;
  for (const one of plan.querySelectorAll("polygon.drawn")) one.remove();
  if (points.length) plan.insertBefore(made("polygon", { class: "drawn", points: points.map(String).join(" ") }), layer);
  layer.replaceChildren(
    ...points.map(([cx, cy], place) =>
      made("circle", { cx, cy, r: 8, tabindex: 0, role: "button", "data-place": place, "aria-label": `${place + 1}` }),
    ),
  );
  layer.children[focused]?.focus();
}

/** How far a point is from the border between two points. */
function distance([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2 || 1;
  const share = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length));
  return Math.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay));
}

function add(point) {
  const points = read();
  if (!points) return;
  let place = points.length;
  if (points.length > 2) {
    const gaps = points.map((one, at) => distance(point, one, points[(at + 1) % points.length]));
    place = gaps.indexOf(Math.min(...gaps)) + 1;
  }
  points.splice(place, 0, point);
  write(points);
  draw(place);
}

function where(event) {
  const box = plan.getBoundingClientRect();
  return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
}

let held = -1;

plan.addEventListener("pointerdown", (event) => {
  const place = Number(event.target.dataset?.place ?? -1);
  if (place < 0) return;
  held = place;
  plan.setPointerCapture(event.pointerId);
});
plan.addEventListener("pointermove", (event) => {
  if (held < 0) return;
  const points = read();
  points[held] = where(event);
  write(points);
  draw();
});
plan.addEventListener("pointerup", () => {
  if (held < 0) return;
  draw(held);
  // The click that follows must not add a point.
  setTimeout(() => { held = -1; });
});
plan.addEventListener("click", (event) => {
  if (held < 0 && event.target.dataset?.place === undefined) add(where(event));
});

const MOVES = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };

layer.addEventListener("keydown", (event) => {
  const place = Number(event.target.dataset.place);
  const points = read();
  if (!points) return;
  if (MOVES[event.key]) {
    points[place] = points[place].map((one, axis) => one + MOVES[event.key][axis]);
    write(points);
    draw(place);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    points.splice(place, 1);
    write(points);
    draw(Math.min(place, points.length - 1));
  } else if (event.key === "Enter" || event.key === "Insert") {
    const next = points[(place + 1) % points.length];
    points.splice(place + 1, 0, points[place].map((one, axis) => (one + next[axis]) / 2 + (axis ? 0 : NEAR / 7)));
    write(points);
    draw(place + 1);
  } else return;
  event.preventDefault();
});

if (read()) {
  plan.setAttribute("role", "group");
  plan.append(layer);
  document.querySelector("[data-drawing]").hidden = false;
  text.addEventListener("input", () => draw());
  draw();
}
