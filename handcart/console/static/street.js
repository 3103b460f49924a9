// The street map over the operator's tiles. What it needs is loaded when it is opened; the plan needs nothing of it.
const dialog = document.getElementById("street");
const place = dialog.querySelector(".streets");
const { tiles, map: library, worker, sheet, archive: reader } = dialog.dataset;
let opening; // the promise of the open map
let marks = [];

const says = (name) => (dialog.querySelector(`[data-says=${name}]`).hidden = false);
const read = () => JSON.parse(document.getElementById("marks").textContent);

/** Load a script or a sheet of ours. */
function loaded(name, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
}

/** The style: the layers of Protomaps' basemap without texts, so that no fonts are needed. */
function style(url) {
  const sheet = getComputedStyle(document.documentElement);
  const colour = (name) => sheet.getPropertyValue(`--${name}`).trim();
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const water = isDark ? "#1d3a4a" : "#b9d8e6";
  const wide = (most) => ["interpolate", ["exponential", 1.6], ["zoom"], 8, 0.5, 18, most];
  const layer = (id, type, paint, rest) => ({ id, type, source: "streets", "source-layer": id, paint, ...rest });
  const roads = (id, kinds, color, most) =>
    layer(id, "line", { "line-color": colour(color), "line-width": wide(most) }, {
      "source-layer": "roads",
      filter: ["in", ["get", "kind"], ["literal", kinds]],
      layout: { "line-cap": "round", "line-join": "round" },
    });
  return {
    version: 8,
    sources: { streets: { type: "vector", url } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colour("page") } },
      layer("earth", "fill", { "fill-color": colour("quiet") }),
      layer("water", "fill", { "fill-color": water }, { filter: ["==", ["geometry-type"], "Polygon"] }),
      layer("buildings", "fill", { "fill-color": colour("line") }),
      roads("ways", ["path", "other", "minor_road"], "card", 8),
      roads("rails", ["rail"], "edge", 2),
      roads("streets", ["major_road", "highway"], "edge", 14),
      layer("places", "circle", { "circle-color": colour("soft"), "circle-radius": 2 }),
    ],
  };
}

async function open() {
  if (!document.createElement("canvas").getContext("webgl2")) return void says("missing");
  const [{ Map, Marker, LngLatBounds, addProtocol, setWorkerUrl }] = await Promise.all([
    import(library),
    loaded("script", { src: reader }),
    loaded("link", { rel: "stylesheet", href: sheet }),
  ]);
  setWorkerUrl(new URL(worker, location.href).href);
  const url = new URL(tiles, location.href).href;
  const { Protocol, PMTiles } = globalThis.pmtiles;
  const archive = new PMTiles(url);
  const protocol = new Protocol();
  protocol.add(archive);
  addProtocol("pmtiles", protocol.tile);
  const { minLon, minLat, maxLon, maxLat } = await archive.getHeader();
  const { attribution = "" } = await archive.getMetadata();
  // Credits are HTML; only their text is shown.
  const credit = new DOMParser().parseFromString(attribution, "text/html").body.textContent;
  dialog.querySelector(".credit").textContent = [credit, "MapLibre"].filter(Boolean).join(" · ");

  const bounds = new LngLatBounds();
  for (const { at } of read()) bounds.extend(at);
  const map = new Map({
    container: place,
    style: style(`pmtiles://${url}`),
    bounds: bounds.isEmpty() ? [minLon, minLat, maxLon, maxLat] : bounds,
    fitBoundsOptions: { padding: 48, maxZoom: 15 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
  });
  map.on("error", () => says("failed"));
  map.once("idle", () => (dialog.dataset.state = "ready"));

  function draw() {
    for (const one of marks) one.remove();
    marks = read().map(({ kind, name, text, at, isGrave }) => {
      const element = document.createElement("div");
      element.className = `mark ${kind}${isGrave ? " grave" : ""}`;
      element.title = name;
      element.textContent = text;
      return new Marker({ element }).setLngLat(at).addTo(map);
    });
  }
  draw();
  // The main part of the page fetches itself again when there is news.
  let before = document.getElementById("marks").textContent;
  new MutationObserver(() => {
    const now = document.getElementById("marks")?.textContent;
    if (!now || now === before) return;
    before = now;
    draw();
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-street]")) return;
  dialog.showModal();
  opening ??= open().catch(() => says("failed"));
});
dialog.querySelector("button").addEventListener("click", () => dialog.close());
