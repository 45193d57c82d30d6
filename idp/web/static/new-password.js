// The list of what a new password still lacks, kept up to date while it is typed. The server decides: it also knows
// which passwords are guessed first. Nothing of the password leaves the page before it is sent.
(function () {
  "use strict";

  var BITS = 50;
  var SETS = [[/[0-9]/, 10], [/[a-z]/, 26], [/[A-Z]/, 26], [/[^0-9a-zA-Z]/, 37]];
  // Read out only when typing pauses, so that a screen reader is not interrupted by each key.
  var PAUSE_MS = 800;

  var list = document.getElementById("password-rules");
  var input = document.getElementById("password");
  if (!list || !input || !list.hasAttribute("data-minimum")) {
    return;
  }
  var minimum = parseInt(list.getAttribute("data-minimum"), 10);
  var address = list.getAttribute("data-address").toLowerCase();
  var names = list.getAttribute("data-names").split("\n").filter(Boolean);
  var rules = list.querySelectorAll("[data-rule]");
  var status = document.createElement("p");
  var waiting = null;

  function composed(text) {
    return text.normalize ? text.normalize("NFC") : text;
  }

  function characters(text) {
    return text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, "x").length;
  }

  function bits(text) {
    var size = 0;
    SETS.forEach(function (set) {
      size += set[0].test(text) ? set[1] : 0;
    });
    return size ? (characters(text) * Math.log(size)) / Math.LN2 : 0;
  }

  function different(text) {
    var seen = {};
    text.split("").forEach(function (character) {
      seen[character] = true;
    });
    return Object.keys(seen).length;
  }

  var CHECKS = {
    length: function (text) {
      return characters(text) >= minimum;
    },
    variety: function (text) {
      return bits(text) >= BITS && different(text) >= 5;
    },
    address: function (text) {
      var localPart = address.split("@")[0];
      var rest = text.toLowerCase().split(address).join("");
      rest = localPart.length >= 4 ? rest.split(localPart).join("") : rest;
      names.forEach(function (name) {
        rest = rest.split(name).join("");
      });
      return text !== "" && characters(rest) >= minimum / 2;
    }
  };

  function label(rule, met) {
    var mark = rule.querySelector(".mark");
    if (!mark) {
      mark = document.createElement("span");
      mark.className = "mark visually-hidden";
      rule.insertBefore(mark, rule.firstChild);
    }
    mark.textContent = list.getAttribute(met ? "data-met-label" : "data-missing-label") + " ";
    rule.className = met ? "met" : "missing";
  }

  function update() {
    var text = composed(input.value);
    var missing = [];
    Array.prototype.forEach.call(rules, function (rule) {
      var met = CHECKS[rule.getAttribute("data-rule")](text);
      label(rule, met);
      if (!met) {
        missing.push(rule.textContent.replace(rule.querySelector(".mark").textContent, "").trim());
      }
    });
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      status.textContent = missing.length
        ? list.getAttribute("data-missing-label") + " " + missing.join(" ")
        : list.getAttribute("data-all-label");
    }, PAUSE_MS);
  }

  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  list.parentNode.insertBefore(status, list.nextSibling);
  input.addEventListener("input", update);
})();
