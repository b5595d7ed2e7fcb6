// Times in the reader's zone, and pages that stay true while they are looked at. Everything works without it.
"use strict";
(() => {
  const every = 15000;
  const day = { year: "numeric", month: "2-digit", day: "2-digit" };
  const format = new Intl.DateTimeFormat("sv-SE", { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      time.dataset.local = "1";
      if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
      const words = format.format(at);
      const shown = document.createElement("span");
      shown.className = "local";
      shown.textContent = words.slice(0, 10) === time.textContent.slice(0, 10) ? words.slice(11) : words;
      time.append(" ", shown);
    }
  };
  local(document);
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const old = document.querySelector(".bar.old");
  let read = Date.now();
  // What somebody reads or types in stays as it is; the bar then says how old it has become.
  const busy = () => main.contains(document.activeElement) || !getSelection().isCollapsed;
  const opened = () => [...main.querySelectorAll("details")].map((part) => part.open);
  const refresh = async () => {
    if (document.hidden) return;
    let answers = true;
    if (!busy()) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const open = opened();
        main.replaceChildren(...page.querySelector("main").childNodes);
        main.querySelectorAll("details").forEach((part, number) => { part.open = Boolean(open[number]); });
        local(main);
        read = Date.now();
      } catch { answers = false; }
    }
    const age = Date.now() - read;
    old.hidden = age < 3 * every;
    const minutes = Math.max(1, Math.round(age / 60000));
    old.textContent = `This page is ${minutes} min old: `
      + (answers ? "it is not renewed while you type or select in it." : "the monitor does not answer.");
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
})();
