/** What somebody is shown who is not signed in: signing in, making an account, setting a forgotten password. */

import * as accounts from "./account_api.js";
import { button, element } from "./dom.js";
import { emailField, field, form, newPasswordField, passwordField } from "./forms.js";
import { refusalOf, ssoButtons } from "./sso_buttons.js";

const TITLES = { first: "Make the first account", open: "Make an account", invite: "Make your account" };

const WAITING = {
  linking: "Your address has an account here already: sign in to it once, and say that you are the same.",
  "email-verification": "Sign in to your account, and its address is verified. If you have made none, somebody else has: do nothing.",
};
const OPENS_NOTHING = "This link was used already, is too old, or is for another account than the one that you are signed in to.";

/** The door. `onIn` is called when somebody has come in. */
export class Door {
  #options = { sign_up: "invite", sends_mail: false };

  constructor({ onIn }) {
    this.onIn = onIn;
    this.node = element("main", { class: "door", id: "main", tabindex: -1 });
  }

  /**
   * Sign in by password, with the ways around it that this server has. `waiting` is what is done once somebody is in;
   * `refusal` is the kind of problem that a provider's word ended in.
   */
  async showSignIn({ waiting = null, refusal = null } = {}) {
    this.node.replaceChildren();
    const [options, providers] = await Promise.all([accounts.signInOptions().catch(() => this.#options), ssoButtons()]);
    this.#options = options;
    this.#show(
      "Sign in",
      refusal && element("p", { class: "form-failure", role: "alert" }, refusalOf(refusal)),
      waiting && element("p", {}, WAITING[waiting]),
      form("Sign in", [emailField({ autofocus: true }), passwordField()], async ({ email, password }) => {
        await accounts.signIn(email, password);
        this.onIn();
      }),
      this.#otherWays(),
      providers,
      element(
        "p", { class: "words" }, "Or open the link that Riverrun printed where it was started; ",
        element("code", {}, "riverrun link"), " prints another one.",
      ),
    );
  }

  /** Make an account, with the token of an invitation's link if there is one. */
  showSignUp(invitation = null) {
    const isFirst = this.#options.sign_up === "first" && !invitation;
    this.#show(
      TITLES[invitation ? "invite" : this.#options.sign_up] ?? TITLES.open,
      isFirst ? element("p", {}, "It is the administrator’s: it invites others and looks after the server.") : null,
      invitation ? element("p", {}, "Use the address that was invited.") : null,
      form("Make the account", [
        emailField({ autofocus: true }),
        field("Name", "displayName", { autocomplete: "name", maxlength: 100, required: false }),
        newPasswordField(),
      ], async (given) => {
        await accounts.signUp(invitation ? { ...given, invitation } : given);
        this.onIn();
      }),
      this.#back(),
    );
  }

  /** Ask for a link by mail. */
  showForgotten() {
    this.#show(
      "Forgot your password?",
      element("p", {}, "You get a mail with a link by which to choose a new one."),
      form("Send the link", [emailField({ autofocus: true })], async ({ email }) => {
        await accounts.askForReset(email);
        const words = `If ${email} has an account here, a link is on its way. It is good for an hour.`;
        this.#show("Look into your mail", element("p", {}, words), this.#back());
      }),
      this.#back(),
    );
  }

  /** Choose a new password by the token of such a link. */
  showReset(token) {
    this.#show(
      "Choose a new password",
      element("p", {}, "You are signed out everywhere, and sign in with the new one."),
      form("Set the password", [newPasswordField("New password")], async ({ password }) => {
        await accounts.resetPassword(token, password);
        await this.showSignIn();
      }),
      this.#back(),
    );
  }

  /** Prove an address by the token of the link that was mailed to it. */
  async showVerified(token) {
    const goOn = button("Go on", { class: "primary", on: { click: () => this.onIn() } });
    try {
      await accounts.confirmAddress(token);
      this.#show("Your address is verified", element("p", {}, "What others share with it reaches you from now on."), goOn);
    } catch (problem) {
      const detail = problem.status === 404 ? OPENS_NOTHING : problem.detail;
      this.#show("Your address is not verified", element("p", {}, detail), goOn);
    }
    goOn.focus();
  }

  #otherWays() {
    const { sign_up: signUp, sends_mail: sendsMail } = this.#options;
    const ways = element("p", { class: "ways" });
    if (sendsMail) ways.append(button("Forgot the password?", { class: "link", on: { click: () => this.showForgotten() } }));
    else ways.append(element("span", { class: "words" }, "Forgot the password? Whoever runs this server can give you a link."));
    if (signUp in TITLES && signUp !== "invite") {
      ways.append(button(TITLES[signUp], { class: "link", on: { click: () => this.showSignUp() } }));
    }
    return ways;
  }

  #back() {
    return element("p", { class: "ways" }, button("Back to signing in", { class: "link", on: { click: () => this.showSignIn() } }));
  }

  #show(title, ...content) {
    this.node.replaceChildren(
      element("p", { class: "wordmark" }, "Riverrun"), element("h1", {}, title), ...content.filter((part) => part !== null),
    );
    this.node.querySelector("[autofocus]")?.focus();
  }
}
