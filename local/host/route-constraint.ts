/** Says whether a route value is acceptable. */
export type RouteConstraint = (value: string) => boolean;

const INT32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const GUID =
  /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\))$/i;

/**
 * Inline constraints of ASP.NET Core route templates, the ones the Functions host registers:
 * https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints. An unknown name is an error.
 */
export function routeConstraint(expression: string): RouteConstraint {
  const match = /^([a-z]+)(?:\((.*)\))?$/is.exec(expression);
  const name = match?.[1]?.toLowerCase() ?? "";
  const argument = match?.[2];
  const simple = SIMPLE[name];
  if (simple && argument === undefined) return simple;
  const withArgument = WITH_ARGUMENT[name];
  if (withArgument && argument !== undefined) return withArgument(argument);
  throw new Error(`unknown route constraint ${JSON.stringify(expression)}`);
}

const SIMPLE: Readonly<Record<string, RouteConstraint>> = {
  alpha: (value) => /^[a-z]*$/i.test(value),
  bool: (value) => /^(true|false)$/i.test(value),
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  decimal: isNumber,
  double: isNumber,
  float: isNumber,
  guid: (value) => GUID.test(value),
  int: (value) => isInteger(value, INT32.least, INT32.most),
  long: (value) => isInteger(value, INT64.least, INT64.most),
  required: (value) => value !== "",
};

const WITH_ARGUMENT: Readonly<Record<string, (argument: string) => RouteConstraint>> = {
  length: (argument) => {
    const [least = 0, most = least] = integers(argument, 1, 2);
    return (value) => value.length >= least && value.length <= most;
  },
  minlength: (argument) => {
    const [least = 0] = integers(argument, 1, 1);
    return (value) => value.length >= least;
  },
  maxlength: (argument) => {
    const [most = 0] = integers(argument, 1, 1);
    return (value) => value.length <= most;
  },
  min: (argument) => {
    const [least = 0] = integers(argument, 1, 1);
    return (value) => isInteger(value, BigInt(least), INT64.most);
  },
  max: (argument) => {
    const [most = 0] = integers(argument, 1, 1);
    return (value) => isInteger(value, INT64.least, BigInt(most));
  },
  range: (argument) => {
    const [least = 0, most = 0] = integers(argument, 2, 2);
    return (value) => isInteger(value, BigInt(least), BigInt(most));
  },
  regex: (argument) => {
    const pattern = new RegExp(argument, "i");
    return (value) => pattern.test(value);
  },
};

function isNumber(value: string): boolean {
  return /^\s*[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value);
}

function isInteger(value: string, least: bigint, most: bigint): boolean {
  if (!/^[-+]?\d{1,19}$/.test(value)) return false;
  const number = BigInt(value.replace(/^\+/, ""));
  return number >= least && number <= most;
}

function integers(argument: string, least: number, most: number): number[] {
  const parts = argument.split(",").map((part) => part.trim());
  if (parts.length < least || parts.length > most || !parts.every((part) => /^-?\d+$/.test(part))) {
    throw new Error(
      `route constraint argument ${JSON.stringify(argument)} is not ${least === most ? least : `${least} to ${most}`} integers`,
    );
  }
  return parts.map(Number);
}
