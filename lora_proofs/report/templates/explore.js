"use strict";
// A slider moves, the server draws, the parts of the page are replaced. Without this script the
// button does the same.
(() => {
  const form = document.getElementById("setting");
  const at = (id) => document.getElementById(id);
  const chosen = () => form.querySelector("[name=claim]:checked");
  let pending = null, wanted = false;

  const fit = () => {
    const square = at("loss").value === "trace-squared";
    at("m").disabled = square;
    const most = Math.min(+at("n").value, square ? +at("n").value : +at("m").value);
    at("r").max = most;
    if (+at("r").value > most) at("r").value = most;
    at("field-values").hidden = at("spectrum").value !== "custom";
    at("field-top").hidden = at("spectrum").value === "custom";
    at("field-factor").hidden = ["custom", "flat"].includes(at("spectrum").value);
    at("field-layers").hidden = !chosen().value.startsWith("zeng-lee/");
    for (const input of form.querySelectorAll("input[type=range]")) {
      at(input.id + "-is").value = input.id === "m" && square ? at("n").value : input.value;
    }
  };

  const query = () => {
    const asked = new URLSearchParams(new FormData(form));
    if (!asked.get("claim")) asked.delete("claim");
    return asked.toString();
  };

  const complaint = () => {
    const wrong = [...form.elements].find((one) => one.willValidate && !one.validity.valid);
    return wrong ? `${wrong.id}: ${wrong.title || wrong.validationMessage}` : "";
  };

  const draw = async () => {
    fit();
    at("problem").textContent = complaint();
    if (at("problem").textContent) return;
    if (pending) { wanted = true; return; }
    const asked = query();
    pending = fetch("/draw?" + asked);
    try {
      const answer = await pending;
      if (answer.ok) {
        for (const [id, html] of Object.entries(await answer.json())) {
          if (at(id).innerHTML !== html) at(id).innerHTML = html;
        }
        at("problem").textContent = complaint();
        history.replaceState(null, "", "?" + asked);
      } else {
        at("problem").textContent = await answer.text();
      }
    } catch {
      at("problem").textContent = "The server does not answer: start lora-proofs explore again.";
    }
    pending = null;
    if (wanted) { wanted = false; draw(); }
  };

  // What a claim assumes of loss and start is chosen with it, where it is not chosen yet.
  const preset = () => {
    const [loss, starts] = (chosen().dataset.preset || ";").split(";");
    if (loss) at("loss").value = loss;
    if (starts && !starts.split(",").includes(at("start").value)) {
      at("start").value = starts.split(",")[0];
    }
    if (chosen().value.startsWith("zeng-lee/") && loss) at("m").value = at("n").value;
  };

  const find = () => {
    const words = at("find").value.toLowerCase().split(/\s+/);
    for (const label of form.querySelectorAll(".group label")) {
      const text = label.textContent.toLowerCase();
      label.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of form.querySelectorAll(".group")) {
      group.hidden = !group.querySelector("label:not([hidden])");
    }
  };

  form.addEventListener("input", (event) => {
    if (event.target === at("find")) return find();
    if (event.target.name === "claim") preset();
    draw();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); draw(); });
  document.documentElement.classList.add("scripted");
  fit();
  if (chosen().value) at("claims").scrollTop = chosen().closest("label").offsetTop - at("claims").offsetTop - 60;
})();
