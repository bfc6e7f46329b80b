// Asking for the admin token.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { refresh } from "../answers";
import { ask, Failure, hasToken, keepToken } from "../api";
import { text } from "../text";

export function SignIn(): ComponentChildren {
  const [token, setToken] = useState("");
  const [wrong, setWrong] = useState(hasToken() ? text.signIn.wrong : "");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    keepToken(token.trim());
    try {
      await ask("/api/mode");
      refresh();
    } catch (error) {
      setWrong(error instanceof Failure && error.status === 401 ? text.signIn.wrong : String((error as Error).message));
    }
  };
  return (
    <main class="sign-in" id="content">
      <form class="card" onSubmit={submit}>
        <h1>{text.signIn.title}</h1>
        <p>{text.signIn.lead}</p>
        <label class="field column">
          <span>{text.signIn.label}</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            autofocus
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" class="primary">
          {text.signIn.button}
        </button>
        <p class="hint">{text.signIn.where}</p>
      </form>
    </main>
  );
}
