// What has arrived is added above the rest, and said once: a page that loads itself anew takes the focus away, and begins
// to be read from its top each time.
(function () {
  "use strict";

  var LOOK_AGAIN_AFTER_MS = 3000;
  var main = document.querySelector("main");
  var news = document.getElementById("news");

  function add(article) {
    main.insertBefore(document.adoptNode(article), main.querySelector("article"));
    news.textContent = "Nouveau message : " + article.querySelector("h2").textContent;
  }

  function look() {
    var asked = new XMLHttpRequest();
    asked.onload = function () {
      var page = new DOMParser().parseFromString(asked.responseText, "text/html");
      // The newest is first on the page, and has to be added last.
      Array.prototype.slice.call(page.querySelectorAll("article")).reverse().forEach(function (article) {
        if (!document.getElementById(article.id)) {
          add(article);
        }
      });
    };
    asked.onloadend = function () {
      setTimeout(look, LOOK_AGAIN_AFTER_MS);
    };
    asked.open("GET", window.location.href);
    asked.send();
  }

  setTimeout(look, LOOK_AGAIN_AFTER_MS);
})();
