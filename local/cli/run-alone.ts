import { join } from "node:path";
import { setTimeout as delay, setImmediate as immediate } from "node:timers/promises";
import { Clock } from "../clock.ts";
import { startCloud, writeEndpoints } from "../cloud.ts";
import { type EngineName, engineNames } from "../engine/engine.ts";
import { PidFile } from "../start/pid-file.ts";
import { processStart } from "../start/process-start.ts";
import { removeState } from "../start/remove-state.ts";
import { alreadyRunning, becomeTheOne, pidName } from "../start/run.ts";
import { stopRequest } from "../start/stop-request.ts";
import { guide } from "./guide.ts";
import { type CommandLine, twinPortNames, UsageError } from "./options.ts";

/** How often Azurite is looked at, in milliseconds. */
const lookEvery = 1_000;

/** Starts the twin without Slipway and keeps it until somebody wants it to stop. Returns the exit code. */
export async function runAlone({ dir, values }: CommandLine, root: string): Promise<number> {
  const { fresh, ports, engine, clock } = choicesOf(values);
  const stop = stopRequest();
  const pidFile = new PidFile(join(dir, pidName));
  const other = await becomeTheOne(pidFile);
  if (other !== undefined) {
    process.stderr.write(alreadyRunning(dir, other));
    return 1;
  }
  try {
    if (fresh) await removeState(dir, pidName);
    const cloud = await startCloud({
      dir,
      ports,
      clock,
      ...(engine && { engine }),
      onProgress: (what) => process.stdout.write(`starting: ${what}\n`),
    });
    try {
      pidFile.recordChild("Azurite", cloud.azurite.pid);
      writeEndpoints(dir, cloud.endpoints);
      const { engine: chosen, why } = cloud.engine;
      // Who has asked for the end meanwhile need not be told how to begin.
      const stopping = await Promise.race([stop, immediate(undefined)]);
      if (!stopping) process.stdout.write(guide(cloud.endpoints, { dir, root, engine: `${chosen.name}. ${why}` }));
      const { why: reason } = stopping ?? (await Promise.race([stop, endOf(cloud.azurite.pid)]));
      process.stdout.write(`\nStopped (${reason}).\n`);
      return reason === azuriteEnded ? 1 : 0;
    } finally {
      await cloud.stop();
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  } finally {
    pidFile.release();
  }
}

const azuriteEnded = "Azurite has ended by itself; what it had saved is kept";

async function endOf(azurite: number): Promise<{ readonly why: string }> {
  const startedAt = processStart(azurite);
  while (processStart(azurite) === startedAt) await delay(lookEvery);
  return { why: azuriteEnded };
}

function choicesOf(values: CommandLine["values"]) {
  const { fresh, engine } = values;
  if (engine !== undefined && !isEngine(engine))
    throw new UsageError(`--engine ${engine}: there are ${engineNames.join(", ")}`);
  const wanted = twinPortNames.flatMap((name) => {
    const text = values[`port-${name}`];
    return text === undefined ? [] : [[name, portOf(name, String(text))] as const];
  });
  const alien = Object.keys(values).find((name) => !/^(dir|help|fresh|engine|clock-scale|port-.*)$/.test(name));
  if (alien !== undefined) throw new UsageError(`--${alien} is for a command`);
  return {
    fresh: fresh === true,
    ports: Object.fromEntries(wanted),
    clock: clockOf(values["clock-scale"]),
    ...(engine !== undefined && { engine }),
  };
}

function clockOf(text: unknown): Clock {
  if (text === undefined) return new Clock();
  const scale = Number(text);
  if (!(scale > 0 && scale <= 1_000_000)) throw new UsageError(`--clock-scale ${text}: a number above 0, such as 60`);
  return new Clock(scale);
}

function isEngine(text: unknown): text is EngineName {
  return (engineNames as readonly unknown[]).includes(text);
}

function portOf(name: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new UsageError(`--port-${name} ${text}: a port is a number from 0 to 65535`);
  return Number(text);
}
