/** The three storage clients, from whichever form the connection setting has. Credentials are loaded only when one is needed. */
import { TableClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";
import type { StorageConnection } from "../settings.ts";
import { createCredential } from "./credential.ts";

export interface Storage {
  table(name: string): TableClient;
  readonly queues: QueueServiceClient;
  readonly blobs: BlobServiceClient;
}

export function openStorage(connection: StorageConnection, managedIdentity: boolean): Storage {
  if (connection.kind === "connection-string") {
    const text = connection.connectionString.expose();
    // An account key over http is the operator's own choice, made by writing http into the connection string.
    const allowInsecureConnection =
      /(^|;)\s*(DefaultEndpointsProtocol=http;|UseDevelopmentStorage=true|TableEndpoint=http:)/i.test(`${text};`);
    return {
      table: (name) => TableClient.fromConnectionString(text, name, { allowInsecureConnection }),
      queues: QueueServiceClient.fromConnectionString(text),
      blobs: BlobServiceClient.fromConnectionString(text),
    };
  }
  const credential = createCredential({
    managedIdentity,
    ...(connection.clientId ? { clientId: connection.clientId } : {}),
  });
  return {
    table: (name) => new TableClient(connection.tableServiceUri, name, credential),
    queues: new QueueServiceClient(connection.queueServiceUri, credential),
    blobs: new BlobServiceClient(connection.blobServiceUri, credential),
  };
}
