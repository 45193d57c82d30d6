// What script adds to pages that work without it. Nothing here is needed to get through a journey.
(() => {
  "use strict";

  // Back brings a page back as it was left: it must answer again, and must not send the person away a second time.
  const arrivedByHistory = () => {
    const [entry] = performance.getEntriesByType("navigation");
    return entry !== undefined && entry.type === "back_forward";
  };

  const release = (form) => {
    form.removeAttribute("aria-busy");
  };

  // A page that stays (connection lost, Stop pressed) is released after a while rather than never.
  const RELEASE_AFTER_MS = 8000;

  const submitOnce = (form) => {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy") === "true") {
        event.preventDefault();
        return;
      }
      form.setAttribute("aria-busy", "true");
      setTimeout(() => release(form), RELEASE_AFTER_MS);
    });
  };

  const offerToShow = (input) => {
    const button = document.createElement("button");
    const show = (visible) => {
      input.type = visible ? "text" : "password";
      button.textContent = visible ? input.dataset.hideLabel : input.dataset.showLabel;
    };
    button.type = "button";
    button.className = "secondary";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => show(input.type === "password"));
    // Sent as a password field, so that the browser never keeps it among the texts it completes.
    input.form.addEventListener("submit", () => show(false));
    input.parentElement.append(button);
    show(false);
  };

  const offerToCopy = (line) => {
    if (!navigator.clipboard) {
      return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "secondary";
    button.textContent = line.dataset.copyLabel;
    const status = document.createElement("span");
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line.dataset.copy);
      button.textContent = line.dataset.copiedLabel;
      status.textContent = line.dataset.copiedLabel;
    });
    line.append(button, status);
  };

  document.querySelectorAll("form").forEach(submitOnce);
  document.querySelectorAll("input[data-show-label]").forEach(offerToShow);
  document.querySelectorAll("[data-copy]").forEach(offerToCopy);
  document.querySelector(".error-summary")?.focus();

  const departure = document.querySelector("form[data-auto-submit]");
  if (departure && !arrivedByHistory()) {
    departure.requestSubmit();
  }

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      document.querySelectorAll("form").forEach(release);
    }
  });
})();
