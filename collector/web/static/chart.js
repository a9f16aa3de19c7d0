// Charts say their values: under the pointer, under a finger, and with the
// arrow keys. All is delegated, so that charts which come later work too.
(() => {
  const text = (v, unit) => {
    let a = Math.abs(v), i = 0, name = "";
    if (unit === "ratio") { v *= 100; name = " %"; }
    else if (unit === "seconds") {
      const s = [[86400, " d"], [3600, " h"], [60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]].find((s) => a >= s[0] * 0.9995 || a + s[0] === 1) || [1e-6, " µs"];
      v /= s[0];
      name = s[1];
    } else {
      const base = unit === "bytes" ? 1024 : 1000;
      for (; a >= base * 0.9995 && i < 5; i++) { a /= base; v /= base; }
      name = ["", "k", "M", "G", "T", "P"][i];
      name = { "bytes": i ? name.toUpperCase() + "iB" : "B", "bytes/s": name + "B/s", "per s": name + "/s", "count": name }[unit];
      name &&= " " + name;
    }
    a = Math.abs(v);
    return +v.toFixed(a < 9.995 ? 2 : a < 99.95 ? 1 : 0) + name;
  };
  const read = (f) => f.read ??= {
    ...f.dataset,
    last: f.querySelector(".plot").viewBox.baseVal.width,
    when: new Intl.DateTimeFormat(document.documentElement.lang.replace(/^en$/, "en-GB"), {
      timeZone: f.dataset.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    }),
    out: [...f.querySelectorAll("data")].map((e) => [e, e.textContent]),
    lines: [...f.querySelectorAll("[data-v]")].map((p) => [p.getAttribute("class").slice(1), p.dataset.v.split(",")]),
  };
  const hide = (f) => {
    f.cross.remove();
    f.cross = null;
    f.querySelector(".at").textContent = "";
    for (const [e, was] of f.read.out) e.textContent = was;
  };
  const show = (f, k) => {
    const c = read(f), svg = f.lastChild;
    f.at = k = Math.max(0, Math.min(c.last, k));
    if (!f.cross) {
      f.cross = svg.querySelector(".tick, line").cloneNode();
      f.cross.setAttribute("class", "cross");
      f.cross.setAttribute("y1", 14);
      f.cross.setAttribute("y2", 154);
      svg.append(f.cross);
      const title = svg.querySelector("title"); // it would be shown beside the values
      if (title) {
        svg.setAttribute("aria-label", title.textContent);
        title.remove();
      }
    }
    for (const x of ["x1", "x2"]) f.cross.setAttribute(x, (k / c.last) * 100 + "%");
    f.querySelector(".at").textContent = c.when.format(+c.from + k * c.step);
    for (const [i, v] of c.lines) c.out[i][0].textContent = v[k] ? text(v[k] * c.scale, c.unit) : c.none;
  };
  // What shows signals is made anew while nobody reads in it.
  setInterval(async () => {
    const old = [...document.querySelectorAll("[data-fresh]")].filter((e) => !document.hidden && !e.contains(document.activeElement) && !e.querySelector(".cross"));
    if (!old.length) return;
    const answer = await fetch(location.href).catch(() => 0);
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const e of old) page && page.getElementById(e.id)?.matches("[data-fresh]") && e.replaceChildren(...page.getElementById(e.id).childNodes);
  }, 20000);
  const under = (e) => e.target.closest?.(".chart > svg")?.parentNode;
  const follow = (e) => {
    const f = under(e);
    for (const o of document.querySelectorAll(".chart")) if (o.cross && o !== f) hide(o);
    if (!f) return;
    const box = f.lastChild.getBoundingClientRect();
    show(f, Math.round(((e.clientX - box.left) / box.width) * read(f).last));
  };
  addEventListener("pointermove", follow, { passive: true });
  addEventListener("pointerdown", follow, { passive: true });
  addEventListener("focusout", (e) => under(e)?.cross && hide(under(e)));
  addEventListener("keydown", (e) => {
    const f = under(e);
    if (!f) return;
    const last = read(f).last, at = f.cross ? f.at : last + 1, far = e.shiftKey ? 10 : 1;
    const to = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: last }[e.key];
    if (e.key === "Escape" && f.cross) hide(f);
    if (to === undefined) return;
    e.preventDefault();
    show(f, to);
    const said = document.getElementById("said");
    if (said) said.textContent = f.querySelector("figcaption").innerText;
  });
})();
