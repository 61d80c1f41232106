// State (tables), messages (queues), logs and the deployed package (blobs) in one account. Every queue and table is
// made here, through the control plane, so that the app never has to create one and a typing error cannot make a new one.
param name string
param location string
param tags object
param sku string
param logRetentionDays int

var queueNames = [
  'events'
  'registries'
  'run-work'
  'reports'
  // Event Grid may deliver here (docs/deploy.md).
  'registry-events'
]
// The host moves a message here after maxDequeueCount; sweep drains these into records.
var poisonQueueNames = [
  'events-poison'
  'registries-poison'
  'run-work-poison'
  'reports-poison'
  'registry-events-poison'
]
var tableNames = [
  'slipway'
  'deliveries'
]

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    // No account key and no SAS signed with it works: only Entra tokens, so a leaked connection string is worth nothing.
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobService
  name: 'deployment'
  properties: { publicAccess: 'None' }
}

resource logContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobService
  name: 'logs'
  properties: { publicAccess: 'None' }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-old-logs'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob', 'appendBlob']
              prefixMatch: ['${logContainer.name}/']
            }
            actions: {
              baseBlob: { delete: { daysAfterModificationGreaterThan: logRetentionDays } }
            }
          }
        }
      ]
    }
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [for queueName in queueNames: {
  parent: queueService
  name: queueName
}]

resource poisonQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [for queueName in poisonQueueNames: {
  parent: queueService
  name: queueName
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = [for tableName in tableNames: {
  parent: tableService
  name: tableName
}]

output name string = account.name
output deploymentContainerName string = deploymentContainer.name
