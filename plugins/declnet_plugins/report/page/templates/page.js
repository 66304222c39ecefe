// Draws the charts and makes the buttons work. Colors are the style sheet's, so themes redraw nothing.
const style = JSON.parse(document.getElementById("style").textContent);
const figures = [...document.querySelectorAll("figure.chart")];
const views = new Map();

// Charts

const column = () => document.getElementById("content").clientWidth;
const widthOf = (plot) => Math.max(plot.clientWidth || column() - 120, 120);

// The names in a chart's legends, so that their columns fit.
function names(value) {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, each]) => {
    if (key === "data") return [];
    return key === "domain" && typeof each[0] === "string" ? each : names(each);
  });
}

async function draw(figure) {
  const plot = figure.querySelector(".plot");
  const spec = JSON.parse(figure.querySelector(".chart-spec").textContent);
  const switched = (name) => figure.querySelector(`.${name}`)?.getAttribute("aria-pressed");
  const scale = spec.encoding?.y?.scale;
  if (switched("logarithmic")) scale.type = switched("logarithmic") === "true" ? "log" : "linear";
  if (scale?.type === "log") {
    delete scale.zero;
    const power = { test: "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6", value: 1 };
    spec.encoding.y.axis = { ...spec.encoding.y.axis, gridOpacity: { condition: power, value: 0.3 } };
  }
  if (switched("whole") === "true") {
    delete scale.domain;
    spec.layer = spec.layer.filter(({ name }) => !name?.startsWith("beyond"));
  }
  const width = widthOf(plot);
  const longest = Math.max(8, ...names(spec).map((name) => name.length));
  const columns = Math.max(1, Math.floor(width / (60 + 7 * longest)));
  const config = { ...style, legend: { ...style.legend, columns } };
  views.get(plot)?.finalize();
  const result = await window.vegaEmbed(
    plot,
    { ...spec, width, autosize: { type: "fit", contains: "padding" } },
    // ast: expressions are interpreted, as the page's policy forbids to compile them
    { ast: true, renderer: "svg", actions: false, config, tooltip: { theme: "custom" } },
  );
  plot.style.minHeight = "";
  views.set(plot, result.view);
}

async function drawAll() {
  for (const figure of figures) {
    try {
      await draw(figure);
    } catch (error) {
      figure.querySelector(".plot").textContent = "This chart cannot be drawn; its numbers are below.";
      console.error(error);
    }
  }
  root.dataset.drawn = String(views.size);
}

for (const toggle of document.querySelectorAll(".logarithmic, .whole")) {
  toggle.addEventListener("click", () => {
    const pressed = toggle.getAttribute("aria-pressed") === "true";
    toggle.setAttribute("aria-pressed", String(!pressed));
    draw(toggle.closest("figure"));
  });
}

const resized = new ResizeObserver((entries) => {
  requestAnimationFrame(() => {
    for (const { target } of entries) resize(target, target.clientWidth);
  });
});

function resize(plot, width) {
  const view = views.get(plot);
  if (view && width > 0 && Math.abs(view.width() - width) >= 1) view.width(width).run();
}

drawAll().then(() => figures.forEach((figure) => resized.observe(figure.querySelector(".plot"))));

// Print: each chart as wide as it will be on paper.

addEventListener("beforeprint", () => {
  for (const figure of figures) {
    const share = figure.classList.contains("wide") ? 1 : figure.classList.contains("small") ? 3 : 2;
    resize(figure.querySelector(".plot"), 680 / share - 48);
  }
});
addEventListener("afterprint", () => {
  for (const [plot] of views) resize(plot, plot.clientWidth);
});
