(() => {
  const filter = document.getElementById("filter");
  const status = document.getElementById("filtered");
  const judged = [...document.querySelectorAll("[data-verdict]")];
  const show = () => {
    const off = [...filter.querySelectorAll("input")].filter((box) => !box.checked);
    const hidden = new Set(off.map((box) => box.value));
    for (const node of judged) node.hidden = hidden.has(node.dataset.verdict);
    const kinds = [...hidden].join(", ");
    status.textContent = kinds ? `Hidden: the claims that are ${kinds}.` : "Every claim is shown.";
  };
  if (filter) {
    filter.hidden = false;
    filter.addEventListener("change", show);
  }

  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const chapter = target && target.closest("[data-verdict]");
    if (chapter && chapter.hidden) {
      for (const box of filter.querySelectorAll("input"))
        if (box.value === chapter.dataset.verdict) box.checked = true;
      show();
    }
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const node of opened) node.open = true;
  });
  addEventListener("afterprint", () => {
    for (const node of opened) node.open = false;
  });

  // What scrolls is reached with the keyboard; looked at only when it is seen, so that a long page
  // is not laid out at once.
  const reach = new IntersectionObserver((seen) => {
    for (const { target: box, isIntersecting } of seen)
      if (!isIntersecting) continue;
      else if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
  });
  for (const box of document.querySelectorAll(".display, .scroll, .inline, pre, code.long")) reach.observe(box);
})();
