// A page of many runs: everything is drawn from columns of numbers, only what can be seen.

const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const COUNT = data.status.codes.length;
const ROW = 34; // pixels, as in the style sheet
const MOST_CURVES = 20;
const BINS = 12;
const PRINTED = 100;
const DASHES = ["", "6 3", "2 2", "8 3 2 3", "10 4", "4 2 1 2", "1 3", "12 3 3 3"];

const decoded = ({ values, codes }) => (run) => values[codes[run]];
const folderOf = decoded(data.folders);
const ownName = decoded(data.names);
const nameOf = (run) => (folderOf(run) ? `${folderOf(run)}/${ownName(run)}` : ownName(run));

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
const count = new Intl.NumberFormat("en");
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return value;
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(2).replace("e+", "e") : number.format(value);
}

// Columns: a name, the value of a run, and whether text is shown.
const isNumeric = (column) => column.values.every((each) => each === null || typeof each === "number");
const keys = data.keys.map((key) => ({ name: key.name, value: decoded(key), text: !isNumeric(key), key }));
const metrics = data.metrics.map((each) => ({ name: each.name, value: (run) => each.values[run], better: each.better }));
const columns = [
  { name: "name", value: nameOf, text: true, isName: true },
  { name: "status", value: decoded(data.status), text: true },
  ...keys,
  ...metrics,
  { name: "seconds", value: (run) => data.seconds[run] },
];
// What is lower for a better value of a metric, as declnet.as_loss.
const loss = ({ better }, value) => (better === "higher" ? -value : typeof better === "number" ? Math.abs(value - better) : value);
let metric = metrics.find((each) => each.name === data.metric) ?? metrics[0];

function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "path", "text", "circle", "g", "title"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Which runs, in which order

const selected = new Set();
let sorted = { column: metric ?? columns[0], down: metric?.better === "higher" };
let order = [...Array(COUNT).keys()];

function compare(a, b) {
  const { column, down } = sorted;
  const value = (run) => (typeof column.better === "number" && column.value(run) !== null ? loss(column, column.value(run)) : column.value(run));
  const [x, y] = [value(a), value(b)];
  if (x === null || x === undefined) return y === null || y === undefined ? a - b : 1;
  if (y === null || y === undefined) return -1;
  const found = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
  return (down ? -found : found) || a - b;
}

const OPERATORS = {
  "=": (x, y) => x === y, "!=": (x, y) => x !== y,
  "<": (x, y) => x < y, "<=": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y,
};

function columnNamed(name) {
  const found = columns.find((each) => each.name.toLowerCase() === name);
  return found ?? [metric, ...columns].find((each) => each?.name.toLowerCase().endsWith(`.${name}`));
}

// A condition of the filter as a function of a run; null if it names no column.
function condition(word) {
  const parts = /^([^<>=!]+)(<=|>=|!=|=|<|>)(.*)$/.exec(word.toLowerCase());
  if (!parts) return (run) => nameOf(run).toLowerCase().includes(word.toLowerCase());
  const column = columnNamed(parts[1]);
  if (!column) return null;
  const wanted = parts[3] !== "" && !Number.isNaN(Number(parts[3])) ? Number(parts[3]) : parts[3];
  return (run) => {
    const value = column.value(run);
    if (value === null || value === undefined) return false;
    return OPERATORS[parts[2]](typeof wanted === "number" ? Number(value) : String(value).toLowerCase(), wanted);
  };
}

let said = "";
function choose() {
  const words = at("filter").value.trim().split(/\s+/).filter(Boolean);
  const conditions = words.map(condition);
  const unknown = words.filter((_, index) => conditions[index] === null);
  const holds = conditions.filter(Boolean);
  order = [];
  for (let run = 0; run < COUNT; run += 1) if (holds.every((each) => each(run))) order.push(run);
  order.sort(compare);
  said = unknown.length ? `; no column for ${unknown.join(", ")}` : "";
}

// The table: only the rows in view are in the document, keyed by run so that focus stays

const shownRows = new Map();
const space = [0, 1].map(() => element("tr", { class: "space", "aria-hidden": "true" }, element("td")));
space.forEach((each) => at("body").append(each));
space[0].firstChild.colSpan = space[1].firstChild.colSpan = columns.length;

