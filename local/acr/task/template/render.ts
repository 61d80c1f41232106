import { callFunction, executeError, functions, maxText, tooLong } from "./functions.ts";
import { type Branch, type Node, type Operand, type Pipe, parseTemplate } from "./syntax.ts";
import { byBytes, isEmpty, isMap, printed, typeName, type Value, type ValueMap } from "./value.ts";

/** Nodes, loop turns and characters a rendering may go through: a loop in a loop in a loop must not hold the twin up. */
const maxWork = 4 * maxText;

/**
 * Renders a task as Go's text/template with Sprig would; `syntax.ts` and `functions.ts` say how much of them there is, and
 * what is missing fails by name rather than being rendered wrongly in silence. A missing key renders empty, as ACR's engine
 * sets it up; going deeper into a missing key is an error, as in Go.
 */
export function renderTemplate(text: string, data: ValueMap): string {
  try {
    const nodes = parseTemplate(text, (name) => Object.hasOwn(functions, name) || isLazy(name));
    return new Rendering(data).render(nodes);
  } catch (error) {
    // Parentheses in parentheses, or lists in lists, deeper than our own stack.
    if (error instanceof RangeError) throw executeError("nested deeper than the local twin goes");
    throw error;
  }
}

function isLazy(name: string): boolean {
  return name === "and" || name === "or";
}

class Rendering {
  readonly #scope: { name: string; value: Value }[];
  #dot: Value;
  #out = "";
  #work = 0;

  constructor(data: ValueMap) {
    this.#dot = data;
    this.#scope = [{ name: "$", value: data }];
  }

  render(nodes: readonly Node[]): string {
    this.#walk(nodes);
    // What Go writes for nil, the engine takes out again, wherever it came from.
    return this.#out.replaceAll("<no value>", "");
  }

  #walk(nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.#spend(1);
      if (node.kind === "text") this.#write(node.text);
      else if (node.kind === "print") this.#print(node.pipe);
      else this.#branch(node);
    }
  }

  #print(pipe: Pipe): void {
    const value = this.#evaluate(pipe);
    if (pipe.variables.length > 0) return;
    this.#spend(size(value, maxWork));
    this.#write(value === undefined ? "" : printed(value));
  }

  #branch(branch: Branch): void {
    const outer = { depth: this.#scope.length, dot: this.#dot };
    if (branch.kind === "range") {
      this.#range(branch);
    } else {
      const value = this.#evaluate(branch.pipe);
      const holds = !isEmpty(value);
      if (branch.kind === "with" && holds) this.#dot = value;
      this.#walk(holds ? branch.body : branch.otherwise);
    }
    this.#scope.length = outer.depth;
    this.#dot = outer.dot;
  }

  #range({ pipe, body, otherwise }: Branch): void {
    const over = this.#run(pipe);
    const entries = entriesOf(over);
    if (entries.length === 0) this.#walk(otherwise);
    const outer = { depth: this.#scope.length, dot: this.#dot };
    for (const [key, value] of entries) {
      this.#spend(1);
      this.#dot = value;
      // One variable gets the item; two get its place and the item.
      this.#keep(pipe, pipe.variables.length > 1 ? [key, value] : [value]);
      this.#walk(body);
      this.#scope.length = outer.depth;
    }
    this.#dot = outer.dot;
  }

  #evaluate(pipe: Pipe): Value {
    const value = this.#run(pipe);
    this.#keep(pipe, [value]);
    return value;
  }

  #keep({ variables, declares }: Pipe, values: readonly Value[]): void {
    for (const [at, name] of variables.entries()) {
      if (declares) this.#scope.push({ name, value: values[at] });
      else this.#variable(name).value = values[at];
    }
  }

  #run({ commands }: Pipe): Value {
    let piped: { value: Value } | undefined;
    for (const command of commands) piped = { value: this.#command(command, piped) };
    return piped!.value;
  }

  /** What came through the pipe is the last argument. */
  #command([first, ...rest]: readonly Operand[], piped: { value: Value } | undefined): Value {
    if (first!.kind === "function") return this.#call(first!.name, rest, piped);
    if (rest.length > 0 || piped) throw executeError("can't give argument to non-function");
    if (first!.kind === "nil") throw executeError("nil is not a command");
    return this.#operand(first!);
  }

  #call(name: string, operands: readonly Operand[], piped: { value: Value } | undefined): Value {
    if (isLazy(name)) return this.#lazy(name, operands, piped);
    const values = operands.map((operand) => this.#operand(operand));
    if (piped) values.push(piped.value);
    for (const value of values) this.#spend(size(value, maxWork));
    return callFunction(name, values);
  }

  /** `and` stops at the first empty value, `or` at the first other one; both give the value they stopped at. */
  #lazy(name: string, operands: readonly Operand[], piped: { value: Value } | undefined): Value {
    if (operands.length === 0 && !piped) throw executeError(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: Value;
    for (const operand of operands) {
      value = this.#operand(operand);
      if (isEmpty(value) === (name === "and")) return value;
    }
    return piped ? piped.value : value;
  }

  #operand(operand: Operand): Value {
    this.#spend(1);
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "nil":
        return undefined;
      case "function":
        return this.#call(operand.name, [], undefined);
      case "path":
        return operand.fields.reduce(field, this.#start(operand.from));
    }
  }

  #start(from: Extract<Operand, { kind: "path" }>["from"]): Value {
    if (from === ".") return this.#dot;
    return "variable" in from ? this.#variable(from.variable).value : this.#evaluate(from);
  }

  #variable(name: string): { value: Value } {
    return this.#scope.findLast((variable) => variable.name === name)!;
  }

  #write(text: string): void {
    this.#out += text;
    if (this.#out.length > maxText) throw tooLong();
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work > maxWork) throw executeError("more work than the local twin does for one template");
  }
}

function entriesOf(value: Value): (readonly [Value, Value])[] {
  if (value === undefined) return [];
  if (typeof value !== "object") throw executeError(`range can't iterate over ${printed(value)}`);
  if (!isMap(value)) return value.map((item, at) => [BigInt(at), item]);
  return Object.keys(value)
    .sort(byBytes)
    .map((key) => [key, value[key]]);
}

function field(from: Value, key: string): Value {
  if (from === undefined) throw executeError(`nil pointer evaluating interface {}.${key}`);
  if (typeof from !== "object" || !isMap(from)) {
    throw executeError(`can't evaluate field ${key} in type ${typeName(from)}`);
  }
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

/** How much there is to print; never counts far beyond `limit`, however often a list holds itself again. */
function size(value: Value, limit: number): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object") return 1;
  let sum = 1;
  for (const inner of isMap(value) ? Object.values(value) : value) {
    if (sum > limit) break;
    sum += size(inner, limit - sum);
  }
  return sum;
}
