"use strict";
// Keys for everything: what carries data-key is pressed by it. Without script the page works by its buttons.
(() => {
  const pictures = document.querySelector(".pictures");
  const press = (element) => {
    if (element.id === "toggle-marks") pictures.classList.toggle("bare");
    else if (element.id === "zoom") {
      const large = pictures.classList.toggle("large");
      for (const image of pictures.querySelectorAll(".layers img")) {
        const frame = image.parentNode;
        const width = Math.max(2.5 * frame.clientWidth, frame.querySelector("img").naturalWidth);
        image.style.width = large ? `${width}px` : "";
        image.style.height = large ? "auto" : "";
      }
    }
    else if (element.matches("textarea, select")) element.focus();
    else if (element.matches("summary")) {
      element.parentNode.open = true;
      element.parentNode.querySelector("textarea").focus();
    } else element.click();
  };
  for (const button of document.querySelectorAll("#toggle-marks, #zoom")) button.addEventListener("click", () => press(button));

  let sent = false;
  const form = document.querySelector("form");
  if (form) form.addEventListener("submit", (event) => { if (sent) event.preventDefault(); sent = true; });
  // A page that comes back by the browser's own button may be sent again.
  window.addEventListener("pageshow", () => { sent = false; });

  document.addEventListener("keydown", (event) => {
    const field = event.target.matches("textarea, select");
    if (field && event.key === "Escape") { event.target.blur(); return; }
    if (field && event.key === "Enter" && event.ctrlKey && event.target.dataset.saves) {
      event.preventDefault();
      form.requestSubmit(form.querySelector(`button[value=${event.target.dataset.saves}]`));
      return;
    }
    if (field || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const scales = form ? [...form.querySelectorAll("fieldset")] : [];
    if (/^[0-9]$/.test(event.key) && scales.length) {
      // A digit answers the scale that has the focus, or the first without a value, and goes on to the next.
      const scale = document.activeElement.closest("fieldset") || scales.find((one) => !one.querySelector(":checked"));
      const choice = scale && scale.querySelector(`input[value="${event.key}"]`);
      if (!choice) return;
      choice.checked = true;
      event.preventDefault();
      const left = scales.find((one) => !one.querySelector(":checked"));
      if (left) left.querySelector("input").focus();
      else form.querySelector("button").focus();
      return;
    }
    const element = /^[a-z]$/i.test(event.key) && document.querySelector(`[data-key=${event.key.toLowerCase()}]`);
    if (!element) return;
    event.preventDefault();
    press(element);
  });
})();