function rowOf(run) {
  const row = element("tr");
  for (const column of columns) {
    const value = column.value(run);
    if (column.isName) {
      const box = element("input", { type: "checkbox", "data-run": run });
      const label = element("label", { title: value }, box, value);
      row.append(element("th", { scope: "row", class: "name" }, label));
    } else {
      row.append(element("td", column.text ? { class: "text" } : {}, String(shown(value))));
    }
  }
  return row;
}

let printing = false;
function showRows() {
  const view = at("rows");
  const first = printing ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - 12);
  const last = Math.min(order.length, printing ? PRINTED : first + Math.ceil(view.clientHeight / ROW) + 24);
  const wanted = new Map();
  for (let place = first; place < last; place += 1) wanted.set(order[place], place);
  for (const [run, row] of shownRows) {
    if (wanted.has(run)) continue;
    if (row.contains(document.activeElement)) view.focus({ preventScroll: true });
    row.remove();
    shownRows.delete(run);
  }
  let before = space[0];
  for (const [run, place] of wanted) {
    let row = shownRows.get(run);
    if (!row) shownRows.set(run, (row = rowOf(run)));
    row.setAttribute("aria-rowindex", place + 2);
    row.classList.toggle("chosen", selected.has(run));
    row.querySelector("input").checked = selected.has(run);
    if (before.nextSibling !== row) before.after(row);
    before = row;
  }
  space[0].firstChild.style.height = `${first * ROW}px`;
  space[1].firstChild.style.height = `${(order.length - last) * ROW}px`;
  at("rows").querySelector("table").setAttribute("aria-rowcount", order.length + 1);
  at("shown").textContent = `${count.format(order.length)} of ${count.format(COUNT)} runs, ${count.format(selected.size)} selected${said}${printing && order.length > PRINTED ? `; the first ${PRINTED} are printed` : ""}`;
}

function showHead() {
  for (const [index, head] of [...at("head").children].entries()) {
    if (columns[index] === sorted.column) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
    head.querySelector("span").textContent = columns[index] === sorted.column ? (sorted.down ? " ↓" : " ↑") : "";
  }
}

for (const column of columns) {
  const button = element("button", { type: "button" }, column.name, element("span", { "aria-hidden": "true" }));
  button.addEventListener("click", () => {
    const again = sorted.column === column;
    sorted = { column, down: again ? !sorted.down : column.better === "higher" };
    choose();
    at("rows").scrollTop = 0;
    showHead();
    showRows();
  });
  at("head").append(element("th", { scope: "col", class: column.isName ? "name" : "" }, button));
}

// Charts

const WIDTH = 960;
function ticks(low, high, log) {
  if (log) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) found.push(10 ** power);
    const inside = found.filter((each) => each >= low && each <= high);
    if (inside.length > 1) return inside;
  }
  const raw = (high - low || 1) / 5;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((each) => each * unit >= raw);
  const found = [];
  for (let each = Math.ceil(low / step); each * step <= high + step * 1e-9; each += 1) found.push(Number((each * step).toPrecision(12)));
  return found;
}

function scale(low, high, from, to, log) {
  const map = log ? Math.log : (x) => x;
  const [a, b] = [map(low), map(high)];
  return (value) => from + ((map(value) - a) / (b - a || 1)) * (to - from);
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const each of values) if (Number.isFinite(each)) [low, high] = [Math.min(low, each), Math.max(high, each)];
  return [low, high];
}

const color = (index) => `var(--series-${(index % 8) + 1})`;

// Whether a logarithmic axis of a curve makes no sense: of shares and the like.
const isLinear = (name) => metrics.some((each) => each.better !== "lower" && each.name.endsWith(`.${name.replace("validation_", "")}`));

