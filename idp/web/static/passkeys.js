// Passkeys, where the browser knows them (WebAuthn level 3): offered in the address field (conditional mediation), by a
// button, and made on the page of the account. Plain old JavaScript; without it the other ways to sign in are all there.
(function () {
  "use strict";

  if (!window.PublicKeyCredential || !navigator.credentials || !navigator.credentials.get || !window.Promise) {
    return;
  }

  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    var made = new Uint8Array(plain.length);
    for (var i = 0; i < plain.length; i += 1) {
      made[i] = plain.charCodeAt(i);
    }
    return made;
  }

  function text(buffer) {
    var plain = "";
    Array.prototype.forEach.call(new Uint8Array(buffer), function (byte) {
      plain += String.fromCharCode(byte);
    });
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function options(form) {
    var said = JSON.parse(form.getAttribute("data-options"));
    said.challenge = bytes(said.challenge);
    if (said.user) {
      said.user.id = bytes(said.user.id);
    }
    (said.excludeCredentials || []).forEach(function (credential) {
      credential.id = bytes(credential.id);
    });
    return said;
  }

  function answered(credential) {
    var response = credential.response;
    var said = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      said.attestationObject = text(response.attestationObject);
      said.transports = response.getTransports ? response.getTransports() : [];
    } else {
      said.authenticatorData = text(response.authenticatorData);
      said.signature = text(response.signature);
      said.userHandle = response.userHandle ? text(response.userHandle) : null;
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: said,
      clientExtensionResults: credential.getClientExtensionResults()
    });
  }

  function send(form, credential) {
    form.elements.credential.value = answered(credential);
    form.submit();
  }

  function onPress(form, ask, failed) {
    var isAsking = false;
    form.addEventListener("submit", function (event) {
      // By app.js, which lets a form be sent once until the page turns out to stay.
      var isSent = event.defaultPrevented;
      event.preventDefault();
      if (isSent || isAsking) {
        return;
      }
      isAsking = true;
      form.querySelector("[role=status]").textContent = "";
      ask().then(
        function (credential) {
          isAsking = false;
          send(form, credential);
        },
        function () {
          isAsking = false;
          form.removeAttribute("aria-busy");
          form.querySelector("[role=status]").textContent = form.getAttribute("data-failed");
          failed();
        }
      );
    });
  }

  function offerToCreate(form) {
    onPress(form, function () {
      return navigator.credentials.create({ publicKey: options(form) });
    }, function () {
      // The person may press again.
    });
  }

  // The browser shows passkeys among what it completes in the address field, until the button asks in a window.
  function offerInField(form, signal) {
    if (!PublicKeyCredential.isConditionalMediationAvailable || !document.querySelector("[autocomplete~=webauthn]")) {
      return;
    }
    PublicKeyCredential.isConditionalMediationAvailable().then(function (isAvailable) {
      if (isAvailable && !(signal && signal.aborted)) {
        return navigator.credentials
          .get({ mediation: "conditional", publicKey: options(form), signal: signal })
          .then(function (credential) {
            send(form, credential);
          });
      }
    }).catch(function () {
      // Nobody chose a passkey: nothing to say.
    });
  }

  function offerToSignIn(form) {
    var waiting = null;
    function wait() {
      waiting = window.AbortController ? new AbortController() : null;
      if (waiting) {
        offerInField(form, waiting.signal);
      }
    }
    wait();
    onPress(form, function () {
      if (waiting) {
        waiting.abort();
      }
      return navigator.credentials.get({ publicKey: options(form) });
    }, wait);
  }

  // What is no longer accepted is no longer offered by the device either, where the browser can tell it (section 5.1.10).
  function tell(signal, said) {
    if (said && PublicKeyCredential[signal]) {
      PublicKeyCredential[signal](said).catch(function () {
        // The device goes on offering it, and we refuse it.
      });
    }
  }

  Array.prototype.forEach.call(document.querySelectorAll("form[data-passkey]"), function (form) {
    form.hidden = false;
    tell("signalUnknownCredential", JSON.parse(form.getAttribute("data-unknown-passkey")));
    (JSON.parse(form.getAttribute("data-accepted-passkeys")) || []).forEach(function (accepted) {
      tell("signalAllAcceptedCredentials", accepted);
    });
    if (form.getAttribute("data-passkey") === "create") {
      offerToCreate(form);
    } else {
      offerToSignIn(form);
    }
  });
  // Asked for by the pages that sign in otherwise: whether a passkey could be offered afterwards.
  if (PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable) {
    PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().then(function (isAvailable) {
      Array.prototype.forEach.call(document.querySelectorAll("[data-keeps-passkeys]"), function (field) {
        field.value = isAvailable ? "yes" : "";
      });
    }).catch(function () {
      // Nothing is offered.
    });
  }
  Array.prototype.forEach.call(document.querySelectorAll("[data-without-passkeys]"), function (notice) {
    notice.hidden = true;
  });
})();
