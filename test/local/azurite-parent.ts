import { startAzurite } from "../../local/azurite.ts";

/** A process to be killed: starts Azurite in the folder argv[2] and prints its connection string. */
const azurite = await startAzurite({ location: process.argv[2] ?? "" });
console.log(azurite.connectionString);
