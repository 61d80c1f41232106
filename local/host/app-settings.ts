/** Replaces `%NAME%` by the setting of that name, in binding options such as a schedule or a queue name. */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined) throw new Error(`'%${name}%' does not resolve to a value: there is no such app setting`);
    return value;
  });
}

/** `AzureWebJobs.<name>.Disabled`, with `_` where a platform allows no dots in names. */
export function isDisabled(functionName: string, env: NodeJS.ProcessEnv): boolean {
  const value = env[`AzureWebJobs.${functionName}.Disabled`] ?? env[`AzureWebJobs_${functionName}_Disabled`];
  return value === "1" || value?.toLowerCase() === "true";
}
