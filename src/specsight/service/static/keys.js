"use strict";
// Keys for everything: what carries data-key is pressed by it, as long as it is visible. Without script a page works by its buttons.
// data-does: "marks" hides what is laid over pictures, "size" enlarges them.
(() => {
  const TYPED = "textarea, select, input:not([type=radio]):not([type=checkbox]):not([type=range])";
  const does = {
    marks: () => { for (const one of document.querySelectorAll(".pictures")) one.classList.toggle("bare"); },
    size: () => {
      for (const pictures of document.querySelectorAll(".pictures")) {
        const large = pictures.classList.toggle("large");
        for (const image of pictures.querySelectorAll(".layers img")) {
          const frame = image.parentNode;
          const width = Math.max(2.5 * frame.clientWidth, frame.querySelector("img").naturalWidth);
          image.style.width = large ? `${width}px` : "";
          image.style.height = large ? "auto" : "";
        }
      }
    },
  };
  const press = (element) => {
    if (element.matches("textarea, select, input")) element.focus();
    else if (element.matches("summary")) {
      element.parentNode.open = !element.parentNode.open || Boolean(element.parentNode.querySelector("textarea"));
      const first = element.parentNode.open && element.parentNode.querySelector("textarea, button");
      if (first) first.focus();
    } else element.click();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-does]");
    if (button && does[button.dataset.does]) does[button.dataset.does]();
  });

  let sent = false;
  const form = document.querySelector("main form[method=post]:not([hx-post])");
  if (form) form.addEventListener("submit", (event) => { if (sent) event.preventDefault(); sent = true; });
  // A page that comes back by the browser's own button may be sent again.
  window.addEventListener("pageshow", () => { sent = false; });

  document.addEventListener("keydown", (event) => {
    const field = event.target.matches(TYPED);
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
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.matches("input[type=radio], input[type=range]") && name.startsWith("Arrow")) return;
    const element = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === name && one.getClientRects().length);
    if (!element) return;
    event.preventDefault();
    press(element);
  });
})();
