/**
 * What a report's page does by itself: sorts and filters the table, lets points stand out in the curves, and draws the blocks
 * of a layer that is picked. Without it everything but the blocks can still be read.
 */
export const script = `
"use strict";
(() => {
  const $ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const table = document.querySelector("table.points");
  const body = table.tBodies[0];
  const fixed = $("tr.baseline", body);
  const rows = $("tr:not(.baseline)", body);
  const status = document.getElementById("shown");

  // Sorting: numbers by their value, what was not run last, untouched models always on top.
  const value = (row, column) => {
    const { v } = row.cells[column].dataset;
    return v === undefined ? null : v === "" || Number.isNaN(Number(v)) ? v : Number(v);
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  for (const button of $("thead button", table)) {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of $("th[aria-sort]", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const column = head.cellIndex;
      const [known, unknown] = [rows.filter((row) => value(row, column) !== null), rows.filter((row) => value(row, column) === null)];
      known.sort((a, b) => (up ? 1 : -1) * compare(value(a, column), value(b, column)));
      body.append(...fixed, ...known, ...unknown);
    });
  }

  // Filtering: every word must be in the point's name or settings.
  const filter = document.getElementById("filter");
  const show = () => {
    const words = filter.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.dataset.text;
      row.hidden = !words.every((word) => text.includes(word));
      const article = document.getElementById("point-" + row.dataset.n);
      if (article) article.hidden = row.hidden;
      if (!row.hidden) count++;
    }
    status.textContent = count + " of " + rows.length + " points";
  };
  filter.addEventListener("input", show);

  // Points that are ticked have colours of their own in all curves.
  let colours = 0;
  for (const box of $("input[data-p]", body)) {
    box.addEventListener("change", () => {
      const name = "--p" + box.dataset.p;
      if (box.checked) document.documentElement.style.setProperty(name, "var(--series-" + (colours++ % 6) + ")");
      else document.documentElement.style.removeProperty(name);
      box.closest("tr").style.setProperty("--own", box.checked ? "var(" + name + ")" : "transparent");
    });
  }

  // Blocks of a layer.
  let read;
  const stored = () => {
    if (read) return read;
    read = JSON.parse(document.getElementById("blocks").textContent);
    for (const modules of read.points) {
      for (const [i, module] of modules.entries()) if (module[4] === 0) module[4] = modules[i - 1][4];
    }
    return read;
  };
  const short = { "attention.self.query": "Q", "attention.self.key": "K", "attention.self.value": "V", "attention.output.dense": "O", "intermediate.dense": "FFN in", "output.dense": "FFN out" };
  const svg = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, text] of Object.entries(attributes)) node.setAttribute(key, text);
    return node;
  };
  const picture = ([, kind, down, across, mask], heads, head) => {
    // A vector of neurons is folded into a square, row by row.
    const folded = across === 1 || down === 1;
    const n = down * across;
    const columns = folded ? Math.ceil(Math.sqrt(n)) : across;
    const bits = atob(mask);
    const open = (i) => (bits.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1;
    let path = "";
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (open(i)) count++;
      else path += "M" + (i % columns) + " " + Math.floor(i / columns) + "h1v1h-1z";
    }
    const height = Math.ceil(n / columns);
    const name = short[stored().kinds[kind]] ?? stored().kinds[kind];
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = name + ": " + count.toLocaleString("en") + " of " + n.toLocaleString("en") + " open" + (folded && n > 1 ? ", one square each" : ", " + down + " × " + across);
    const wide = Math.min(168, Math.max(40, columns * 12));
    const drawn = svg("svg", { role: "img", "aria-label": caption.textContent, width: wide, height: Math.max(8, (wide * height) / columns), viewBox: "0 0 " + columns + " " + height, preserveAspectRatio: "none", class: "grid" });
    drawn.append(svg("rect", { width: columns, height, class: "open" }), svg("path", { d: path, class: "closed" }));
    const ofHead = !folded && head !== undefined && heads > 0;
    if (ofHead && down % heads === 0 && name !== "O") drawn.append(svg("rect", { x: 0, y: (head * down) / heads, width: columns, height: down / heads, class: "mine" }));
    if (ofHead && across % heads === 0 && name === "O") drawn.append(svg("rect", { x: (head * across) / heads, y: 0, width: across / heads, height, class: "mine" }));
    figure.append(caption, drawn);
    return figure;
  };
  for (const masks of $(".masks[data-p]")) {
    const p = Number(masks.dataset.p) - 1;
    const place = masks.querySelector(".blocks");
    const draw = (layer, head) => {
      const heads = stored().heads[p];
      for (const button of $("button", masks)) button.setAttribute("aria-pressed", String(Number(button.dataset.layer) === layer));
      const own = stored().points[p].filter((module) => module[0] === layer);
      const title = document.createElement("p");
      title.textContent = "Layer " + layer + (head === undefined ? "" : ", head " + head) + ": blocks of each matrix, closed ones dark";
      const list = document.createElement("div");
      list.className = "matrices";
      list.append(...own.map((module) => picture(module, heads, head)));
      place.replaceChildren(title, list);
    };
    for (const button of $("button", masks)) button.addEventListener("click", () => draw(Number(button.dataset.layer)));
    const map = masks.querySelector("svg.heads[role=img]");
    if (map && masks.querySelector("button")) {
      map.classList.add("live");
      map.addEventListener("click", (event) => {
        const box = map.getBoundingClientRect();
        const scale = map.viewBox.baseVal.width / box.width;
        const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
        const [layer, head] = [Math.floor((y - 18) / 18), Math.floor((x - 26) / 18)];
        if (layer >= 0 && head >= 0 && head < stored().heads[p]) draw(layer, head);
      });
    }
  }
  document.documentElement.classList.add("scripted");
})();
`;
