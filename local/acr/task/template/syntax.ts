import { TaskError } from "../task-error.ts";
import type { Value } from "./value.ts";

/** A parsed template: what Go's text/template/parse makes of it, without what `unsupported` names. */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipe: Pipe }
  | Branch;

export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** Commands joined by `|`, the value perhaps kept in variables: `$x := …` declares, `$x = …` sets. */
export interface Pipe {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

export type Operand =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "nil" }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "path"; readonly from: "." | Pipe | { readonly variable: string }; readonly fields: string[] };

const unsupported = ["define", "block", "template", "break", "continue"];

function parseError(problem: string): TaskError {
  return new TaskError(`failed to parse template: ${problem}`);
}

/** https://pkg.go.dev/text/template: actions, trim marks, pipelines, variables, `if`, `else if`, `with`, `range`. */
export function parseTemplate(text: string, isFunction: (name: string) => boolean): Node[] {
  return new Parser(text, isFunction).parse();
}

type Token = { readonly kind: "string" | "number" | "word" | "field" | "variable" | "mark"; readonly text: string };

const tokens: readonly [Token["kind"], RegExp][] = [
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ["number", /[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w.])/y],
  ["field", /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["mark", /:=|[.|()=,]/y],
];

class Parser {
  readonly #text: string;
  readonly #isFunction: (name: string) => boolean;
  #at = 0;
  #trimsNext = false;
  /** Variables in scope, innermost last. */
  #known = ["$"];

  constructor(text: string, isFunction: (name: string) => boolean) {
    this.#text = text;
    this.#isFunction = isFunction;
  }

  parse(): Node[] {
    const { nodes, ending } = this.#list();
    if (ending !== undefined) throw parseError(`unexpected {{${ending}}}`);
    return nodes;
  }

