import { TableServiceClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient } from "@azure/storage-queue";

/** What infra/modules/storage.bicep makes on Azure, made here: the app itself may not create queues or tables. */
const queues = ["events", "registries", "run-work", "reports", "registry-events"];
const tables = ["slipway", "deliveries"];
const containers = ["logs"];

export async function provisionStorage(connectionString: string): Promise<void> {
  const queueService = QueueServiceClient.fromConnectionString(connectionString);
  const tableService = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true });
  const blobService = BlobServiceClient.fromConnectionString(connectionString);
  await Promise.all([
    ...queues.flatMap((q) => [q, `${q}-poison`]).map((q) => queueService.getQueueClient(q).createIfNotExists()),
    ...tables.map((t) => tableService.createTable(t)),
    ...containers.map((c) => blobService.getContainerClient(c).createIfNotExists()),
  ]);
}
