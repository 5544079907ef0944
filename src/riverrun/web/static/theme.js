/** Light, dark, or as the system is; remembered in this browser. */

const KEY = "riverrun.theme";
const NEXT = { "": "dark", dark: "light", light: "" };
const NAMES = { "": "as the system is", dark: "dark", light: "light" };

/** Go on to the next theme; its name in words. */
export function changeTheme() {
  const theme = NEXT[document.documentElement.dataset.theme ?? ""];
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  return NAMES[theme];
}
