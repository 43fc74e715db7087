/** The filter: the expressions of the command line, with the fields, words and functions that could stand next. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { type Choice, choicesFor } from "./completion.ts";
import type { Info } from "./feed.ts";

interface FilterProps {
  readonly text: string;
  readonly error: string | undefined;
  readonly fields: Info["fields"];
  readonly onText: (text: string) => void;
}

/** The box. `/` brings the cursor into it, from anywhere on the page. */
export function FilterBox({ text: first, error, fields, onText }: FilterProps): JSX.Element {
  // The page draws when it has time; what is typed is there at once.
  const [text, setText] = useState(first);
  const change = (typed: string): void => {
    setText(typed);
    onText(typed);
  };
  const input = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const caret = input.current?.selectionStart ?? text.length;
  const { choices, begin } = choicesFor(text, caret, fields);
  const accept = ({ text: word }: Choice): void => {
    change(text.slice(0, begin) + word + text.slice(caret));
    setAt(-1);
    const end = begin + word.length;
    queueMicrotask(() => input.current?.setSelectionRange(end, end));
  };
  const onKey = (event: KeyboardEvent): void => {
    const chosen = choices[at];
    if (event.key === "Escape") {
      setOpen(false);
      setAt(-1);
    } else if (!isOpen || choices.length === 0) return;
    else if (event.key === "ArrowDown") setAt(Math.min(choices.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(-1, at - 1));
    else if ((event.key === "Enter" || event.key === "Tab") && chosen !== undefined) accept(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <div class="filter">
      <label for="filter">Filter</label>
      <input
        id="filter"
        ref={input}
        value={text}
        spellcheck={false}
        autocomplete="off"
        placeholder={"to.port == 443 && nat != null"}
        role="combobox"
        aria-expanded={isOpen}
        aria-controls="choices"
        aria-activedescendant={at >= 0 ? `choice-${at}` : undefined}
        aria-invalid={error !== undefined}
        aria-describedby="filter-error"
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onInput={(event) => {
          setOpen(true);
          setAt(-1);
          change(event.currentTarget.value);
        }}
        onKeyDown={onKey}
      />
      <div id="filter-error" class="error" role="status">
        {error ?? ""}
      </div>
      {isOpen && choices.length > 0 && (
        <div id="choices" role="listbox" class="choices" tabIndex={-1}>
          {choices.map((choice, i) => (
            <div
              key={choice.text}
              id={`choice-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              onMouseDown={(event) => {
                event.preventDefault();
                accept(choice);
              }}
            >
              <code>{choice.text}</code> {choice.about}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
