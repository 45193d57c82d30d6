// Suggestions under the search for a university: an editable combobox with a listbox (WAI-ARIA Authoring Practices).
// Without it the same form searches and the same page answers. Plain old JavaScript, for the reasons told in app.js.
(function () {
  "use strict";

  var PAUSE_MS = 200;
  var LEAST_LETTERS = 2;

  var input = document.querySelector("input[data-suggestions-url]");
  if (!input || !input.form || !window.XMLHttpRequest) {
    return;
  }
  var listbox = document.createElement("ul");
  var status = document.createElement("p");
  var rows = [];
  var active = -1;
  var timer = null;
  var request = null;
  var isLeaving = false;

  function told(name) {
    return input.getAttribute("data-" + name) || "";
  }

  function build() {
    listbox.id = "q-suggestions";
    listbox.className = "suggestions";
    listbox.hidden = true;
    listbox.setAttribute("role", "listbox");
    listbox.setAttribute("aria-label", told("list-label"));
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    // A search field may not be a combobox (ARIA in HTML); its keyboard stays.
    input.type = "text";
    input.setAttribute("inputmode", "search");
    input.setAttribute("enterkeyhint", "search");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", listbox.id);
    input.parentNode.appendChild(listbox);
    input.form.appendChild(status);
  }

  function isOpen() {
    return !listbox.hidden;
  }

  function select(index) {
    var options = listbox.children;
    if (active >= 0 && options[active]) {
      options[active].setAttribute("aria-selected", "false");
    }
    active = index;
    if (active < 0) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    options[active].setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", options[active].id);
    if (options[active].scrollIntoView) {
      options[active].scrollIntoView({ block: "nearest" });
    }
  }

  function show(open) {
    select(-1);
    listbox.hidden = !open;
    input.setAttribute("aria-expanded", open ? "true" : "false");
  }

  // Names come from elsewhere: they become text, never markup.
  function part(element, name, text) {
    var made = document.createElement(name);
    made.appendChild(document.createTextNode(text));
    element.appendChild(made);
    return made;
  }

  function option(row, index) {
    var item = document.createElement("li");
    item.id = "q-suggestion-" + index;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    part(part(item, "strong", ""), "bdi", row.name);
    if (row.domain) {
      part(item, "span", row.domain).className = "hint";
    }
    item.addEventListener("click", function () {
      choose(row);
    });
    return item;
  }

  function display(found) {
    rows = found;
    listbox.textContent = "";
    rows.forEach(function (row, index) {
      listbox.appendChild(option(row, index));
    });
    show(rows.length > 0);
    var sentence = told(rows.length === 0 ? "none" : rows.length === 1 ? "one" : "several");
    status.textContent = sentence.replace("{count}", String(rows.length));
  }

  function hidden(form, name, value) {
    var field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.appendChild(field);
  }

  // The same form as on each card of the page.
  function choose(row) {
    if (isLeaving) {
      return;
    }
    isLeaving = true;
    var form = document.createElement("form");
    form.method = "post";
    form.action = told("choose-action");
    form.hidden = true;
    hidden(form, "csrf_token", told("csrf-token"));
    hidden(form, "entity_id", row.entity_id);
    document.body.appendChild(form);
    input.value = row.name;
    show(false);
    form.submit();
  }

  function stop() {
    clearTimeout(timer);
    if (request) {
      request.onload = null;
      request.abort();
      request = null;
    }
  }

  function ask() {
    var asked = new XMLHttpRequest();
    request = asked;
    asked.onload = function () {
      request = null;
      if (asked.status !== 200) {
        return;
      }
      try {
        display(JSON.parse(asked.responseText).universities);
      } catch (problem) {
        show(false);
      }
    };
    asked.open("GET", told("suggestions-url") + "&q=" + encodeURIComponent(input.value));
    asked.send();
  }

  function typed() {
    stop();
    select(-1); // what is typed counts again, not the option that was reached before
    if (input.value.trim().length < LEAST_LETTERS) {
      status.textContent = "";
      show(false);
      return;
    }
    timer = setTimeout(ask, PAUSE_MS);
  }

  function move(step) {
    if (!isOpen()) {
      if (rows.length > 0 && input.value.trim().length >= LEAST_LETTERS) {
        show(true);
      } else {
        typed();
        return;
      }
    }
    var next = active < 0 && step < 0 ? rows.length - 1 : active + step;
    select((next + rows.length) % rows.length);
  }

  function escape() {
    stop(); // what was asked for before must not open the list again, under an emptied field
    if (isOpen()) {
      show(false);
    } else {
      input.value = "";
      status.textContent = "";
    }
  }

  var KEYS = {
    ArrowDown: function () {
      move(1);
    },
    ArrowUp: function () {
      move(-1);
    },
    Escape: escape,
  };

  function pressed(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) {
      return;
    }
    if (event.key === "Enter" && isOpen() && active >= 0) {
      event.preventDefault();
      choose(rows[active]);
    } else if (event.key === "Home" || event.key === "End") {
      select(-1); // the caret moves, in the text again
    } else if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  }

  build();
  input.addEventListener("input", typed);
  input.addEventListener("keydown", pressed);
  input.addEventListener("blur", function () {
    stop();
    show(false);
  });
  // The field keeps the focus while an option is pressed.
  listbox.addEventListener("mousedown", function (event) {
    event.preventDefault();
  });
  window.addEventListener("pageshow", function () {
    isLeaving = false;
  });
  // Whoever has typed already, while the script was on its way, waits for suggestions as well.
  if (document.activeElement === input && input.value !== input.defaultValue) {
    typed();
  }
})();
