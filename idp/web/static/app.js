// What script adds to pages that work without it. Nothing here is needed to get through a journey.
// Written in plain old JavaScript, each browser function asked for before it is used: pages are also opened by old
// browsers on hospital computers and by simple engines, and a page whose script fails must still be whole.
(function () {
  "use strict";

  // A page that stays (connection lost, Stop pressed) is released after a while rather than never.
  var RELEASE_AFTER_MS = 8000;

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  // Back brings a page back as it was left: it must answer again, and must not send the person away a second time.
  function arrivedByHistory() {
    if (!window.performance || !performance.getEntriesByType) {
      return false;
    }
    var entries = performance.getEntriesByType("navigation");
    return entries.length > 0 && entries[0].type === "back_forward";
  }

  function release(form) {
    form.removeAttribute("aria-busy");
  }

  function submitOnce(form) {
    form.addEventListener("submit", function (event) {
      if (form.getAttribute("aria-busy") === "true") {
        event.preventDefault();
        return;
      }
      form.setAttribute("aria-busy", "true");
      setTimeout(function () {
        release(form);
      }, RELEASE_AFTER_MS);
    });
  }

  function secondaryButton() {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "secondary";
    return button;
  }

  function offerToShow(input) {
    var button = secondaryButton();
    function show(visible) {
      input.type = visible ? "text" : "password";
      var label = visible ? "data-hide-label" : "data-show-label";
      button.textContent = input.getAttribute(label);
      // Read out by itself, « Afficher » does not say what; the name begins with what is seen (WCAG 2.2, 2.5.3).
      button.setAttribute("aria-label", input.getAttribute(label.replace("label", "name")));
    }
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", function () {
      show(input.type === "password");
    });
    // Sent as a password field, so that the browser never keeps it among the texts it completes.
    input.form.addEventListener("submit", function () {
      show(false);
    });
    input.parentNode.appendChild(button);
    show(false);
  }

  function offerToCopy(line) {
    if (!navigator.clipboard || !navigator.clipboard.writeText) {
      return;
    }
    var button = secondaryButton();
    var status = document.createElement("span");
    button.textContent = line.getAttribute("data-copy-label");
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(line.getAttribute("data-copy")).then(function () {
        button.textContent = line.getAttribute("data-copied-label");
        status.textContent = line.getAttribute("data-copied-label");
      });
    });
    line.appendChild(button);
    line.appendChild(status);
  }

  // One box speaks for the forms beside its own, whichever button is pressed.
  function speakForOthers(box) {
    function say() {
      each("[data-as-box]", function (field) {
        field.value = box.checked ? "yes" : "";
      });
    }
    box.addEventListener("change", say);
    say();
  }

  // How far the mail got is looked up again while it may change, without touching what is being typed.
  var LOOK_AGAIN_AFTER_MS = 3000;

  // The words change inside the live region that the page came with: screen readers pass over one that takes its place.
  function tell(news, fresh) {
    if (!fresh.hasAttribute("data-may-change")) {
      news.removeAttribute("data-may-change");
    }
    if (fresh.textContent === news.textContent) {
      return;
    }
    var hadFocus = news.contains(document.activeElement);
    news.textContent = "";
    while (fresh.firstChild) {
      news.appendChild(document.adoptNode(fresh.firstChild));
    }
    if (hadFocus) {
      // The link that was pressed may be gone: the keyboard goes on from here, not from the top of the page.
      news.tabIndex = -1;
      news.focus();
    }
  }

  function lookAgain(times) {
    var news = document.getElementById("mail-news");
    if (!news || !news.hasAttribute("data-may-change") || !window.DOMParser || times === 0) {
      return;
    }
    setTimeout(function () {
      var asked = new XMLHttpRequest();
      asked.onload = function () {
        var page = new DOMParser().parseFromString(asked.responseText, "text/html");
        var fresh = page.getElementById("mail-news");
        if (fresh) {
          tell(news, fresh);
          lookAgain(times - 1);
        }
      };
      asked.open("GET", window.location.href);
      asked.send();
    }, LOOK_AGAIN_AFTER_MS);
  }

  function focusOnErrors() {
    var summary = document.querySelector(".error-summary");
    if (summary) {
      summary.focus();
    }
  }

  // A refused form is the answer to a POST, and so are pages that say so: without this, Back and reloading show the
  // browser's own page, which asks whether to send it once more. The same address can be asked for, as the links to
  // the other language do.
  function forgetThePost() {
    if (document.querySelector(".error-summary, [data-answers-post]") && window.history && history.replaceState) {
      history.replaceState(null, "", window.location.href);
    }
  }

  function leave() {
    var departure = document.querySelector("form[data-auto-submit]");
    if (departure && !arrivedByHistory()) {
      departure.submit();
    }
  }

  each("form", submitOnce);
  each("input[data-show-label]", offerToShow);
  each("[data-copy]", offerToCopy);
  each("#shared", speakForOthers);
  lookAgain(40);
  focusOnErrors();
  forgetThePost();
  leave();

  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      each("form", release);
    }
  });
})();
