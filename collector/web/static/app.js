// Keeps a page true while it is open. Without it every page is whole too.
(() => {
  'use strict';
  const root = document.documentElement;
  const store = (v) => { try { return v === undefined ? localStorage.theme : (localStorage.theme = v); } catch { return ''; } };
  root.classList.add('js');
  if (store()) root.dataset.theme = store(); // before anything is painted

  const $ = (id) => document.getElementById(id);
  let skew = 0, clock = '', units = [], touched = 0, waiting = null, news = '', seen = '';

  // Durations, as the server says them.
  const parts = [[86400, 3], [3600, 2], [60, 1], [1, 0]];
  function long(ms) {
    let s = Math.max(0, Math.floor(ms / 1000));
    const out = [];
    for (const [size, unit] of parts) {
      const n = Math.floor(s / size);
      if (n || out.length || size === 1) out.push(n || !out.length ? units[unit].replace('2', n) : '');
      s -= n * size;
      if (out.length === 2) break;
    }
    return out.filter(Boolean).join(units[4].replace(units[1], '').replace(units[0], ''));
  }
  function tick() {
    const now = Date.now() + skew;
    for (const t of document.querySelectorAll('time[data-since],time[data-until]')) {
      const at = Date.parse(t.dateTime);
      const text = long('since' in t.dataset ? now - at : at - now);
      if (t.textContent !== text) t.textContent = text;
    }
  }
  function read(doc) {
    const d = doc.documentElement.dataset;
    skew = Number(d.now) - Date.now();
    clock = d.clock;
    seen = d.versions;
    units = JSON.parse(d.units);
  }

  // A form that somebody is at is left alone, with the epoch that they read.
  const busy = (f) => f.contains(document.activeElement) || f.dataset.dirty || f.closest('details[open]');
  const forms = (el) => [...el.querySelectorAll('form')].filter(busy);

  // morph makes a what b is, and keeps what need not change: focus, open
  // details, selections.
  function morph(a, b, now) {
    if (a.nodeType !== 1) { if (a.data !== b.data) a.data = b.data; return; }
    if (a.tagName === 'FORM' && busy(a)) {
      if (now) for (const i of b.querySelectorAll('[type=hidden]')) for (const o of a.querySelectorAll('[type=hidden]')) if (o.name === i.name) o.value = i.value;
      return;
    }
    for (const { name } of [...a.attributes]) if (name !== 'open' && !b.hasAttribute(name)) a.removeAttribute(name);
    for (const { name, value } of b.attributes) if (name !== 'open' && a.getAttribute(name) !== value) a.setAttribute(name, value);
    let at = a.firstChild;
    for (const want of [...b.childNodes]) {
      let have = want.id ? [...a.children].find((c) => c.id === want.id) : at;
      if (have && (have.nodeName !== want.nodeName || (!want.id && have.id))) have = null;
      if (!have) { a.insertBefore(document.importNode(want, true), at); continue; }
      if (have !== at) {
        if (have.contains(document.activeElement)) while (at !== have) { const n = at.nextSibling; have.after(at); at = n; }
        else a.insertBefore(have, at);
      }
      morph(have, want, now);
      at = have.nextSibling;
    }
    while (at) { const n = at.nextSibling; at.remove(); at = n; }
  }

  // moves tells whether the change of a region would move what is seen: what is
  // below it, or its own inside. Rows of one height change in place.
  function moves(r, want) {
    const box = r.getBoundingClientRect();
    const seen = (b) => b.height && b.top < innerHeight && b.bottom > 0 && b.left < box.right && b.right > box.left;
    if (document.hidden || r.closest('.top') || !seen(box) && !r.hidden) return false;
    const ghost = document.importNode(want, true);
    const was = r.querySelectorAll('details');
    ghost.querySelectorAll('details').forEach((d, i) => { d.open = d.open || Boolean(was[i]?.open); });
    for (const el of [ghost, ...ghost.querySelectorAll('[id]')]) el.removeAttribute('id');
    ghost.classList.add('ghost');
    ghost.style.width = box.width + 'px';
    r.after(ghost);
    const height = ghost.getBoundingClientRect().height;
    ghost.remove();
    if (Math.abs(height - box.height) <= 1) return false;
    if (!('rows' in r.dataset)) return true;
    for (let el = r; el.id !== 'main'; el = el.parentElement) {
      for (let next = el.nextElementSibling; next; next = next.nextElementSibling) if (seen(next.getBoundingClientRect())) return true;
    }
    return false;
  }

  // show brings the page up to date. What would move under somebody's finger
  // waits until they ask for it, or have been away.
  function show(doc, now) {
    const typing = forms(document).some((f) => f.dataset.dirty || f.contains(document.activeElement));
    const still = !now && (typing || performance.now() - touched < 60000);
    const said = [];
    let later = false;
    for (const r of document.querySelectorAll('[data-live]')) {
      const w = doc.getElementById(r.id);
      if (!w || r.isEqualNode(w)) continue;
      const lost = !now && forms(r).some((f) => !w.querySelector(`form[action="${CSS.escape(f.getAttribute('action'))}"]`));
      if (w.dataset.say && r.dataset.say !== w.dataset.say) said.push(w.dataset.say);
      if (lost || still && moves(r, w)) { later = true; continue; }
      morph(r, w, now);
    }
    document.title = doc.title;
    if (said.join() !== news) { news = said.join(); if (news) $('said').textContent = said.join('. '); }
    waiting = later ? doc : null;
    $('news').hidden = !later;
    $('news').querySelector('b').textContent = later ? said.join('. ') : '';
    tick();
  }

  function banner(text, href) {
    const p = $('lost');
    root.classList.toggle('is-lost', Boolean(text));
    p.hidden = !text;
    if (!text || p.dataset.text === text) return;
    p.dataset.text = text;
    p.textContent = text;
    if (href) { const a = document.createElement('a'); a.href = href; a.textContent = document.body.dataset.signin; p.append(' ', a); }
  }

  let asking = false, again = false, last = 0, timer = 0;
  async function fresh() {
    if (asking) { again = true; return; }
    asking = true;
    last = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store', signal: AbortSignal.timeout(10000) });
      if (answer.status === 401 || new URL(answer.url).pathname === '/login') {
        banner(document.body.dataset.out, '/login?next=' + encodeURIComponent(location.pathname + location.search));
        return;
      }
      const doc = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (!doc.documentElement.dataset.units) throw new Error('not a page');
      read(doc);
      banner('');
      show(doc, false);
    } catch {
      banner(document.body.dataset.lost.replace('%s', clock));
    } finally {
      asking = false;
      if (again) { again = false; soon(); }
    }
  }
  // soon asks once for many changes that come together.
  function soon() {
    if (document.body.dataset.posted) { $('news').hidden = false; return; }
    if (timer) return;
    const pause = document.hidden ? 10000 : 1000;
    timer = setTimeout(() => { timer = 0; fresh(); }, Math.max(80, last + pause - performance.now()));
  }
  function at_once() {
    if (document.hidden) return;
    clearTimeout(timer);
    timer = 0;
    if (!document.body.dataset.posted) fresh();
    if (!stream || stream.readyState === 2) follow();
  }

  let stream = null;
  function follow() {
    stream?.close();
    stream = new EventSource(document.body.dataset.stream);
    stream.addEventListener('change', (e) => {
      const v = JSON.parse(e.data);
      if ([v.gates, v.alerts, v.incidents, v.told, v.silences, v.agents, v.rules].join(' ') !== seen) soon();
    });
    stream.onopen = () => { if (!$('lost').hidden) fresh(); };
    stream.onerror = () => {
      fresh();
      if (stream.readyState === 2) setTimeout(follow, 5000);
    };
  }

  addEventListener('DOMContentLoaded', () => {
    read(document);
    tick();
    setInterval(tick, 1000);
    const theme = document.querySelector('[data-theme-toggle]');
    theme.addEventListener('click', () => {
      const dark = (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
      root.dataset.theme = dark ? 'light' : 'dark';
      store(root.dataset.theme);
    });
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
    const named = location.hash && $(decodeURIComponent(location.hash.slice(1)));
    if (named instanceof HTMLDetailsElement) { named.open = true; named.querySelector('textarea,select,input:not([type=hidden])')?.focus(); }
    addEventListener('input', (e) => { const f = e.target.form; if (f) f.dataset.dirty = '1'; });
    for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchmove']) addEventListener(kind, () => { touched = performance.now(); }, { passive: true, capture: true });
    if (!document.body.dataset.stream) return;
    $('news').addEventListener('click', () => {
      if (document.body.dataset.posted) location.replace(location.pathname.startsWith('/gates') || location.pathname.startsWith('/incidents') ? location.href : '/');
      else if (waiting) show(waiting, true);
    });
    follow();
    setInterval(() => { if (waiting) show(waiting, false); else if (performance.now() - last > 30000) at_once(); }, 3000);
    document.addEventListener('visibilitychange', at_once);
    addEventListener('online', at_once);
    addEventListener('offline', fresh);
    addEventListener('pageshow', (e) => { if (e.persisted) at_once(); });
  });
})();
