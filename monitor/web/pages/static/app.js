// Times in the reader's zone, and pages that stay true while they are looked at. Everything works without it.
"use strict";
(() => {
  const every = 15000;
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      time.dataset.local = "1";
      if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
      const day = { year: "numeric", month: "2-digit", day: "2-digit" };
      const format = new Intl.DateTimeFormat("sv-SE", { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
      time.append(` (${format.format(at)})`);
    }
  };
  local(document);
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const old = document.querySelector(".bar.old");
  let read = Date.now();
  const refresh = async () => {
    if (document.hidden || main.contains(document.activeElement) || main.querySelector("details[open]")) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      main.replaceChildren(...page.querySelector("main").childNodes);
      local(main);
      read = Date.now();
    } catch { /* the bar says how old the page is */ }
    if (old) old.hidden = Date.now() - read < 3 * every;
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
})();