let chosenByHand = false;
function drawCurves() {
  const key = at("curve").selectedIndex + 1;
  const runs = [...selected].filter((run) => data.curves.runs[run]).slice(0, MOST_CURVES);
  const without = selected.size - runs.length;
  at("curve-note").textContent = runs.length
    ? `${at("curve").value} by epoch${without ? `; ${without} more selected ${without > 1 ? "runs have" : "run has"} no curve here: the page holds those of the best, and draws ${MOST_CURVES} at once` : ""}`
    : "Select runs in the table; the page holds the curves of the best.";
  at("curves").replaceChildren();
  at("legend").replaceChildren();
  at("curve-numbers").replaceChildren();
  const drawn = runs.map((run) => data.curves.runs[run][key]);
  const [least, most] = extent(drawn.flat());
  if (!Number.isFinite(least)) return;
  const suggested = axisScale(drawn, isLinear(at("curve").value));
  if (!chosenByHand) at("logarithmic").setAttribute("aria-pressed", String(suggested.logarithmic));
  at("whole").hidden = !suggested.hidden;
  const isCut = suggested.hidden && at("whole").getAttribute("aria-pressed") !== "true";
  if (isCut) at("curve-note").textContent += `; the axis is cut: ${count.format(suggested.hidden)} of the values are beyond it, from ${shown(least)} to ${shown(most)}`;
  const [low, high] = isCut ? [suggested.low, suggested.high] : [least, most];
  const log = at("logarithmic").getAttribute("aria-pressed") === "true" && low > 0;
  const [, last] = extent(runs.flatMap((run) => data.curves.runs[run][0]));
  const x = scale(0, last || 1, 60, WIDTH - 10);
  const y = scale(low, high, 290, 12, log);
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} 330`, role: "img", "aria-label": `${at("curve").value} by epoch of ${runs.length} runs` });
  for (const each of ticks(low, high, log)) {
    svg.append(element("line", { class: "grid", x1: 60, x2: WIDTH - 10, y1: y(each), y2: y(each) }));
    svg.append(element("text", { x: 52, y: y(each) + 4, "text-anchor": "end" }, shown(each)));
  }
  for (const each of ticks(0, last || 1)) svg.append(element("text", { x: x(each), y: 312, "text-anchor": "middle" }, shown(each)));
  const table = at("curve-numbers");
  table.append(element("caption", {}, `${at("curve").value} of the selected runs`));
  table.append(element("thead", {}, element("tr", {}, ...["run", "first", "lowest", "highest", "last"].map((each) => element("th", { scope: "col" }, each)))));
  const body = table.createTBody();
  const area = element("svg", { y: 10, width: WIDTH, height: 282, viewBox: `0 10 ${WIDTH} 282` }); // cuts lines off
  svg.append(area);
  runs.forEach((run, index) => {
    const [epochs, values] = [data.curves.runs[run][0], data.curves.runs[run][key]];
    const points = epochs.map((epoch, place) => [epoch, values[place]]).filter(([, value]) => Number.isFinite(value));
    const path = points.map(([epoch, value], place) => `${place ? "L" : "M"}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const line = { class: "curve", stroke: color(index), "stroke-dasharray": DASHES[Math.floor(index / 8) % 8] };
    area.append(element("path", { ...line, d: path }, element("title", {}, nameOf(run))));
    const sample = element("svg", { viewBox: "0 0 30 8", "aria-hidden": "true" }, element("path", { ...line, d: "M0 4L30 4" }));
    at("legend").append(element("li", {}, sample, nameOf(run)));
    const logged = points.map(([, value]) => value);
    const [lowest, highest] = extent(logged);
    body.append(element("tr", {}, element("th", { scope: "row" }, nameOf(run)), ...[logged[0], lowest, highest, logged.at(-1)].map((each) => element("td", {}, String(shown(each))))));
  });
  at("curves").append(svg);
}

// The means of the metric by value; many numbers are put into intervals with as many runs each.
function groupsOf(column) {
  const found = new Map();
  for (const run of order) {
    const value = metric.value(run);
    const code = column.key.codes[run];
    if (!Number.isFinite(value) || column.key.values[code] === null) continue;
    if (!found.has(code)) found.set(code, []);
    found.get(code).push(value);
  }
  const codes = [...found.keys()].sort((a, b) => a - b);
  const size = column.text ? 1 : Math.ceil(codes.length / BINS);
  const groups = [];
  for (let first = 0; first < codes.length; first += size) {
    const own = codes.slice(first, first + size);
    const ends = [own[0], own.at(-1)].map((code) => String(shown(column.key.values[code])));
    const values = own.flatMap((code) => found.get(code));
    const [low, high] = extent(values);
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
    groups.push({ label: ends[0] === ends[1] ? ends[0] : `${ends[0]} to ${ends[1]}`, count: values.length, mean, low, high });
  }
  return groups;
}

