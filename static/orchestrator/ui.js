/* What pages do beyond links and forms; they work without it. Listeners sit on the document and read
   data attributes, so parts swapped in work at once. Choices are cookies: the server knows them too. */
(() => {
  "use strict";
  const doc = document, root = doc.documentElement;
  const $ = (selector, within = doc) => within.querySelector(selector);
  const $$ = (selector, within = doc) => [...within.querySelectorAll(selector)];
  const each = (selector, act, within) => $$(selector, within).forEach(act);
  const on = (types, act) => types.split(" ").forEach((type) => doc.addEventListener(type, act));
  const cookie = (name) => (doc.cookie.match(`(?:^|; )${name}=([^;]*)`) || [])[1];
  const keep = (name, value) => {
    doc.cookie = `${name}=${value};path=/;samesite=lax;max-age=${value ? 31536000 : 0}${location.protocol === "https:" ? ";secure" : ""}`;
  };
  const write = (part, text) => { if (part.textContent !== text) part.textContent = text; };
  const say = (text) => write($("#live-region"), text);

  /* ---- Live: elements with data-live get a "live" event when they may ask the server again ---- */
  const control = $("[data-live-control]");
  let active = Date.now(), fresh = active, failures = 0, paused = cookie("live") === "off", ended = false, timer, waits = 0;

  const cadence = () => {
    const idle = Date.now() - active;
    const seconds = failures ? Math.min(2 ** failures, 60) : idle < 60e3 ? 2 : idle < 600e3 ? 10 : 60;
    return seconds * 1000 * (0.9 + Math.random() / 5);
  };
  const held = (region) => {
    const chosen = getSelection();
    return $("dialog[open]") || $(".menu[open], input:checked", region) || (chosen && !chosen.isCollapsed && region.contains(chosen.anchorNode));
  };
  const schedule = () => {
    clearTimeout(timer);
    if (paused || ended || doc.hidden) return;
    waits = cadence();
    timer = setTimeout(tick, waits);
    if (failures) show();
  };
  const tick = () => {
    if (!ended) each("[data-live]", (region) => held(region) || region.dispatchEvent(new CustomEvent("live")));
    schedule();
  };
  const show = () => {
    if (!control) return;
    const age = Math.round((Date.now() - fresh) / 1000);
    const text = paused ? "Paused" : failures ? `Connection lost, retrying in ${Math.round(waits / 1000)} s` : age < 20 ? "Live" : `Live · ${length(age)} ago`;
    control.hidden = !$("[data-live]:not([data-live=quiet])");
    control.setAttribute("aria-pressed", paused);
    control.classList.toggle("failing", failures > 0);
    write($("[data-live-text]", control), text);
  };
  const answered = (event) => {
    const { elt, successful, ctx } = event.detail;
    if (ended || !(elt || event.target).matches("[data-live]")) return;
    const good = successful ?? (ctx?.response?.status || 500) < 400;
    if (good) fresh = Date.now();
    else if (!failures) say("Connection lost");
    failures = good ? 0 : failures + 1;
    if (failures) schedule();
    show();
  };
  on("htmx:afterRequest htmx:after:request", answered);
  on("pointerdown keydown wheel", () => {
    active = Date.now();
    if (waits > 2500) schedule();
  });
  on("visibilitychange", () => (doc.hidden ? clearTimeout(timer) : tick()));
  on("changed", tick);

  /* ---- Boxes of a list: one for all of them. A region with one that is on keeps still (held) ---- */
  on("change", ({ target }) => {
    const all = target.dataset.checkAll;
    if (all) each(`input[type=checkbox][name="${all}"]`, (box) => { box.checked = target.checked; });
  });

  /* ---- Swaps: what was open stays open, and the focus goes where the news is ---- */
  let opened = [], scrolled = [];
  on("htmx:beforeSwap htmx:before:swap", (event) => {
    opened = $$("details[id]", event.target).map((part) => [part.id, part.open]);
    scrolled = $$(".figure").map((part) => part.scrollLeft);
  });
  on("htmx:afterSwap htmx:after:swap", (event) => {
    opened.forEach(([id, open]) => { const part = doc.getElementById(id); if (part) part.open = open; });
    figures(scrolled);
    const target = event.target, dialog = target.closest("dialog");
    if (dialog && !dialog.open && target.textContent.trim()) dialog.showModal();
    attend(target);
    times();
    show();
  });
  /* A diagram that is too wide shows where its machine is, until somebody scrolls it. */
  const figures = (kept) => $$(".figure").forEach((part, number) => {
    const frame = $(".is-current > .d-frame", part), outer = part.getBoundingClientRect(), inner = frame && frame.getBoundingClientRect();
    if (number in kept) part.scrollLeft = kept[number];
    else if (frame) part.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  });
  figures([]);
  const attend = (within) => {
    const news = $(".error-summary, [data-attend]", within.parentElement || within);
    if (news) news.focus();
  };

  /* ---- Toasts, asked for by HX-Trigger {"toast": "Saved"} or {"toast": {"text": …, "level": …}} ---- */
  const narrow = matchMedia("(max-width: 799px)");
  const toast = (text, level = "success") => {
    const line = $("#toast").content.firstElementChild.cloneNode(true), use = $("use", line);
    const [family, icon] = { error: ["failed", "octagon-x"], warning: ["retry", "triangle-alert"], success: ["ok", "circle-check"] }[level] || ["running", "info"];
    line.classList.add(`is-${family}`);
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
    $("p", line).textContent = text;
    each(".toast[data-expires]", (old) => old.remove());
    place(line);
    say(text);
    if (level !== "error") expire(line);
  };
  /* A message takes its own room. On a narrow screen that pushes the page down, also where it is scrolled:
     the browser would hold the page, and the message would stand on it. */
  const place = (line) => {
    const dialog = $("#dialog[open] #dialog-body");
    root.style.overflowAnchor = "none";
    (dialog || $("#toasts")).prepend(line);
    // The live region is out of reach behind a dialog.
    if (dialog) line.setAttribute("role", "alert");
    requestAnimationFrame(() => requestAnimationFrame(() => { root.style.overflowAnchor = ""; }));
  };
  /* It goes when nobody reads it, and when nothing moves under a finger: at the top of a narrow page it stays. */
  const expire = (line) => {
    line.dataset.expires = "";
    setTimeout(() => {
      const moves = narrow.matches && scrollY < line.offsetHeight;
      if (moves || line.matches(":hover, :focus-within")) expire(line);
      else line.remove();
    }, 8000);
  };
  on("toast", ({ detail }) => toast(detail.text ?? detail.value, detail.level));
  on("htmx:responseError htmx:sendError", ({ detail }) => {
    if (ended || detail.elt.matches("[data-live]")) return;
    const status = detail.xhr?.status;
    toast({ 0: "The server did not answer. Try again.", 403: "You may not do that.", 404: "This is no longer there.", 413: "That is too large to send. Nothing was changed." }[status] || `That did not work (error ${status}).`, "error");
  });

  /* ---- Forms: what is being sent is not sent again, by whichever button or key ---- */
  const sending = (form, is) => {
    if (!form.matches("form[method=post]")) return;
    // Its buttons are not disabled: that takes the focus away, and the pressed one out of what is sent.
    if (is) form.setAttribute("aria-busy", "true");
    else form.removeAttribute("aria-busy");
  };
  doc.addEventListener("submit", (event) => {
    if (!event.target.matches("[aria-busy]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  on("submit", (event) => event.defaultPrevented || sending(event.target, true));
  on("htmx:beforeSend htmx:before:request", (event) => sending(event.target, true));
  on("htmx:afterRequest htmx:after:request", (event) => sending(event.target, false));
  addEventListener("pageshow", () => each("form[aria-busy]", (form) => sending(form, false)));

  /* ---- A session that has ended: log in on this very page, and go on with what was typed ---- */
  const login = $("#session");
  const ask = () => $("#session-body").dispatchEvent(new Event("ask"));
  on("session-expired", () => {
    if (ended || !login) return;
    ended = true;
    // Here and not in the page: a page that is refused must not say what was asked for.
    each("[data-back]", (link) => { link.search = new URLSearchParams({ next: location.pathname + location.search }); });
    login.showModal();
    ask();
  });
  on("session-renewed", ({ detail }) => {
    if (detail.user !== doc.body.dataset.user) { location.reload(); return; }
    each("input[name=csrfmiddlewaretoken]", (input) => { input.value = detail.token; });
    ended = false;
    login.close();
    toast("You are logged in again. If you were sending something, send it now.");
    tick();
  });
  // A project's own login page does not fit into a dialog; the link to it stays.
  on("htmx:beforeSwap", (event) => {
    const { target, detail } = event;
    if (target.id === "session-body" && !detail.xhr.responseText.includes('id="session-title"')) detail.shouldSwap = false;
  });
  // Perhaps somebody has logged in in another window.
  on("visibilitychange", () => ended && !doc.hidden && !$("[type=password]", login)?.value && ask());
  doc.addEventListener("cancel", (event) => event.target === login && event.preventDefault(), true);

  /* ---- Times that count on, in the words of orchestrator/moments.py ---- */
  const units = [["d", 86400, "h", 3600], ["h", 3600, "m", 60], ["m", 60, "s", 1], ["s", 1]];
  const length = (seconds, both) => {
    const [unit, size, smaller, part] = units.find((each) => seconds >= each[1]) || units[3];
    return `${Math.floor(seconds / size)} ${unit}` + (both && smaller ? ` ${Math.floor((seconds % size) / part)} ${smaller}` : "");
  };
  const times = () => each("time[data-relative], time[data-elapsed]", (part) => {
    const seconds = Math.round((Date.now() - Date.parse(part.dateTime)) / 1000);
    const text = "elapsed" in part.dataset ? length(Math.max(seconds, 0), true) : seconds < 0 ? `in ${length(-seconds)}` : seconds ? `${length(seconds)} ago` : "now";
    write(part, text);
  });
  setInterval(() => { if (!doc.hidden && !paused) { times(); show(); } }, 1000);

  /* ---- Theme: system, light, dark ---- */
  const themes = ["", "light", "dark"];
  const theme = (name) => {
    if (name) root.dataset.theme = name;
    else delete root.dataset.theme;
    each("[data-theme-switch]", (button) => button.setAttribute("aria-label", `Colours: ${name || "as the system"}`));
  };
  theme(root.dataset.theme || "");

  /* ---- Clicks ---- */
  const clicks = {
    "data-theme-switch": () => {
      const next = themes[(themes.indexOf(root.dataset.theme || "") + 1) % 3];
      keep("theme", next);
      theme(next);
    },
    "data-live-control": () => {
      paused = !paused;
      keep("live", paused ? "off" : "");
      if (paused) clearTimeout(timer);
      else tick();
      show();
    },
    "data-dismiss": (button) => button.closest(".toast, .notice").remove(),
    "data-close": (button, event) => {
      const dialog = button.closest("dialog");
      if (dialog) { event.preventDefault(); dialog.close(); }
    },
    "data-keys-help": () => help(),
    "data-copy": async (button) => {
      await navigator.clipboard.writeText(button.dataset.copy || $(button.dataset.copyFrom).innerText);
      toast("Copied");
    },
  };
  on("click", (event) => {
    const found = event.target.closest(Object.keys(clicks).map((name) => `[${name}]`).join());
    if (found) Object.keys(clicks).forEach((name) => found.hasAttribute(name) && clicks[name](found, event));
    if (event.target.matches("dialog") && event.target !== login) event.target.close();
    if (event.target.closest("[aria-disabled=true]")) event.preventDefault();
    each(".menu[open]", (menu) => menu.contains(event.target) || (menu.open = false));
  });
  on("dialog-close", () => each("dialog[open]", (dialog) => dialog.close()));

  /* ---- Keys: data-key="g r" on what a key should press; off with one switch ---- */
  const box = $("[data-keys-switch]");
  if (box) box.checked = cookie("keys") !== "off";
  on("change", (event) => { if (event.target === box) keep("keys", box.checked ? "" : "off"); });
  let typed = "";
  const help = () => {
    const list = $("#keys dl");
    const line = (keys, words) => {
      const term = doc.createElement("dt"), text = doc.createElement("dd");
      keys.split(" ").forEach((key) => { const cap = doc.createElement("kbd"); cap.textContent = key; term.append(cap); });
      text.textContent = words;
      list.append(term, text);
    };
    list.replaceChildren();
    each("[data-key]", (part) => part.hidden || line(part.dataset.key, part.getAttribute("aria-label") || part.textContent.trim().replace(/\s*\d*$/, "")));
    if ($(".row-link")) line("j k", "Next row, previous row");
    $("#keys").showModal();
  };
  const move = (step, at) => {
    const rows = $$(".row-link"), now = rows.findIndex((row) => row.closest("tr, li").contains(at));
    (rows[now + step] || rows[now] || rows[0])?.focus();
  };
  on("keydown", (event) => {
    const at = event.target;
    if (event.key === "Escape") each(".menu[open]", (menu) => { menu.open = false; $("summary", menu).focus(); });
    if (event.ctrlKey && event.key === "Enter" && at.form) $("[data-confirms]", at.form)?.click();
    if (event.ctrlKey || event.metaKey || event.altKey || at.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if ((box && !box.checked) || $("dialog[open]")) return;
    const keys = typed ? `${typed} ${event.key}` : event.key;
    typed = "";
    const found = $$("[data-key]").find((part) => part.dataset.key === keys && !part.hidden && !part.disabled);
    if (found) { event.preventDefault(); found.focus(); found.matches("input, textarea, select") || found.click(); }
    else if (keys === "j" || keys === "k") move(keys === "j" ? 1 : -1, at);
    else if ($(`[data-key^="${CSS.escape(keys)} "]`)) {
      typed = keys;
      setTimeout(() => { typed = ""; }, 1200);
    }
  });

  /* ---- Begin ---- */
  addEventListener("DOMContentLoaded", () => {
    each(".toast", (line) => { say(line.innerText); if ("expires" in line.dataset) expire(line); });
    attend(root);
    times();
    show();
    schedule();
  });
})();
