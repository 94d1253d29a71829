// The little that pages cannot do without script: the theme without a reload, copying a
// secret, focus after a partial swap, and a balance that refreshes while it is looked at.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // The form posts without script too; the server then sets the same cookie.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    const lasts = theme ? 31536000 : 0;
    document.cookie = `theme=${theme}; path=/; max-age=${lasts}; samesite=lax`;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
  });

  // A second click on a button that pays changes nothing; the server refuses it as well.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once]")) {
      delete form.dataset.sent;
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied;
      return;
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // An amount chip fills the field; typing another amount lets go of the chip.
  document.addEventListener("input", (event) => {
    const { target } = event;
    const form = target.closest("form[data-amounts]");
    if (!form) return;
    const typed = form.querySelector("input[inputmode]");
    if (target.type === "radio") typed.value = target.value;
    else if (target === typed) {
      for (const chip of form.querySelectorAll("input[type=radio]")) {
        chip.checked = chip.value === typed.value;
      }
    }
  });

  // A new organisation most likely keeps the time of whoever opens it.
  const zone = document.querySelector("select[data-own-zone]");
  if (zone && !zone.value) {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zone.options].some((option) => option.value === own)) zone.value = own;
  }

  // After a swap focus goes to the first error, else to the heading of what is new.
  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.target;
    if (swapped.matches("[data-quiet]")) return;
    const first = swapped.querySelector("[aria-invalid=true], [data-focus]");
    if (first) first.focus();
  });
  document.querySelector("[data-focus-on-load]")?.focus();

  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    for (const live of document.querySelectorAll("[data-refresh]")) {
      live.dispatchEvent(new Event("refresh"));
    }
  }, 60000);
})();