function drawEffects() {
  const charts = [];
  for (const column of keys) {
    if (column.name === "trial") continue;
    const groups = metric ? groupsOf(column) : [];
    if (groups.length < 2) continue;
    const [low, high] = extent(groups.flatMap((each) => [each.low, each.high]));
    const x = scale(0, groups.length - 1, 70, 440);
    const log = metric.better === "lower" && low > 0 && high > 30 * low;
    const y = scale(low, high, 160, 12, log);
    const svg = element("svg", { viewBox: "0 0 460 205", role: "img", "aria-label": `Mean ${metric.name} by ${column.name}, from ${shown(Math.min(...groups.map((each) => each.mean)))} to ${shown(Math.max(...groups.map((each) => each.mean)))}` });
    for (const each of ticks(low, high, log)) {
      svg.append(element("line", { class: "grid", x1: 56, x2: 450, y1: y(each), y2: y(each) }));
      svg.append(element("text", { x: 48, y: y(each) + 4, "text-anchor": "end" }, shown(each)));
    }
    const every = Math.ceil(groups.length / 6);
    groups.slice(0, 60).forEach((each, index) => {
      svg.append(element("line", { class: "range", x1: x(index), x2: x(index), y1: y(each.low), y2: y(each.high) }));
      if (index % every === 0) svg.append(element("text", { x: x(index), y: 184, "text-anchor": "middle" }, each.label.split(" to ")[0].slice(0, 14)));
    });
    svg.append(element("path", { class: "curve", stroke: color(0), d: groups.map((each, index) => `${index ? "L" : "M"}${x(index)} ${y(each.mean)}`).join("") }));
    groups.forEach((each, index) => svg.append(element("circle", { class: "mean", cx: x(index), cy: y(each.mean), r: 4 }, element("title", {}, `${each.label}: ${shown(each.mean)}`))));
    const body = element("tbody", {}, ...groups.map((each) => element("tr", {}, element("th", { scope: "row" }, each.label), ...[each.count, each.mean, each.low, each.high].map((value) => element("td", {}, String(shown(value)))))));
    const head = element("thead", {}, element("tr", {}, ...["value", "runs", "mean", "min", "max"].map((each) => element("th", { scope: "col" }, each))));
    const region = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Numbers by ${column.name}` }, element("table", {}, element("caption", {}, `${metric.name} by ${column.name}`), head, body));
    charts.push(element("figure", { class: "effect" }, element("figcaption", {}, element("h3", {}, column.name), element("p", {}, metric.name)), svg, element("details", { class: "numbers" }, element("summary", {}, "Numbers"), region)));
  }
  at("effect-charts").replaceChildren(...(charts.length ? charts : [element("p", {}, "Nothing varies among these runs.")]));
}

// The metric of each run by the number of its trial, and the best so far
function drawTrials() {
  const trial = keys.find((each) => each.name === "trial");
  if (!trial || !metric || !at("trials")) return;
  const runs = order.filter((run) => Number.isFinite(metric.value(run)) && Number.isFinite(trial.value(run)));
  runs.sort((a, b) => trial.value(a) - trial.value(b));
  at("trials").replaceChildren();
  if (!runs.length) return;
  const { low, high, logarithmic, hidden } = axisScale([runs.map(metric.value)], metric.better !== "lower");
  at("trials-cut").textContent = hidden ? `The axis is cut: ${count.format(hidden)} of the values are beyond it.` : "";
  const last = trial.value(runs.at(-1)) || 1;
  const [x, y] = [scale(0, last, 56, 450), scale(low, high, 160, 12, logarithmic)];
  const svg = element("svg", { viewBox: "0 0 460 190", role: "img", "aria-label": `${metric.name} by trial, from ${shown(low)} to ${shown(high)}; the table of runs has the numbers` });
  for (const each of ticks(low, high, logarithmic)) {
    svg.append(element("line", { class: "grid", x1: 56, x2: 450, y1: y(each), y2: y(each) }));
    svg.append(element("text", { x: 48, y: y(each) + 4, "text-anchor": "end" }, shown(each)));
  }
  for (const each of ticks(0, last)) svg.append(element("text", { x: x(each), y: 182, "text-anchor": "middle" }, shown(each)));
  let dots = "";
  let path = "";
  let best = null;
  for (const run of runs) {
    const [across, value] = [x(trial.value(run)).toFixed(1), metric.value(run)];
    const height = y(Math.min(Math.max(value, low), high)).toFixed(1);
    dots += `M${across} ${height}h0`;
    if (best === null || loss(metric, value) < loss(metric, best)) {
      path += path ? `H${across}V${height}` : `M${across} ${height}`;
      best = value;
    }
  }
  svg.append(element("path", { class: "dots", d: dots }), element("path", { class: "curve", stroke: color(0), d: `${path}H450` }));
  at("trials").append(svg);
}

// Parallel coordinates, on a canvas: ten thousand lines in tens of milliseconds

function place(column) {
  const values = column.key ? column.key.values.filter((each) => each !== null) : [];
  if (column.key && (column.text || values.length <= BINS)) {
    return { of: (run) => (column.value(run) === null ? null : values.indexOf(column.value(run)) / (values.length - 1 || 1)), labels: values.map((each, index) => [index / (values.length - 1 || 1), each]) };
  }
  const [low, high] = extent(column.key ? values : order.map(column.value));
  const log = (column.key || column.better === "lower") && low > 0 && high / low > 30;
  const map = scale(low, high, 0, 1, log);
  return { of: (run) => (Number.isFinite(column.value(run)) ? map(column.value(run)) : null), labels: ticks(low, high, log).map((each) => [map(each), each]) };
}

const rgb = (name) => {
  const hex = getComputedStyle(root).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
};

function drawLines() {
  const canvas = at("lines");
  const axes = [...keys.filter((each) => each.key.values.length > 1 && each.name !== "trial"), ...(metric ? [metric] : [])];
  const width = Math.max(canvas.parentElement.clientWidth, 150 * axes.length);
  const [height, top, bottom, margin] = [360, 34, 20, 50];
  const ratio = devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  if (!axes.length) return;
  const places = axes.map(place);
  const x = axes.map((_, index) => margin + (index * (width - 2 * margin)) / (axes.length - 1 || 1));
  const y = (share) => height - bottom - share * (height - top - bottom);
  const [worst, best] = [rgb("--series-2"), rgb("--series-1")];
  const badness = place({ value: (run) => (metric && metric.value(run) !== null ? loss(metric, metric.value(run)) : null) });
  const trace = (run) => {
    let begun = false;
    places.forEach((each, index) => {
      const share = each.of(run);
      if (share === null) begun = false;
      else if (begun) context.lineTo(x[index], y(share));
      else { context.moveTo(x[index], y(share)); begun = true; }
    });
  };
  const good = (run) => {
    const share = badness.of(run);
    return share === null ? 0 : 1 - share;
  };
  const shades = Array.from({ length: 8 }, () => []);
  for (const run of order) shades[Math.min(7, Math.floor(good(run) * 8))].push(run);
  const paint = (shade) => `rgb(${worst.map((each, index) => Math.round(each + ((best[index] - each) * shade) / 7)).join(" ")})`;
  context.globalAlpha = Math.min(0.8, Math.max(0.05, 60 / order.length));
  shades.forEach((runs, shade) => {
    context.strokeStyle = paint(shade);
    for (const run of runs) {
      context.beginPath();
      trace(run);
      context.stroke();
    }
  });
  context.globalAlpha = 1;
  context.lineWidth = 2.5;
  for (const run of selected) {
    context.strokeStyle = paint(Math.min(7, Math.floor(good(run) * 8)));
    context.beginPath();
    trace(run);
    context.stroke();
  }
  const styles = getComputedStyle(root);
  context.lineWidth = 1;
  context.font = "12px system-ui, sans-serif";
  axes.forEach((axis, index) => {
    context.strokeStyle = styles.getPropertyValue("--muted");
    context.beginPath();
    context.moveTo(x[index], y(0));
    context.lineTo(x[index], y(1));
    context.stroke();
    context.textAlign = index === axes.length - 1 ? "right" : index ? "center" : "left";
    context.fillStyle = styles.getPropertyValue("--ink");
    const name = axis.name.length > 26 ? `…${axis.name.slice(-25)}` : axis.name;
    context.fillText(name, x[index] + (index === axes.length - 1 ? margin - 4 : index ? 0 : 4 - margin), 18);
    context.textAlign = "left";
    const labels = places[index].labels;
    const every = Math.ceil(labels.length / 10);
    labels.forEach(([share, value], number_) => {
      if (number_ % every) return;
      const text = String(shown(value)).slice(0, 12);
      context.fillStyle = styles.getPropertyValue("--card");
      context.globalAlpha = 0.8;
      context.fillRect(x[index] + 4, y(share) - 7, context.measureText(text).width + 4, 14);
      context.globalAlpha = 1;
      context.fillStyle = styles.getPropertyValue("--ink");
      context.fillText(text, x[index] + 6, y(share) + 4);
    });
  });
  canvas.setAttribute("aria-label", `Parallel coordinates of ${count.format(order.length)} runs: ${axes.map((each) => each.name).join(", ")}`);
}

// Choices

let waiting = 0;
function later(action) {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(action);
}

function changed() {
  choose();
  showHead();
  showRows();
  later(() => { drawTrials(); drawEffects(); drawLines(); });
}

function selectionChanged() {
  showRows();
  later(() => { drawCurves(); drawLines(); });
}

function selectBest() {
  selected.clear();
  if (!metric) return;
  const known = order.filter((run) => Number.isFinite(metric.value(run)));
  known.sort((a, b) => loss(metric, metric.value(a)) - loss(metric, metric.value(b)) || a - b);
  known.slice(0, 8).forEach((run) => selected.add(run));
}

for (const each of metrics) at("metric").append(new Option(each.name, each.name, false, each === metric));
for (const each of data.curves.keys) at("curve").append(new Option(each));
const history = (name) => name?.replace(/^(train|test)\./, "").replace("validation.", "validation_");
at("curve").selectedIndex = Math.max(0, data.curves.keys.indexOf(history(metric?.name)));
at("metric").addEventListener("change", () => {
  metric = metrics[at("metric").selectedIndex];
  sorted = { column: metric, down: metric.better === "higher" };
  changed();
});
at("curve").addEventListener("change", () => {
  chosenByHand = false;
  drawCurves();
});
for (const toggle of [at("logarithmic"), at("whole")]) {
  toggle.addEventListener("click", () => {
    chosenByHand ||= toggle === at("logarithmic");
    toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
    drawCurves();
  });
}
let typing = 0;
at("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { at("rows").scrollTop = 0; changed(); }, 120);
});
at("best").addEventListener("click", () => { selectBest(); selectionChanged(); });
at("none").addEventListener("click", () => { selected.clear(); selectionChanged(); });
at("body").addEventListener("change", ({ target }) => {
  const run = Number(target.dataset.run);
  if (target.checked) selected.add(run);
  else selected.delete(run);
  selectionChanged();
});
at("rows").addEventListener("scroll", showRows, { passive: true });
for (const event of ["beforeprint", "afterprint"]) {
  addEventListener(event, () => {
    printing = event === "beforeprint";
    showRows();
  });
}
matchMedia("print").addEventListener("change", drawLines);
new ResizeObserver(() => requestAnimationFrame(() => { showRows(); drawLines(); })).observe(at("content"));
new MutationObserver(drawLines).observe(root, { attributeFilter: ["data-theme"] });
prefersDark.addEventListener("change", drawLines);

choose();
selectBest();
showHead();
showRows();
drawCurves();
drawTrials();
drawEffects();
drawLines();
performance.mark("drawn");
root.dataset.drawn = String(order.length);