  /** Up to the end of the text, or to an `else` or `end`, which is left to the caller. */
  #list(): { nodes: Node[]; ending: "end" | "else" | undefined } {
    const nodes: Node[] = [];
    for (;;) {
      if (!this.#readText(nodes)) return { nodes, ending: undefined };
      if (this.#skipComment()) continue;
      const word = this.#peekWord();
      if (word === "end" || word === "else") {
        this.#take(word);
        return { nodes, ending: word };
      }
      if (word !== undefined && unsupported.includes(word)) {
        throw parseError(`{{${word}}} is not rendered by the local twin`);
      }
      if (word === "if" || word === "with" || word === "range") {
        this.#take(word);
        nodes.push(this.#branch(word));
      } else {
        const pipe = this.#pipe();
        this.#closeAction();
        nodes.push({ kind: "print", pipe });
      }
    }
  }

  /** Up to the next action; false when there is none. */
  #readText(nodes: Node[]): boolean {
    const open = this.#text.indexOf("{{", this.#at);
    let text = this.#text.slice(this.#at, open < 0 ? undefined : open);
    if (this.#trimsNext) text = text.replace(/^[ \t\r\n]+/, "");
    this.#trimsNext = false;
    this.#at = open < 0 ? this.#text.length : open + 2;
    if (open >= 0 && /^-[ \t\r\n]/.test(this.#text.slice(this.#at, this.#at + 2))) {
      text = text.replace(/[ \t\r\n]+$/, "");
      this.#at += 2;
    }
    if (text !== "") nodes.push({ kind: "text", text });
    return open >= 0;
  }

  #skipComment(): boolean {
    const from = this.#text.slice(this.#at).search(/\S/) + this.#at;
    if (!this.#text.startsWith("/*", from)) return false;
    const end = this.#text.indexOf("*/", from + 2);
    if (end < 0) throw parseError("unclosed comment");
    this.#at = end + 2;
    this.#closeAction();
    return true;
  }

  #branch(kind: Branch["kind"]): Branch {
    const outer = this.#known.length;
    const pipe = this.#pipe(kind === "range" ? 2 : 1);
    this.#closeAction();
    const { nodes: body, ending } = this.#list();
    let otherwise: Node[] = [];
    if (ending === "else") otherwise = this.#otherwise(kind);
    else if (ending === undefined) throw parseError("unexpected EOF");
    else this.#closeAction();
    this.#known.length = outer;
    return { kind, pipe, body, otherwise };
  }

  /** Behind `else`: another condition, which shares this one's `end`, or a list of its own. */
  #otherwise(kind: Branch["kind"]): Node[] {
    const word = this.#peekWord();
    if (word === kind && kind !== "range") {
      this.#take(word);
      return [this.#branch(kind)];
    }
    this.#closeAction();
    const { nodes, ending } = this.#list();
    if (ending !== "end") throw parseError(ending ? "unexpected {{else}}" : "unexpected EOF");
    this.#closeAction();
    return nodes;
  }

  #pipe(mostVariables = 1): Pipe {
    const { variables, declares } = this.#assignment(mostVariables);
    const commands = [this.#command()];
    while (this.#takeMark("|")) commands.push(this.#command());
    for (const command of commands.slice(1)) {
      const first = command[0]!;
      if (first.kind === "literal" || first.kind === "nil") {
        throw parseError("non executable command in pipeline");
      }
    }
    if (declares) this.#known.push(...variables);
    return { variables, declares, commands };
  }

  #assignment(most: number): { variables: string[]; declares: boolean } {
    const before = this.#at;
    const variables: string[] = [];
    do {
      const token = this.#next();
      if (token?.kind !== "variable") break;
      variables.push(token.text);
    } while (variables.length < most && this.#takeMark(","));
    const declares = variables.length > 0 && this.#takeMark(":=");
    if (declares || (variables.length > 0 && this.#takeMark("="))) {
      if (!declares) for (const variable of variables) this.#require(variable);
      return { variables, declares };
    }
    this.#at = before;
    return { variables: [], declares: false };
  }

  #command(): Operand[] {
    const operands: Operand[] = [];
    for (let operand = this.#operand(); operand; operand = this.#operand()) operands.push(operand);
    if (operands.length === 0) throw parseError("missing value for command");
    return operands;
  }

  /** One value, with the fields that follow it without a blank. */
  #operand(): Operand | undefined {
    const before = this.#at;
    const token = this.#next();
    if (!token) return undefined;
    const { kind, text } = token;
    if (kind === "string") return { kind: "literal", value: unquoted(text) };
    if (kind === "number")
      return { kind: "literal", value: /^[+-]?\d+$/.test(text) ? wholeNumber(text) : Number(text) };
    if (kind === "field") return { kind: "path", from: ".", fields: [text.slice(1), ...this.#fields()] };
    if (kind === "variable") {
      this.#require(text);
      return { kind: "path", from: { variable: text }, fields: this.#fields() };
    }
    if (kind === "word") return this.#word(text);
    if (text === ".") return { kind: "path", from: ".", fields: [] };
    if (text === "(") {
      const pipe = this.#pipe();
      if (!this.#takeMark(")")) throw parseError("unclosed left paren");
      return { kind: "path", from: pipe, fields: this.#fields() };
    }
    this.#at = before;
    return undefined;
  }

  #word(text: string): Operand {
    if (text === "true" || text === "false") return { kind: "literal", value: text === "true" };
    if (text === "nil") return { kind: "nil" };
    if (!this.#isFunction(text)) throw parseError(`function "${text}" not defined, or not one the local twin has`);
    return { kind: "function", name: text };
  }

  #fields(): string[] {
    const fields: string[] = [];
    const [, pattern] = tokens.find(([kind]) => kind === "field")!;
    for (let match = this.#match(pattern); match; match = this.#match(pattern)) fields.push(match.slice(1));
    return fields;
  }

  #require(variable: string): void {
    if (!this.#known.includes(variable)) throw parseError(`undefined variable "${variable}"`);
  }

  /** The next token of this action; undefined at its end. */
  #next(): Token | undefined {
    this.#skipSpace();
    if (this.#atClose()) return undefined;
    for (const [kind, pattern] of tokens) {
      const text = this.#match(pattern);
      if (text !== undefined) return { kind, text };
    }
    if (this.#at >= this.#text.length) throw parseError("unclosed action");
    throw parseError(`unexpected ${JSON.stringify(this.#text[this.#at])} in an action`);
  }

  #peekWord(): string | undefined {
    this.#skipSpace();
    const before = this.#at;
    const word = this.#match(tokens.find(([kind]) => kind === "word")![1]);
    this.#at = before;
    return word;
  }

  #take(word: string): void {
    this.#skipSpace();
    this.#at += word.length;
  }

  #takeMark(mark: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #skipSpace(): void {
    this.#match(/[ \t\r\n]*/y);
  }

  #atClose(): boolean {
    return this.#text.startsWith("}}", this.#at) || this.#text.startsWith("-}}", this.#at);
  }

  #closeAction(): void {
    this.#skipSpace();
    const afterSpace = /[ \t\r\n]/.test(this.#text[this.#at - 1] ?? "");
    const close = this.#match(afterSpace ? /-?\}\}/y : /\}\}/y);
    if (close === undefined) {
      throw parseError(this.#at >= this.#text.length ? "unclosed action" : "unexpected words at the end of an action");
    }
    this.#trimsNext = close.endsWith("-}}");
  }
}

function wholeNumber(text: string): bigint {
  const digits = text.replace(/^[+-]/, "");
  // Go reads a leading zero as octal; nobody means that in a task.
  if (/^0\d/.test(digits)) throw parseError(`number ${text} begins with a zero`);
  return BigInt(digits) * (text.startsWith("-") ? -1n : 1n);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\" };

function unquoted(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  return text.slice(1, -1).replaceAll(/\\(u[0-9a-fA-F]{4}|.)/g, (_, behind: string) => {
    if (behind.length === 5) return String.fromCharCode(Number.parseInt(behind.slice(1), 16));
    const found = escapes[behind];
    if (found === undefined) throw parseError(`\\${behind} in a string is not rendered by the local twin`);
    return found;
  });
}
