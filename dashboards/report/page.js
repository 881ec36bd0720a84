"use strict";
// Draws every chart in the theme of the page, and light on paper.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const templates = read("templates");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const canHover = matchMedia("(hover: hover)").matches;
  const charts = [...document.querySelectorAll(".chart")];
  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: canHover ? "hover" : false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  };
  const theme = () => templates[dark.matches ? "dark" : "light"];
  const dress = (template) => charts.forEach((chart) => Plotly.relayout(chart, { template }));

  for (const chart of charts) {
    const { data, layout } = read(`${chart.id}-content`);
    Plotly.newPlot(chart, data, { ...layout, template: theme() }, config);
  }
  dark.addEventListener("change", () => dress(theme()));
  addEventListener("beforeprint", () => dress(templates.light));
  addEventListener("afterprint", () => dress(theme()));

  for (const button of document.querySelectorAll("button[data-chart]")) {
    button.addEventListener("click", () => {
      const isLog = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(isLog));
      Plotly.relayout(button.dataset.chart, {
        "xaxis.type": isLog ? "log" : "linear",
        "xaxis.tickmode": isLog ? "array" : "auto",
        "xaxis.rangemode": isLog ? "normal" : "tozero",
        "xaxis.title.text": `service time, s${isLog ? " (log axis)" : ""}`,
        "xaxis.autorange": true,
      });
    });
  }
  document.documentElement.dataset.drawn = String(charts.length);
})();
